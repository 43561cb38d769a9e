package clients

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// TestAConnectionIsClosedBehindARequestWhoseEndIsNotSure sends another request behind each, as one who smuggles would: it must
// not be served.
func TestAConnectionIsClosedBehindARequestWhoseEndIsNotSure(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	length := fmt.Sprintf("Content-Length: %d\r\n", len(harness.Chat))
	const coding, kept = "Transfer-Encoding: chunked\r\n", "Connection: keep-alive\r\n"
	key := "Authorization: Bearer " + harness.Key + "\r\n"
	chunks := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(harness.Chat), harness.Chat)
	call, status := "POST /v1/chat/completions", "GET /api/status"
	for name, tc := range map[string]struct {
		line, fields, body string
		kept               bool
	}{
		"a length":                               {call + " HTTP/1.1", key + length, harness.Chat, true},
		"chunks":                                 {call + " HTTP/1.1", key + coding, chunks, true},
		"both":                                   {call + " HTTP/1.1", key + length + coding, chunks, false},
		"both, in the other order":               {call + " HTTP/1.1", coding + key + strings.ToUpper(length), chunks, false},
		"both, without a key":                    {call + " HTTP/1.1", length + coding, chunks, false},
		"both, for nothing":                      {"POST /nothing HTTP/1.1", length + coding, chunks, false},
		"both, to look":                          {status + " HTTP/1.1", length + coding, chunks, false},
		"a length, HTTP/1.0":                     {call + " HTTP/1.0", key + kept + length, harness.Chat, true},
		"chunks, HTTP/1.0":                       {call + " HTTP/1.0", key + kept + coding, chunks, false},
		"both, HTTP/1.0":                         {call + " HTTP/1.0", key + kept + coding + length, harness.Chat, false},
		"chunks, to look, HTTP/1.0":              {status + " HTTP/1.0", kept + coding, chunks, false},
		"a text that speaks of both, by the way": {call + " HTTP/1.1", key + "X-Note: Transfer-Encoding: chunked\r\n" + length, harness.Chat, true},
	} {
		for _, piecemeal := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, piecemeal %t", name, piecemeal), func(t *testing.T) {
				conn := r.Dial()
				require.NoError(t, conn.SetDeadline(time.Now().Add(harness.Patience)))
				text := tc.line + "\r\nHost: relay\r\n" + tc.fields + "\r\n" + tc.body + status + " HTTP/1.1\r\nHost: relay\r\n\r\n"
				step := len(text)
				if piecemeal {
					step = 7
				}
				for ; text != ""; text = text[min(step, len(text)):] {
					if _, err := io.WriteString(conn, text[:min(step, len(text))]); err != nil {
						break // it has been closed
					}
				}
				from := bufio.NewReader(conn)
				for range 2 {
					response, err := http.ReadResponse(from, nil)
					if !tc.kept && err != nil {
						return
					}
					require.NoError(t, err)
					_, err = io.Copy(io.Discard, response.Body)
					require.NoError(t, err)
					require.NoError(t, response.Body.Close())
					if !tc.kept {
						require.True(t, response.Close, "it does not say that the connection ends")
						_, err = from.ReadByte()
						require.Error(t, err, "something behind it was answered")
						return
					}
				}
			})
		}
	}
}
