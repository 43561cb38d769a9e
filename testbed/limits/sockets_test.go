package limits

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/record"
	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

// dial opens a websocket; a refusal is its status.
func dial(r *harness.Relay, path string) (conn *websocket.Conn, status int) {
	r.T.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	conn, response, err := websocket.Dial(ctx, strings.Replace(r.URL, "http", "ws", 1)+path, &websocket.DialOptions{
		HTTPHeader: http.Header{"Authorization": {"Bearer " + harness.Key}}, HTTPClient: r.Client,
	})
	if err != nil {
		require.NotNil(r.T, response, err)
		return nil, response.StatusCode
	}
	conn.SetReadLimit(-1)
	r.T.Cleanup(func() { _ = conn.CloseNow() })
	return conn, response.StatusCode
}

// says sends an event, and hears returns the next one.
func says(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	require.NoError(t, conn.Write(ctx, websocket.MessageText, []byte(text)))
}

func hears(t *testing.T, conn *websocket.Conn) (event map[string]any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	_, text, err := conn.Read(ctx)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &event), string(text))
	return event
}

// until reads events up to one of these types.
func until(t *testing.T, conn *websocket.Conn, types ...string) (event map[string]any) {
	t.Helper()
	for {
		event = hears(t, conn)
		for _, is := range types {
			if event["type"] == is {
				return event
			}
		}
	}
}

// requireNothingReserved checks that no open call holds anything of a limit once all have ended.
func requireNothingReserved(r *harness.Relay, ends int) {
	r.T.Helper()
	r.Eventually("the calls have ended", func() bool { return len(r.RequestEnds()) >= ends })
	r.RequireQuiet(harness.AmongOthers)
	require.Zero(r.T, r.Server.Gauges().Reserved)
}

func TestEachTurnOnAWebsocketIsHeldToTheLimitsAndSettled(t *testing.T) {
	server := &standin.Server{Dialect: standin.Anthropic{}, Answers: []standin.Answer{{Text: []string{"Hi ", "there."}}}}
	u := harness.NewUpstream(t, false, server.ServeHTTP)
	r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: anthropic, base_url: %q, keys: [%s], models: [m], model_mapping: {m: %s}}\n", u.URL, standin.Key, server.Dialect.Model())+
		"tokens:\n  - {name: t, key: "+harness.Key+", limits: {concurrent: 1, rpm: 3}, budget: {usd: 0.0001, per: total}}\nprices: [{model: '*', input: 0.1, output: 1}]\n")
	conn, status := dial(r, "/v1/responses")
	require.Equal(t, http.StatusSwitchingProtocols, status)
	const create = `{"type":"response.create","model":"m","store":false,"input":"Hi!"}`
	for turn := range 3 {
		says(t, conn, create)
		event := until(t, conn, "response.completed", "error", "response.failed")
		require.Equal(t, "response.completed", event["type"], "%v", event)
		// The turn is settled when the relay has recorded its end, which is after its client has the last event.
		r.Eventually("the turn has ended", func() bool { return len(r.RequestEnds()) == turn+1 && r.Server.Active() == 0 })
	}
	says(t, conn, create)
	event := until(t, conn, "response.completed", "error", "response.failed")
	assert.Equal(t, "error", event["type"])
	assert.Contains(t, fmt.Sprint(event), "rate_limit_exceeded", "three a minute")
	assert.Len(t, server.Asked(), 3)
	var spent float64
	for _, b := range r.Server.Gauges().Budgets {
		spent += b.Used
	}
	one := 12*100 + 3*100 + 10*100 + 7*1000 // nano-dollars, of what a stand-in says
	assert.InDelta(t, float64(3*one)/100_000, spent, 0.001, "every turn is in the budget once")
	require.NoError(t, conn.Close(websocket.StatusNormalClosure, ""))
	requireNothingReserved(r, 4)
}

func TestASessionOfTheRealtimeAPIHoldsItsPlaceUntilItEndsHoweverItDoes(t *testing.T) {
	server := &standin.Realtime{Model: "gpt-realtime-2"}
	u := harness.StartUpstream(t, server.ServeHTTP, func(u *harness.Upstream) { u.Start() })
	r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: openai, base_url: %q, keys: [%s], models: [m], model_mapping: {m: gpt-realtime-2}}\n", u.URL, standin.Key)+
		"tokens:\n  - {name: t, key: "+harness.Key+", limits: {concurrent: 1}, budget: {usd: 0.000001, per: total}}\nprices: [{model: '*', input: 0, output: 1}]\n")
	const path = "/v1/realtime?model=m"
	ended := 0
	for name, ends := range map[string]func(conn *websocket.Conn){
		"it is closed":          func(conn *websocket.Conn) { _ = conn.Close(websocket.StatusNormalClosure, "") },
		"its connection breaks": func(conn *websocket.Conn) { _ = conn.CloseNow() },
		"its upstream's breaks": func(*websocket.Conn) { u.CloseClientConnections() },
	} {
		conn, status := dial(r, path)
		require.Equal(t, http.StatusSwitchingProtocols, status, name)
		require.Equal(t, "session.created", hears(t, conn)["type"])
		_, status = dial(r, path)
		require.Equal(t, http.StatusTooManyRequests, status, "%s: one at a time", name)
		ends(conn)
		ended += 2
		r.Eventually("the session has ended", func() bool { return len(r.RequestEnds()) == ended && r.Server.Active() == 0 })
		require.Zero(t, r.Server.Gauges().Reserved, name)
	}
	conn, _ := dial(r, path)
	hears(t, conn)
	says(t, conn, `{"type":"response.create"}`)
	until(t, conn, "response.done")
	require.NoError(t, conn.Close(websocket.StatusNormalClosure, ""))
	r.Eventually("the session has ended", func() bool { return len(r.RequestEnds()) == ended+1 && r.Server.Active() == 0 })
	_, status := dial(r, path)
	require.Equal(t, http.StatusTooManyRequests, status, "what it said is dearer than the budget")
	requireNothingReserved(r, ended+2)
}

func TestAPanicLeavesNothingReserved(t *testing.T) {
	const stream = `{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}`
	// More is reserved for one call than the budget has: another is let in only if nothing else is.
	const strict = ", limits: {concurrent: 1}, budget: {usd: 0.0001, per: total}"
	yaml := func(u *harness.Upstream) string {
		return strings.Replace(harness.OpenAIChannel("a", u, ""), "type: openai", "type: "+harness.Shaky+"openai", 1) +
			"tokens:\n  - {name: t, key: " + harness.Key + strict + "}\nprices: [{model: m, input: 0.001, output: 1}]\n"
	}
	const chunk = `data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"shake"},"finish_reason":null}]}` + "\n\n"
	handle := func(w http.ResponseWriter, q *http.Request) {
		if text := string(q.Body.(harness.ReadBody).Whole); !strings.Contains(text, `"stream":true`) {
			harness.Answers(200, strings.Replace(costly, `"completion_tokens":100`, `"completion_tokens":1`, 1))(w, q)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		harness.Say(w, chunk+chunk+"data: [DONE]\n\n")
	}
	t.Run("in a lane", func(t *testing.T) {
		tremor := harness.WithShakyProviders(t)
		u := harness.NewUpstream(t, false, handle)
		r := harness.StartRelay(t, yaml(u))
		ended := 0
		for _, at := range []string{"Request", "Answer", "Whole", "Event", "a later Event", "Usage"} {
			tremor.Set(at, 0)
			body := ask
			if strings.Contains(at, "Event") {
				body = stream
			}
			r.Ask("/v1/chat/completions", body)
			tremor.Set("", 0)
			ended++
			r.Eventually("the call has ended", func() bool { return len(r.RequestEnds()) == ended && r.Server.Active() == 0 })
			require.Zero(t, r.Server.Gauges().Reserved, at)
		}
		r.Eventually("each panic is in the log", func() bool { return strings.Count(r.Log.String(), "panic in") >= 6 })
		status, answer, _ := r.Ask("/v1/chat/completions", ask)
		require.Equal(t, 200, status, answer)
		requireNothingReserved(r, ended+1)
	})
	for name, recorder := range map[string]harness.RelayOption{
		"in a recorder of attempts": harness.WithRecorders(func(*record.Attempt) { panic("it is broken") }, nil),
		"in a recorder of requests": harness.WithRecorders(nil, func(*record.End) { panic("it is broken") }),
	} {
		t.Run(name, func(t *testing.T) {
			harness.WithShakyProviders(t)
			u := harness.NewUpstream(t, false, handle)
			r := harness.StartRelay(t, yaml(u), recorder)
			for i := range 3 {
				status, answer, _ := r.Ask("/v1/chat/completions", ask)
				require.Equal(t, 200, status, answer)
				r.Eventually("the call has ended", func() bool { return len(r.RequestEnds()) == i+1 && r.Server.Active() == 0 })
				require.Zero(t, r.Server.Gauges().Reserved)
			}
			require.GreaterOrEqual(t, strings.Count(r.Log.String(), "panic in the recorder"), 3)
		})
	}
}
