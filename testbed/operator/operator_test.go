package operator

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// hangsWhole sends a header and nothing else.
func hangsWhole(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

func TestWhatIsInFlightIsListedOldestFirst(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.BeginAndWait)
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("ADMIN_TOKEN", harness.AdminToken))
	before := runtime.NumGoroutine()
	require.Empty(t, r.InFlight(0))
	first := r.Later(harness.ChatStream)
	old := r.InPhase("streaming")
	assert.Len(t, old.ID, 32)
	assert.Equal(t, "test", old.Token)
	assert.Equal(t, "m", old.Model)
	assert.Equal(t, "a", old.Channel)
	assert.Positive(t, old.AgeSeconds)
	assert.Positive(t, old.Bytes)
	second := r.Later(harness.ChatStream)
	both := r.InFlight(2)
	assert.Equal(t, old.ID, both[0].ID, "the oldest first")
	assert.Greater(t, both[0].AgeSeconds, both[1].AgeSeconds)

	status, answer := r.Operate(http.MethodDelete, "/api/monitor/requests/"+old.ID)
	assert.Equal(t, 200, status)
	assert.JSONEq(t, `{"success":true}`, answer)
	h := <-first
	require.NoError(t, h.Err)
	assert.Equal(t, old.ID, h.Header.Get("X-Oneapi-Request-Id"))
	assert.Equal(t, both[1].ID, r.InFlight(1)[0].ID, "the other one goes on")
	_, _ = r.Operate(http.MethodDelete, "/api/monitor/requests/"+both[1].ID)
	<-second
	require.Empty(t, r.InFlight(0))
	r.RequireQuiet(before, u)
}

// An operator's word ends a request wherever it is, once and for all: no other channel is asked, and nothing is held against
// the one that was.
func TestARequestThatTheOperatorEndsIsOver(t *testing.T) {
	for _, c := range []struct {
		name, phase, body string
		handle            http.HandlerFunc
		started           bool
	}{
		{"before the header", "asking", harness.Chat, harness.Hangs, false},
		{"before the header of a stream", "asking", harness.ChatStream, harness.Hangs, false},
		{"in the middle of a whole answer", "answering", harness.Chat, hangsWhole, false},
		{"in the middle of a stream", "streaming", harness.ChatStream, harness.BeginAndWait, true},
	} {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, HTTP/2 %t", c.name, http2), func(t *testing.T) {
				u, healthy := harness.NewUpstream(t, http2, c.handle), harness.NewUpstream(t, http2, harness.Answers(200, harness.WholeAnswer))
				r := harness.StartRelay(t, harness.TwoChannels(u, healthy, ""), harness.Trusting(u, healthy), harness.WithEnv("ADMIN_TOKEN", harness.AdminToken))
				before := runtime.NumGoroutine()
				answer := r.Later(c.body)
				is := r.InPhase(c.phase)
				status, _ := r.Operate(http.MethodDelete, "/api/monitor/requests/"+is.ID)
				assert.Equal(t, 200, status)
				h := <-answer
				require.NoError(t, h.Err)
				if c.started {
					assert.Equal(t, 200, h.Status)
					assert.Contains(t, h.Text, `"code":"operator_ended"`)
					assert.NotContains(t, h.Text, "[DONE]")
				} else {
					assert.Equal(t, 503, h.Status)
					assert.Equal(t, "operator_ended", harness.ErrorOf(t, h.Text)["code"])
				}
				assert.Equal(t, []string{"operator_ended"}, r.Outcomes(1))
				r.Eventually("its end", func() bool { return len(r.RequestEnds()) == 1 })
				assert.Equal(t, "operator_ended", r.RequestEnd(0).ErrorType())
				assert.Zero(t, healthy.Requests.Load(), "nothing moves on")
				_, a := r.Get("/api/monitor/channels/a")
				assert.Equal(t, "healthy", a["state"], "no error of the channel")
				assert.Nil(t, a["last_failure"])
				status, _ = r.Operate(http.MethodDelete, "/api/monitor/requests/"+is.ID)
				assert.Equal(t, 404, status, "it is over")
				r.RequireQuiet(before, u, healthy)
			})
		}
	}
}

func TestARequestWhoseBodyDoesNotComeCanBeEnded(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("ADMIN_TOKEN", harness.AdminToken))
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.URL, "http://"))
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+harness.Key+"\r\nContent-Length: 100\r\n\r\n{")
	require.NoError(t, err)
	is := r.InPhase("reading")
	assert.Equal(t, "test", is.Token)
	status, _ := r.Operate(http.MethodDelete, "/api/monitor/requests/"+is.ID)
	assert.Equal(t, 200, status)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(harness.Patience)))
	answer, _ := io.ReadAll(conn)
	assert.Contains(t, string(answer), "HTTP/1.1 503")
	assert.Contains(t, string(answer), `"code":"operator_ended"`)
	assert.Equal(t, "operator_ended", r.RequestEnd(0).Outcome.String())
	assert.Empty(t, r.Recorded())
}

func TestARequestWhoseClientDoesNotReadCanBeEnded(t *testing.T) {
	for _, body := range []string{harness.ChatStream, harness.Chat} {
		t.Run(body, func(t *testing.T) {
			u := harness.NewUpstream(t, false, harness.NewFlood(harness.Variant{Stream: body == harness.ChatStream}).Handle)
			r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithListener(harness.Narrow), harness.WithEnv("ADMIN_TOKEN", harness.AdminToken, "CLIENT_WRITE_TIMEOUT", "0"))
			before := runtime.NumGoroutine()
			lazy := harness.LazyClient()
			defer lazy.CloseIdleConnections()
			request, err := http.NewRequest(http.MethodPost, r.URL+"/v1/chat/completions", strings.NewReader(body))
			require.NoError(t, err)
			request.Header.Set("Authorization", "Bearer "+harness.Key)
			response, err := lazy.Do(request)
			require.NoError(t, err)
			defer func() { _ = response.Body.Close() }()
			is := r.InPhase("writing")
			status, _ := r.Operate(http.MethodDelete, "/api/monitor/requests/"+is.ID)
			assert.Equal(t, 200, status)
			r.Eventually("its end", func() bool { return len(r.RequestEnds()) == 1 })
			assert.Equal(t, "operator_ended", r.RequestEnd(0).Outcome.String())
			_ = response.Body.Close()
			lazy.CloseIdleConnections()
			r.RequireQuiet(before, u)
		})
	}
}

func TestOnlyTheAdminTokenEndsARequest(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.BeginAndWait)
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("ADMIN_TOKEN", harness.AdminToken))
	answer := r.Later(harness.ChatStream)
	is := r.InPhase("streaming")
	request, err := http.NewRequest(http.MethodDelete, r.URL+"/api/monitor/requests/"+is.ID, nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+harness.Key)
	response, err := r.Client.Do(request)
	require.NoError(t, err)
	_ = response.Body.Close()
	assert.Equal(t, 401, response.StatusCode)
	status, text := r.Operate(http.MethodDelete, "/api/monitor/requests/of-nobody")
	assert.Equal(t, 404, status)
	assert.Contains(t, text, "no request of that id")
	status, _ = r.Operate(http.MethodDelete, "/api/monitor/requests/"+is.ID)
	assert.Equal(t, 200, status)
	<-answer
}

// A channel that is cut loses what it has in flight at once. That is no error of the channel's.
func TestCuttingAChannelMovesItsCallsOnOrEndsThem(t *testing.T) {
	for _, c := range []struct {
		name, phase, body string
		handle            http.HandlerFunc
		started           bool
	}{
		{"before the header", "asking", harness.Chat, harness.Hangs, false},
		{"in the middle of a whole answer", "answering", harness.Chat, hangsWhole, false},
		{"in the middle of a stream", "streaming", harness.ChatStream, harness.BeginAndWait, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, healthy := harness.NewUpstream(t, false, c.handle), harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
			r := harness.StartRelay(t, harness.TwoChannels(u, healthy, ""), harness.WithEnv("ADMIN_TOKEN", harness.AdminToken))
			before := runtime.NumGoroutine()
			answer := r.Later(c.body)
			r.InPhase(c.phase)
			status, text := r.Operate(http.MethodPost, "/api/channel/a/disable?cut=true")
			require.Equal(t, 200, status, text)
			h := <-answer
			require.NoError(t, h.Err)
			assert.Equal(t, 200, h.Status)
			if c.started {
				assert.Contains(t, h.Text, `"code":"operator_ended"`)
				assert.NotContains(t, h.Text, "[DONE]")
				assert.Equal(t, []string{"operator_ended"}, r.Outcomes(1))
			} else {
				assert.JSONEq(t, harness.WholeAnswer, h.Text, "another channel answers")
				assert.Equal(t, []string{"operator_ended", "completed"}, r.Outcomes(2))
			}
			_, a := r.Get("/api/monitor/channels/a")
			assert.Equal(t, "disabled", a["state"])
			assert.Zero(t, a["consecutive_failures"])
			assert.Nil(t, a["last_failure"])
			r.RequireQuiet(before, u, healthy)
		})
	}
}

func TestCuttingTheOnlyChannelEndsItsCallsWith503(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Hangs)
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("ADMIN_TOKEN", harness.AdminToken))
	answer := r.Later(harness.Chat)
	r.InPhase("asking")
	status, _ := r.Operate(http.MethodPost, "/api/channel/a/disable?cut=perhaps")
	assert.Equal(t, 400, status)
	status, _ = r.Operate(http.MethodPost, "/api/channel/a/disable?cut=true")
	assert.Equal(t, 200, status)
	h := <-answer
	require.NoError(t, h.Err)
	assert.Equal(t, 503, h.Status)
	assert.Equal(t, "operator_ended", harness.ErrorOf(t, h.Text)["code"])
	assert.Equal(t, []string{"operator_ended"}, r.Outcomes(1))
}

func TestWhatIsInFlightIsSomebodys(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("ADMIN_TOKEN", harness.AdminToken))
	before := runtime.NumGoroutine()
	request := "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 1000\r\n\r\n{"
	stranger := r.Strangers(1, fmt.Sprintf(request, "sk-of-nobody"))[0]
	r.Eventually("the stranger's request", func() bool { return r.Server.Active() == 1 })
	_, seen := r.Get("/api/monitor/requests")
	require.Empty(t, seen["data"], "whose key is unknown")
	known := r.Strangers(1, fmt.Sprintf(request, harness.Key))[0]
	require.Equal(t, "test", r.InPhase("reading").Token)
	require.NoError(t, stranger.Close())
	require.NoError(t, known.Close())
	r.RequireQuiet(before, u)
	require.Empty(t, r.InFlight(0))
}
