package provider

import (
	"context"
	"net/http"
	"net/url"
)

// Auth is how a provider is shown who asks. It is the last thing that happens to a request before its bytes leave.
type Auth struct {
	Header string // the header that the key goes into, in its canonical form
	Before string // what stands before it there, such as "Bearer "
	// Sign is for those who want more than the key in a header: a signature over all that is sent, or a token that is fetched first.
	// nil if the header will do. An error is for the operator, and free of secrets.
	Sign func(ctx context.Context, r *Signable, key string) error
}

// Signable is a request as it leaves: nothing of it changes any more, except for what Sign adds to the header.
type Signable struct {
	Method string
	URL    *url.URL
	Header http.Header
	Body   []byte
}

// How most are.
var (
	Bearer      = Auth{Header: "Authorization", Before: "Bearer "}
	XAPIKey     = Auth{Header: "X-Api-Key"}
	XGoogAPIKey = Auth{Header: "X-Goog-Api-Key"}
)
