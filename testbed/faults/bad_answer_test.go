package faults

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/testbed/harness"
)

// F3: status 200, and an answer that is none.

func TestAnAnswerThatIsNoneIsAnError(t *testing.T) {
	harness.InMatrix(t, "F3")
	malformed := harness.Ending{Outcome: outcome.UpstreamMalformed, Status: http.StatusBadGateway, Code: "upstream_malformed"}
	truncated := harness.Ending{Outcome: outcome.UpstreamTruncated, Status: http.StatusBadGateway, Code: "upstream_truncated"}
	good := func(v harness.Variant, r *http.Request) string {
		if v.Stream {
			return harness.VoiceFor(r).Opening(harness.FromFaulty) + harness.VoiceFor(r).Closing()
		}
		return harness.VoiceFor(r).Whole(harness.FromFaulty)
	}
	all := mishaps{}
	for name, tc := range map[string]struct {
		fits     func(harness.Variant) bool
		kind     string // Content-Type; empty: the right one
		encoding string // Content-Encoding
		body     func(v harness.Variant, r *http.Request) string
		ending   harness.Ending
	}{
		"nothing": {nil, "", "", func(harness.Variant, *http.Request) string { return "" }, truncated},
		"text": {nil, "", "", func(harness.Variant, *http.Request) string { return "upstream connect error\n\n" },
			malformed},
		"JSON of another kind": {nil, "application/json", "", func(harness.Variant, *http.Request) string { return `["hello"]` }, malformed},
		"JSON that is cut": {harness.Whole, "", "", func(v harness.Variant, r *http.Request) string {
			s := good(v, r)
			return s[:len(s)-20]
		}, truncated},
		"JSON that is cut instead of a stream": {harness.Streaming, "application/json", "", func(_ harness.Variant, r *http.Request) string {
			s := harness.VoiceFor(r).Whole(harness.FromFaulty)
			return s[:len(s)-20]
		}, truncated},
		"a whole answer instead of a stream": {harness.Streaming, "application/json", "", func(_ harness.Variant, r *http.Request) string {
			return harness.VoiceFor(r).Whole(harness.FromFaulty)
		}, malformed},
		"a web page": {nil, "text/html; charset=utf-8", "", func(harness.Variant, *http.Request) string {
			return "<!doctype html><title>502 Bad Gateway</title><h1>nginx</h1>"
		}, malformed},
		"a web page that says that it is none": {nil, "", "", func(harness.Variant, *http.Request) string {
			return "<!doctype html>\n<html>\n<body>\n\n<h1>Attention Required! | Cloudflare</h1></body></html>\n"
		}, malformed},
		"a good answer of the wrong type":  {nil, "text/plain", "", good, harness.Ending{Outcome: outcome.Completed}},
		"a good answer of an unknown type": {nil, "application/x-unknown", "", good, harness.Ending{Outcome: outcome.Completed}},
		"a good answer, packed unasked": {nil, "", "gzip", func(v harness.Variant, r *http.Request) string {
			return packed(t, good(v, r))
		}, harness.Ending{Outcome: outcome.Completed}},
		"a good answer that calls its characters an encoding": {nil, "", "UTF-8", good, harness.Ending{Outcome: outcome.Completed}},
		"packed, but not as it says":                          {nil, "", "gzip", good, malformed},
		"packed, and spoilt": {nil, "", "gzip", func(v harness.Variant, r *http.Request) string {
			s := []byte(packed(t, good(v, r)))
			for i := 12; i < len(s); i++ {
				s[i] ^= 0xff
			}
			return string(s)
		}, malformed},
		"packed, and cut": {harness.Whole, "", "gzip", func(v harness.Variant, r *http.Request) string {
			s := packed(t, good(v, r))
			return s[:len(s)-12]
		}, truncated},
		"packed in an unknown way": {nil, "", "br", good, malformed},
	} {
		all[name] = mishap{fits: tc.fits, ending: tc.ending, handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if v.Stream {
				w.Header().Set("Content-Type", "text/event-stream")
			}
			if tc.kind != "" {
				w.Header().Set("Content-Type", tc.kind)
			}
			if tc.encoding != "" {
				w.Header().Set("Content-Encoding", tc.encoding)
			}
			harness.Say(w, tc.body(v, r))
		}}
	}
	// net/http hands over the connection with it, and stops looking after the call.
	all["another protocol"] = mishap{fits: harness.OverHTTP1, ending: malformed, handle: func(_ harness.Variant, w http.ResponseWriter, r *http.Request) {
		if _, _, err := http.NewResponseController(w).Hijack(); err != nil {
			panic(err)
		}
		conn := harness.ConnOf(r)
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
	harness.Long(t)
	harness.InMatrix(t, "F3")
	block := packed(t, string(bytes.Repeat([]byte("x"), 1<<20)))
	harness.InSomeVariantsOneWay(t, []string{"endless"}, nil, func(t *testing.T, v harness.Variant, _ string, one []harness.Way) {
		s := newScene(t, v, plan{ways: one, handle: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			v.Header(w)
			_, _ = io.WriteString(w, packed(t, "data: "))
			for r.Context().Err() == nil { // a gzip file may have many members, and this one has no last
				if _, err := io.WriteString(w, block); err != nil {
					return
				}
			}
		}})
		s.requireEnding(t, s.callAll(context.Background(), harness.Ear{}), harness.Ending{Outcome: outcome.TooLarge, Status: http.StatusBadGateway, Code: "too_large"})
	})
}
