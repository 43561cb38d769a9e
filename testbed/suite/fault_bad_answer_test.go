package suite

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
)

// F3: status 200, and an answer that is none.

func TestAnAnswerThatIsNoneIsAnError(t *testing.T) {
	inMatrix(t, "F3")
	malformed := ending{outcome: outcome.UpstreamMalformed, status: http.StatusBadGateway, code: "upstream_malformed"}
	truncated := ending{outcome: outcome.UpstreamTruncated, status: http.StatusBadGateway, code: "upstream_truncated"}
	good := func(v variant, r *http.Request) string {
		if v.stream {
			return voiceFor(r).opening(fromFaulty) + voiceFor(r).closing()
		}
		return voiceFor(r).whole(fromFaulty)
	}
	all := mishaps{}
	for name, tc := range map[string]struct {
		fits     func(variant) bool
		kind     string // Content-Type; empty: the right one
		encoding string // Content-Encoding
		body     func(v variant, r *http.Request) string
		ending   ending
	}{
		"nothing": {nil, "", "", func(variant, *http.Request) string { return "" }, truncated},
		"text": {nil, "", "", func(variant, *http.Request) string { return "upstream connect error\n\n" },
			malformed},
		"JSON of another kind": {nil, "application/json", "", func(variant, *http.Request) string { return `["hello"]` }, malformed},
		"JSON that is cut": {whole, "", "", func(v variant, r *http.Request) string {
			s := good(v, r)
			return s[:len(s)-20]
		}, truncated},
		"JSON that is cut instead of a stream": {streaming, "application/json", "", func(_ variant, r *http.Request) string {
			s := voiceFor(r).whole(fromFaulty)
			return s[:len(s)-20]
		}, truncated},
		"a whole answer instead of a stream": {streaming, "application/json", "", func(_ variant, r *http.Request) string {
			return voiceFor(r).whole(fromFaulty)
		}, malformed},
		"a web page": {nil, "text/html; charset=utf-8", "", func(variant, *http.Request) string {
			return "<!doctype html><title>502 Bad Gateway</title><h1>nginx</h1>"
		}, malformed},
		"a web page that says that it is none": {nil, "", "", func(variant, *http.Request) string {
			return "<!doctype html>\n<html>\n<body>\n\n<h1>Attention Required! | Cloudflare</h1></body></html>\n"
		}, malformed},
		"a good answer of the wrong type":  {nil, "text/plain", "", good, ending{outcome: outcome.Completed}},
		"a good answer of an unknown type": {nil, "application/x-unknown", "", good, ending{outcome: outcome.Completed}},
		"a good answer, packed unasked": {nil, "", "gzip", func(v variant, r *http.Request) string {
			return packed(t, good(v, r))
		}, ending{outcome: outcome.Completed}},
		"a good answer that calls its characters an encoding": {nil, "", "UTF-8", good, ending{outcome: outcome.Completed}},
		"packed, but not as it says":                          {nil, "", "gzip", good, malformed},
		"packed, and spoilt": {nil, "", "gzip", func(v variant, r *http.Request) string {
			s := []byte(packed(t, good(v, r)))
			for i := 12; i < len(s); i++ {
				s[i] ^= 0xff
			}
			return string(s)
		}, malformed},
		"packed, and cut": {whole, "", "gzip", func(v variant, r *http.Request) string {
			s := packed(t, good(v, r))
			return s[:len(s)-12]
		}, truncated},
		"packed in an unknown way": {nil, "", "br", good, malformed},
	} {
		all[name] = mishap{fits: tc.fits, ending: tc.ending, handle: func(v variant, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if v.stream {
				w.Header().Set("Content-Type", "text/event-stream")
			}
			if tc.kind != "" {
				w.Header().Set("Content-Type", tc.kind)
			}
			if tc.encoding != "" {
				w.Header().Set("Content-Encoding", tc.encoding)
			}
			say(w, tc.body(v, r))
		}}
	}
	// net/http hands over the connection with it, and stops looking after the call.
	all["another protocol"] = mishap{fits: overHTTP1, ending: malformed, handle: func(_ variant, w http.ResponseWriter, r *http.Request) {
		if _, _, err := http.NewResponseController(w).Hijack(); err != nil {
			panic(err)
		}
		conn := connOf(r)
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
		_, _ = conn.Read(make([]byte, 1)) // it is the relay that hangs up
		_ = conn.Close()
	}}
	all.inEveryVariant(t, plan{})
}

func packed(t *testing.T, text string) string {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	require.NoError(t, err)
	_, err = io.WriteString(z, text)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.String()
}

// TestAPackedAnswerIsBoundedByWhatItUnpacksTo sends a few hundred kilobytes that become more than the relay keeps.
func TestAPackedAnswerIsBoundedByWhatItUnpacksTo(t *testing.T) {
	long(t)
	inMatrix(t, "F3")
	block := packed(t, string(bytes.Repeat([]byte("x"), 1<<20)))
	inSomeVariantsOneWay(t, []string{"endless"}, nil, func(t *testing.T, v variant, _ string, one []way) {
		s := newScene(t, v, plan{ways: one, handle: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			v.header(w)
			_, _ = io.WriteString(w, packed(t, "data: "))
			for r.Context().Err() == nil { // a gzip file may have many members, and this one has no last
				if _, err := io.WriteString(w, block); err != nil {
					return
				}
			}
		}})
		s.requireEnding(t, s.callAll(context.Background(), ear{}), ending{outcome: outcome.TooLarge, status: http.StatusBadGateway, code: "too_large"})
	})
}
