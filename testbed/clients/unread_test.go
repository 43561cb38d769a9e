package clients

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

func TestABodyThatNeverComesHoldsNobodyOnAnyRoute(t *testing.T) {
	harness.Long(t)
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	for _, line := range []string{
		"GET /api/status", "GET /api/monitor/health", "GET /v1/models", "POST /nowhere", "DELETE /v1/chat/completions",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", strings.TrimPrefix(r.URL, "http://"))
			require.NoError(t, err)
			defer func() { _ = conn.Close() }()
			require.NoError(t, conn.SetDeadline(time.Now().Add(harness.Patience)))
			_, err = io.WriteString(conn, line+" HTTP/1.1\r\nHost: relay\r\nContent-Length: 10\r\n\r\n")
			require.NoError(t, err)
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			require.NoError(t, err, "the answer comes though the body does not")
			_ = response.Body.Close()
		})
	}
}

func TestAClientThatIsStillSendingGetsToReadWhyItsHeaderIsRefused(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.URL, "http://"))
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.SetDeadline(time.Now().Add(harness.Patience)))
	go func() {
		_, _ = io.WriteString(conn, "GET /api/status HTTP/1.1\r\nHost: relay\r\nX-Fat: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")
	}()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, response.StatusCode)
	_, err = io.ReadAll(response.Body)
	require.NoError(t, err)
}
