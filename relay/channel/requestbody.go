package channel

import "bytes"

// requestBody is a request's body for net/http, which may still read it when RoundTrip has returned. The bytes are never
// modified and are left to the garbage collector, so that is harmless.
type requestBody struct{ *bytes.Reader }

func newRequestBody(b []byte) requestBody { return requestBody{bytes.NewReader(b)} }

// Close has nothing to do.
func (requestBody) Close() error { return nil }
