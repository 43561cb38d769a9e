package suite

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
	inMatrix(t, "F3")
	malformed := ending{outcome: outcome.UpstreamMalformed, status: http.StatusBadGateway, code: "upstream_malformed"}
	all := mishaps{}
	streamed := func(v variant) bool { return overHTTP1(v) && v.stream }
	whole := func(v variant) bool { return overHTTP1(v) && !v.stream }
	add := func(name string, fits func(variant) bool, lengths []string, chunks bool, ends ending) {
		all[name] = mishap{fits: fits, ending: ends, handle: func(v variant, w http.ResponseWriter, r *http.Request) {
			answersRaw(w, r, v, lengths, chunks)
		}}
	}
	for name, length := range announced {
		add("a length of "+name, overHTTP1, []string{length}, false, malformed)
	}
	add("chunks and a length beyond", overHTTP1, []string{beyondAll}, true, malformed)
	add("chunks and a length below 0", overHTTP1, []string{"-1"}, true, malformed)
	add("chunks and two lengths", overHTTP1, []string{"5", "6"}, true, malformed)
	add("two lengths", overHTTP1, []string{"5", "6"}, false, malformed)
	add("a length twice beyond all", overHTTP1, []string{beyondAll, beyondAll}, false, malformed)
	add("chunks and the largest length", overHTTP1, []string{largestLength}, true, ending{outcome: outcome.Completed})
	add("the largest length", whole, []string{largestLength}, false,
		ending{outcome: outcome.TooLarge, status: http.StatusBadGateway, code: "too_large"})
	add("the largest length of a stream", streamed, []string{largestLength}, false, ending{outcome: outcome.Completed})
	all.inVariants(t, atMostEach(), plan{})
}

// answersRaw is a good answer to a request, whatever its header says of its length. It closes the connection.
func answersRaw(w http.ResponseWriter, r *http.Request, v variant, lengths []string, chunks bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer func() { _ = conn.Close() }()
	kind, body := "application/json", voiceFor(r).whole(fromFaulty)
	if v.stream {
		kind, body = "text/event-stream", voiceFor(r).opening(fromFaulty)+voiceFor(r).closing()
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
	inMatrix(t, "F3")
	completed := ending{outcome: outcome.Completed}
	truncated := ending{outcome: outcome.UpstreamTruncated, status: http.StatusBadGateway, code: "upstream_truncated"}
	malformed := ending{outcome: outcome.UpstreamMalformed, status: http.StatusBadGateway, code: "upstream_malformed"}
	tooLarge := ending{outcome: outcome.TooLarge, status: http.StatusBadGateway, code: "too_large"}
	ofWhole := func(v variant) bool { return overHTTP2(v) && !v.stream }
	ofStream := func(v variant) bool { return overHTTP2(v) && v.stream }
	as := func(lengths ...string) func(int) []string { return func(int) []string { return lengths } }
	beside := func(by int) func(int) []string {
		return func(true int) []string { return []string{strconv.Itoa(true + by)} }
	}
	cases := map[string]struct {
		fits   func(variant) bool
		says   func(true int) []string
		ending ending
	}{
		"the right one":               {overHTTP2, beside(0), completed},
		"more than comes":             {ofWhole, beside(1), truncated},
		"more than comes of a stream": {ofStream, beside(1), completed},
		"less than comes":             {ofWhole, beside(-1), malformed},
		"the largest":                 {ofWhole, as(largestLength), tooLarge},
		"the largest of a stream":     {ofStream, as(largestLength), completed},
		"two":                         {overHTTP2, as("5", "6"), completed},
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
			inVariants(t, min(thorough(), eachOnce), tc.fits, func(t *testing.T, v variant) {
				donor := newUpstreamOver(t, v.transport, http.NotFound) // of its certificate
				frames := newFrameUpstream(t, donor.TLS.Certificates, v, func(s *frameStream, _ int) {
					s.header(tc.says(len(s.text()))...)
					_ = s.framer.WriteData(s.id, true, []byte(s.text()))
				})
				s := newScene(t, v, plan{at: frames.url, options: []relayOption{trusting(donor)}})
				s.requireEnding(t, s.callAll(context.Background(), ear{}), tc.ending)
			})
		})
	}
}

// TestARequestWhoseLengthCannotBeIsRefused: nothing of it reaches an upstream, and its connection ends, since nobody knows where the
// next request on it would begin.
func TestARequestWhoseLengthCannotBeIsRefused(t *testing.T) {
	inMatrix(t, "F16")
	u := newUpstream(t, false, answers(200, wholeAnswer))
	r := startRelay(t, openAIChannel("a", u, ""))
	fields := map[string]string{
		"two":                          "Content-Length: 5\r\nContent-Length: 6\r\n",
		"two, the right one last":      fmt.Sprintf("Content-Length: 5\r\nContent-Length: %d\r\n", len(chat)),
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
			conn := r.dial()
			require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
			_, err := io.WriteString(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer "+testKey+"\r\n"+lines+"\r\n"+chat)
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
	require.Zero(t, u.requests.Load())
	r.requireQuiet(amongOthers, u)
}
