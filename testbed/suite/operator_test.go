package suite

import (
	"context"
	"encoding/json"
	"errors"
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

	"one-api/relay/inflight"
)

// operate sends an operator's request, with the admin token.
func (r *testRelay) operate(method, path string) (status int, answer string) {
	r.t.Helper()
	request, err := http.NewRequest(method, r.URL+path, nil)
	require.NoError(r.t, err)
	request.Header.Set("Authorization", "Bearer "+adminToken)
	response, err := r.client.Do(request)
	require.NoError(r.t, err)
	text, err := io.ReadAll(response.Body)
	require.NoError(r.t, errors.Join(err, response.Body.Close()))
	return response.StatusCode, string(text)
}

// inFlight is what GET /api/monitor/requests lists, once it lists n requests.
func (r *testRelay) inFlight(n int) (list []inflight.Request) {
	r.t.Helper()
	r.eventually("requests in flight", func() bool {
		response, err := r.client.Get(r.URL + "/api/monitor/requests")
		require.NoError(r.t, err)
		var answer struct{ Data []inflight.Request }
		require.NoError(r.t, errors.Join(json.NewDecoder(response.Body).Decode(&answer), response.Body.Close()))
		require.NotNil(r.t, answer.Data)
		list = answer.Data
		return len(list) == n
	})
	return list
}

// inPhase waits until the only request in flight is in a phase.
func (r *testRelay) inPhase(phase string) (is inflight.Request) {
	r.t.Helper()
	r.eventually("the request is "+phase, func() bool {
		is = r.inFlight(1)[0]
		return is.Phase == phase
	})
	return is
}

// later asks on a goroutine of its own.
func (r *testRelay) later(body string) <-chan heard {
	heardOf := make(chan heard, 1)
	go func() {
		response, err := r.post(context.Background(), "/v1/chat/completions", body)
		if err != nil {
			heardOf <- heard{err: err}
			return
		}
		text, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		heardOf <- heard{err, response.StatusCode, response.Header, string(text)}
	}()
	return heardOf
}

const chatStream = `{"stream":true,` + `"model":"m","messages":[{"role":"user","content":"hi"}]}`

// hangs says nothing, until its client leaves.
func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// hangsWhole sends a header and nothing else.
func hangsWhole(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// twoChannels is the YAML of a channel and of one behind it.
func twoChannels(first, second *upstream, more string) string {
	return openAIChannel("a", first, ", priority: 10"+more) + fmt.Sprintf("  - {name: b, type: openai, base_url: %q, keys: [sk-up-b], models: [m]}\n", second.URL)
}

func TestWhatIsInFlightIsListedOldestFirst(t *testing.T) {
	u := newUpstream(t, false, beginAndWait)
	r := startRelay(t, openAIChannel("a", u, ""), withEnv("ADMIN_TOKEN", adminToken))
	before := runtime.NumGoroutine()
	require.Empty(t, r.inFlight(0))
	first := r.later(chatStream)
	old := r.inPhase("streaming")
	assert.Len(t, old.ID, 32)
	assert.Equal(t, "test", old.Token)
	assert.Equal(t, "m", old.Model)
	assert.Equal(t, "a", old.Channel)
	assert.Positive(t, old.AgeSeconds)
	assert.Positive(t, old.Bytes)
	second := r.later(chatStream)
	both := r.inFlight(2)
	assert.Equal(t, old.ID, both[0].ID, "the oldest first")
	assert.Greater(t, both[0].AgeSeconds, both[1].AgeSeconds)

	status, answer := r.operate(http.MethodDelete, "/api/monitor/requests/"+old.ID)
	assert.Equal(t, 200, status)
	assert.JSONEq(t, `{"success":true}`, answer)
	h := <-first
	require.NoError(t, h.err)
	assert.Equal(t, old.ID, h.header.Get("X-Oneapi-Request-Id"))
	assert.Equal(t, both[1].ID, r.inFlight(1)[0].ID, "the other one goes on")
	_, _ = r.operate(http.MethodDelete, "/api/monitor/requests/"+both[1].ID)
	<-second
	require.Empty(t, r.inFlight(0))
	r.requireQuiet(before, u)
}

// An operator's word ends a request wherever it is, once and for all: no other channel is asked, and nothing is held against
// the one that was.
func TestARequestThatTheOperatorEndsIsOver(t *testing.T) {
	for _, c := range []struct {
		name, phase, body string
		handle            http.HandlerFunc
		started           bool
	}{
		{"before the header", "asking", chat, hangs, false},
		{"before the header of a stream", "asking", chatStream, hangs, false},
		{"in the middle of a whole answer", "answering", chat, hangsWhole, false},
		{"in the middle of a stream", "streaming", chatStream, beginAndWait, true},
	} {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, HTTP/2 %t", c.name, http2), func(t *testing.T) {
				u, healthy := newUpstream(t, http2, c.handle), newUpstream(t, http2, answers(200, wholeAnswer))
				r := startRelay(t, twoChannels(u, healthy, ""), trusting(u, healthy), withEnv("ADMIN_TOKEN", adminToken))
				before := runtime.NumGoroutine()
				answer := r.later(c.body)
				is := r.inPhase(c.phase)
				status, _ := r.operate(http.MethodDelete, "/api/monitor/requests/"+is.ID)
				assert.Equal(t, 200, status)
				h := <-answer
				require.NoError(t, h.err)
				if c.started {
					assert.Equal(t, 200, h.status)
					assert.Contains(t, h.text, `"code":"operator_ended"`)
					assert.NotContains(t, h.text, "[DONE]")
				} else {
					assert.Equal(t, 503, h.status)
					assert.Equal(t, "operator_ended", errorOf(t, h.text)["code"])
				}
				assert.Equal(t, []string{"operator_ended"}, r.outcomes(1))
				r.eventually("its end", func() bool { return len(r.requestEnds()) == 1 })
				assert.Equal(t, "operator_ended", r.requestEnds()[0].ErrorType())
				assert.Zero(t, healthy.requests.Load(), "nothing moves on")
				_, a := r.get("/api/monitor/channels/a")
				assert.Equal(t, "healthy", a["state"], "no error of the channel")
				assert.Nil(t, a["last_failure"])
				status, _ = r.operate(http.MethodDelete, "/api/monitor/requests/"+is.ID)
				assert.Equal(t, 404, status, "it is over")
				r.requireQuiet(before, u, healthy)
			})
		}
	}
}

func TestARequestWhoseBodyDoesNotComeCanBeEnded(t *testing.T) {
	u := newUpstream(t, false, answers(200, wholeAnswer))
	r := startRelay(t, openAIChannel("a", u, ""), withEnv("ADMIN_TOKEN", adminToken))
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.URL, "http://"))
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+testKey+"\r\nContent-Length: 100\r\n\r\n{")
	require.NoError(t, err)
	is := r.inPhase("reading")
	assert.Equal(t, "test", is.Token)
	status, _ := r.operate(http.MethodDelete, "/api/monitor/requests/"+is.ID)
	assert.Equal(t, 200, status)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
	answer, _ := io.ReadAll(conn)
	assert.Contains(t, string(answer), "HTTP/1.1 503")
	assert.Contains(t, string(answer), `"code":"operator_ended"`)
	assert.Equal(t, "operator_ended", r.requestEnds()[0].Outcome.String())
	assert.Empty(t, r.recorded())
}

func TestARequestWhoseClientDoesNotReadCanBeEnded(t *testing.T) {
	for _, body := range []string{chatStream, chat} {
		t.Run(body, func(t *testing.T) {
			u := newUpstream(t, false, newFlood(variant{stream: body == chatStream}).handle)
			r := startRelay(t, openAIChannel("a", u, ""), withListener(narrow), withEnv("ADMIN_TOKEN", adminToken, "CLIENT_WRITE_TIMEOUT", "0"))
			before := runtime.NumGoroutine()
			lazy := lazyClient()
			defer lazy.CloseIdleConnections()
			request, err := http.NewRequest(http.MethodPost, r.URL+"/v1/chat/completions", strings.NewReader(body))
			require.NoError(t, err)
			request.Header.Set("Authorization", "Bearer "+testKey)
			response, err := lazy.Do(request)
			require.NoError(t, err)
			defer func() { _ = response.Body.Close() }()
			is := r.inPhase("writing")
			status, _ := r.operate(http.MethodDelete, "/api/monitor/requests/"+is.ID)
			assert.Equal(t, 200, status)
			r.eventually("its end", func() bool { return len(r.requestEnds()) == 1 })
			assert.Equal(t, "operator_ended", r.requestEnds()[0].Outcome.String())
			_ = response.Body.Close()
			lazy.CloseIdleConnections()
			r.requireQuiet(before, u)
		})
	}
}

func TestOnlyTheAdminTokenEndsARequest(t *testing.T) {
	u := newUpstream(t, false, beginAndWait)
	r := startRelay(t, openAIChannel("a", u, ""), withEnv("ADMIN_TOKEN", adminToken))
	answer := r.later(chatStream)
	is := r.inPhase("streaming")
	request, err := http.NewRequest(http.MethodDelete, r.URL+"/api/monitor/requests/"+is.ID, nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+testKey)
	response, err := r.client.Do(request)
	require.NoError(t, err)
	_ = response.Body.Close()
	assert.Equal(t, 401, response.StatusCode)
	status, text := r.operate(http.MethodDelete, "/api/monitor/requests/of-nobody")
	assert.Equal(t, 404, status)
	assert.Contains(t, text, "no request of that id")
	status, _ = r.operate(http.MethodDelete, "/api/monitor/requests/"+is.ID)
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
		{"before the header", "asking", chat, hangs, false},
		{"in the middle of a whole answer", "answering", chat, hangsWhole, false},
		{"in the middle of a stream", "streaming", chatStream, beginAndWait, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, healthy := newUpstream(t, false, c.handle), newUpstream(t, false, answers(200, wholeAnswer))
			r := startRelay(t, twoChannels(u, healthy, ""), withEnv("ADMIN_TOKEN", adminToken))
			before := runtime.NumGoroutine()
			answer := r.later(c.body)
			r.inPhase(c.phase)
			status, text := r.operate(http.MethodPost, "/api/channel/a/disable?cut=true")
			require.Equal(t, 200, status, text)
			h := <-answer
			require.NoError(t, h.err)
			assert.Equal(t, 200, h.status)
			if c.started {
				assert.Contains(t, h.text, `"code":"operator_ended"`)
				assert.NotContains(t, h.text, "[DONE]")
				assert.Equal(t, []string{"operator_ended"}, r.outcomes(1))
			} else {
				assert.JSONEq(t, wholeAnswer, h.text, "another channel answers")
				assert.Equal(t, []string{"operator_ended", "completed"}, r.outcomes(2))
			}
			_, a := r.get("/api/monitor/channels/a")
			assert.Equal(t, "disabled", a["state"])
			assert.Zero(t, a["consecutive_failures"])
			assert.Nil(t, a["last_failure"])
			r.requireQuiet(before, u, healthy)
		})
	}
}

func TestCuttingTheOnlyChannelEndsItsCallsWith503(t *testing.T) {
	u := newUpstream(t, false, hangs)
	r := startRelay(t, openAIChannel("a", u, ""), withEnv("ADMIN_TOKEN", adminToken))
	answer := r.later(chat)
	r.inPhase("asking")
	status, _ := r.operate(http.MethodPost, "/api/channel/a/disable?cut=perhaps")
	assert.Equal(t, 400, status)
	status, _ = r.operate(http.MethodPost, "/api/channel/a/disable?cut=true")
	assert.Equal(t, 200, status)
	h := <-answer
	require.NoError(t, h.err)
	assert.Equal(t, 503, h.status)
	assert.Equal(t, "operator_ended", errorOf(t, h.text)["code"])
	assert.Equal(t, []string{"operator_ended"}, r.outcomes(1))
}

func TestWhatIsInFlightIsSomebodys(t *testing.T) {
	u := newUpstream(t, false, answers(200, wholeAnswer))
	r := startRelay(t, openAIChannel("a", u, ""), withEnv("ADMIN_TOKEN", adminToken))
	before := runtime.NumGoroutine()
	request := "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 1000\r\n\r\n{"
	stranger := r.strangers(1, fmt.Sprintf(request, "sk-of-nobody"))[0]
	r.eventually("the stranger's request", func() bool { return r.server.Active() == 1 })
	_, seen := r.get("/api/monitor/requests")
	require.Empty(t, seen["data"], "whose key is unknown")
	known := r.strangers(1, fmt.Sprintf(request, testKey))[0]
	require.Equal(t, "test", r.inPhase("reading").Token)
	require.NoError(t, stranger.Close())
	require.NoError(t, known.Close())
	r.requireQuiet(before, u)
	require.Empty(t, r.inFlight(0))
}
