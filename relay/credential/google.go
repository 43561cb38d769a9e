package credential

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	oauth2google "golang.org/x/oauth2/google"

	"one-api/relay/config"
)

// googleScope is what Google's clouds ask for (https://cloud.google.com/vertex-ai/docs/authentication).
const googleScope = "https://www.googleapis.com/auth/cloud-platform"

// google fetches tokens with a credentials file, or from the metadata server of the machine.
type google struct {
	config.Google
	over, metadata http.RoundTripper
}

func (g google) fetch(ctx context.Context) (*Token, error) {
	if g.JSON == "" {
		return g.fromMetadata(ctx)
	}
	way := &noted{over: g.over}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, client(way))
	// Made anew for each token, as its own keeps one until ten seconds before its end, and its context for ever.
	credentials, err := oauth2google.CredentialsFromJSONWithType(ctx, []byte(g.JSON), oauth2google.CredentialsType(g.Kind), googleScope)
	if err != nil {
		return nil, &Error{Refused: true, Text: "the credentials file cannot be used"}
	}
	got, err := credentials.TokenSource.Token()
	if err != nil {
		return nil, way.judged(err)
	}
	if !isToken(got.AccessToken) {
		return nil, noToken(nil)
	}
	if said, is := got.Extra("expires_in").(float64); is && said <= 0 {
		return nil, expired()
	}
	life := time.Duration(0)
	if !got.Expiry.IsZero() {
		life = max(time.Until(got.Expiry), time.Second)
	}
	return newToken(got.AccessToken, life), nil
}

// fromMetadata asks the machine (https://cloud.google.com/compute/docs/access/authenticate-workloads).
func (g google) fromMetadata(ctx context.Context) (*Token, error) {
	at := "http://" + g.MetadataHost + "/computeMetadata/v1/instance/service-accounts/default/token?scopes=" + url.QueryEscape(googleScope)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, &Error{Text: "the metadata server's address cannot be used"}
	}
	request.Header.Set("Metadata-Flavor", "Google")
	response, err := client(g.metadata).Do(request)
	if err == nil && response.StatusCode == http.StatusOK && response.Header.Get("Metadata-Flavor") != "Google" {
		_ = response.Body.Close() // it is somebody else's
		return nil, &Error{Text: "whoever answers in the metadata server's place is not Google's"}
	}
	t, err := answered(response, err)
	var known *Error
	if errors.As(err, &known) {
		known.Text = strings.Replace(known.Text, "token endpoint", "metadata server", 1)
	}
	return t, err
}

// noted keeps what went wrong on the way, of which the library passes on a text with addresses in it and nothing else, and how an answer
// began that it made nothing of. More than a token's length is not read.
type noted struct {
	over http.RoundTripper
	err  error
	said []byte
}

// longestBegin is how much of an answer is kept.
const longestBegin = 64

// RoundTrip is http.RoundTripper's.
func (n *noted) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := n.over.RoundTrip(r)
	n.err, n.said = err, nil
	if err == nil {
		response.Body = &notedBody{ReadCloser: response.Body, of: n, left: longestAnswer}
	}
	return response, err
}

type notedBody struct {
	io.ReadCloser
	of   *noted
	left int
}

// Read is io.Reader's.
func (b *notedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.of.said = append(b.of.said, p[:min(n, longestBegin-len(b.of.said))]...)
	if b.left -= n; b.left < 0 && err == nil {
		err = tooLong()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.of.err = err
	}
	return n, err
}

// judged is an error of the library's as callers may know it.
func (n *noted) judged(err error) error {
	var said *oauth2.RetrieveError
	switch {
	case errors.As(err, &said) && said.Response != nil && said.Response.StatusCode != http.StatusOK:
		return refused(said.Response.StatusCode, said.Body)
	case n.err != nil:
		return n.err
	case n.said != nil:
		return noToken(n.said)
	}
	return &Error{Text: "the credentials gave no token"}
}
