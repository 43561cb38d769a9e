package upstream

import (
	"cmp"
	"context"
	"net/http"

	"one-api/relay/provider"
)

// UserAgent is who asks, unless somebody says something else.
var UserAgent = []string{"one-api"}

// Sign shows the upstream who asks, in the provider's own way. It comes last, when nothing of the request changes any more.
func (r Request) Sign(ctx context.Context, auth *provider.Auth, secret string) error {
	return auth.Sign(ctx, &provider.Signable{Method: cmp.Or(r.Method, http.MethodPost), URL: r.At.url, Header: r.Header, Body: r.Body}, secret)
}
