package faults

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/testbed/harness"
)

// F3 and F16, the lengths that answers and requests announce: beyond what a number holds, below 0, several, beside chunks.

const (
	largestLength = "9223372036854775807"  // 2^63 - 1
	beyondSigned  = "9223372036854775808"  // 2^63
	beyondAll     = "18446744073709551616" // 2^64
)

// announced are lengths that no answer has.
var announced = map[string]string{
	"63 bits and 1": beyondSigned, "64 bits and 1": beyondAll, "64 bits and 5": "18446744073709551621", "130 bits": strings.Repeat("9", 40),
	"less than 0": "-1", "a sign": "+5", "hexadecimal": "0x10", "nothing": "", "a fraction": "5.0", "a list": "5, 6",
}

// TestALengthThatCannotBeHurtsNobody is for answers of HTTP/1.1, by way of every transport.
func TestALengthThatCannotBeHurtsNobody(t *testing.T) {
	harness.InMatrix(t, "F3")
	malformed := harness.Ending{Outcome: outcome.UpstreamMalformed, Status: http.StatusBadGateway, Code: "upstream_malformed"}
	all := mishaps{}
	streamed := func(v harness.Variant) bool { return harness.OverHTTP1(v) && v.Stream }
	whole := func(v harness.Variant) bool { return harness.OverHTTP1(v) && !v.Stream }
	add := func(name string, fits func(harness.Variant) bool, lengths []string, chunks bool, ends harness.Ending) {
		all[name] = mishap{fits: fits, ending: ends, handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
			answersRaw(w, r, v, lengths, chunks)
		}}
	}
	for name, length := range announced {
		add("a length of "+name, harness.OverHTTP1, []string{length}, false, malformed)
	}
	add("chunks and a length beyond", harness.OverHTTP1, []string{beyondAll}, true, malformed)
	add("chunks and a length below 0", harness.OverHTTP1, []string{"-1"}, true, malformed)
	add("chunks and two lengths", harness.OverHTTP1, []string{"5", "6"}, true, malformed)
	add("two lengths", harness.OverHTTP1, []string{"5", "6"}, false, malformed)
	add("a length twice beyond all", harness.OverHTTP1, []string{beyondAll, beyondAll}, false, malformed)
	add("chunks and the largest length", harness.OverHTTP1, []string{largestLength}, true, harness.Ending{Outcome: outcome.Completed})
	add("the largest length", whole, []string{largestLength}, false,
		harness.Ending{Outcome: outcome.TooLarge, Status: http.StatusBadGateway, Code: "too_large"})
	add("the largest length of a stream", streamed, []string{largestLength}, false, harness.Ending{Outcome: outcome.Completed})
	all.inVariants(t, harness.AtMostEach(), plan{})
}

// answersRaw is a good answer to a request, whatever its header says of its length. It closes the connection.
func answersRaw(w http.ResponseWriter, r *http.Request, v harness.Variant, lengths []string, chunks bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer func() { _ = conn.Close() }()
	kind, body := "application/json", harness.VoiceFor(r).Whole(harness.FromFaulty)
	if v.Stream {
		kind, body = "text/event-stream", harness.VoiceFor(r).Opening(harness.FromFaulty)+harness.VoiceFor(r).Closing()
	}
	header := "HTTP/1.1 200 OK\r\nContent-Type: " + kind + "\r\n"
	for _, length := range lengths {
		header += "Content-Length: " + length + "\r\n"
	}
	if chunks {
		header += chunked
		body = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	}
	_, _ = io.WriteString(conn, header+"\r\n"+body)
}

// TestALengthThatIsNotTrueIsNoticedOverHTTP2: it frames nothing there, and can only be believed or not.
func TestALengthThatIsNotTrueIsNoticedOverHTTP2(t *testing.T) {
	harness.InMatrix(t, "F3")
	completed := harness.Ending{Outcome: outcome.Completed}
	truncated := harness.Ending{Outcome: outcome.UpstreamTruncated, Status: http.StatusBadGateway, Code: "upstream_truncated"}
	malformed := harness.Ending{Outcome: outcome.UpstreamMalformed, Status: http.StatusBadGateway, Code: "upstream_malformed"}
	tooLarge := harness.Ending{Outcome: outcome.TooLarge, Status: http.StatusBadGateway, Code: "too_large"}
	ofWhole := func(v harness.Variant) bool { return harness.OverHTTP2(v) && !v.Stream }
	ofStream := func(v harness.Variant) bool { return harness.OverHTTP2(v) && v.Stream }
	as := func(lengths ...string) func(int) []string { return func(int) []string { return lengths } }
	beside := func(by int) func(int) []string {
		return func(true int) []string { return []string{strconv.Itoa(true + by)} }
	}
	cases := map[string]struct {
		fits   func(harness.Variant) bool
		says   func(true int) []string
		ending harness.Ending
	}{
		"the right one":               {harness.OverHTTP2, beside(0), completed},
		"more than comes":             {ofWhole, beside(1), truncated},
		"more than comes of a stream": {ofStream, beside(1), completed},
		"less than comes":             {ofWhole, beside(-1), malformed},
		"the largest":                 {ofWhole, as(largestLength), tooLarge},
		"the largest of a stream":     {ofStream, as(largestLength), completed},
		"two":                         {harness.OverHTTP2, as("5", "6"), completed},
	}
	for name, length := range announced {
		if length != "" && !strings.Contains(name, "list") {
			cases[name] = cases["two"]
			c := cases[name]
			c.says = as(length)
			cases[name] = c
		}
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			harness.InVariants(t, min(harness.Thorough(), harness.EachOnce), tc.fits, func(t *testing.T, v harness.Variant) {
				donor := harness.NewUpstreamOver(t, v.Transport, http.NotFound) // of its certificate
				frames := newFrameUpstream(t, donor.TLS.Certificates, v, func(s *frameStream, _ int) {
					s.header(tc.says(len(s.text()))...)
					_ = s.framer.WriteData(s.id, true, []byte(s.text()))
				})
				s := newScene(t, v, plan{at: frames.url, options: []harness.RelayOption{harness.Trusting(donor)}})
				s.requireEnding(t, s.callAll(context.Background(), harness.Ear{}), tc.ending)
			})
		})
	}
}

// TestARequestWhoseLengthCannotBeIsRefused: nothing of it reaches an upstream, and its connection ends, since nobody knows where the
// next request on it would begin.
func TestARequestWhoseLengthCannotBeIsRefused(t *testing.T) {
	harness.InMatrix(t, "F16")
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	fields := map[string]string{
		"two":                          "Content-Length: 5\r\nContent-Length: 6\r\n",
		"two, the right one last":      fmt.Sprintf("Content-Length: 5\r\nContent-Length: %d\r\n", len(harness.Chat)),
		"the largest":                  "Content-Length: " + largestLength + "\r\n",
		"chunks, and a length beyond":  chunked + "Content-Length: " + beyondAll + "\r\n",
		"chunks, and a length below 0": chunked + "Content-Length: -1\r\n",
		"chunks of a size beyond all":  chunked + "\r\n10000000000000000\r\n",
	}
	for name, length := range announced {
		fields[name] = "Content-Length: " + length + "\r\n"
	}
	for name, lines := range fields {
		t.Run(name, func(t *testing.T) {
			conn := r.Dial()
			require.NoError(t, conn.SetDeadline(time.Now().Add(harness.Patience)))
			_, err := io.WriteString(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer "+harness.Key+"\r\n"+lines+"\r\n"+harness.Chat)
			require.NoError(t, err)
			from := bufio.NewReader(conn)
			response, err := http.ReadResponse(from, nil)
			require.NoError(t, err)
			text, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.Contains(t, []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge}, response.StatusCode, "%s", text)
			require.True(t, response.Close, "what follows would be taken for another request")
		})
	}
	require.Zero(t, u.Requests.Load())
	r.RequireQuiet(harness.AmongOthers, u)
}
