package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"one-api/testbed/internal/check"
	"one-api/testbed/internal/process"
	"one-api/testbed/internal/reuse"
)

// behaviour is what the upstream does with a request.
type behaviour string

const (
	healthy     behaviour = ""          // a whole answer, streamed if it was asked for
	serverError behaviour = "500"       // at once
	limited     behaviour = "429"       // with Retry-After: 1
	reset       behaviour = "reset"     // instead of an answer, and instead of that to the same request on a new connection
	resetMid    behaviour = "reset-mid" // once the client has read two events
	truncated   behaviour = "truncated" // ends in good order after two events
	silent      behaviour = "silent"    // a header, and nothing more
	hanging     behaviour = "hanging"   // not even a header
	endless     behaviour = "endless"   // events until the client leaves
)

// outcome and errorType are what the contract (design.md, section 5) says of an attempt that meets the behaviour.
func (b behaviour) outcome() (outcome, errorType string) {
	switch b {
	case healthy:
		return "completed", ""
	case serverError, limited:
		return "upstream_status", string(b)
	case reset, resetMid:
		outcome = "upstream_reset"
	case truncated:
		outcome = "upstream_truncated"
	case silent:
		outcome = "first_token_timeout"
	case hanging, endless:
		outcome = "client_gone"
	}
	return outcome, outcome
}

const (
	streamEvents = 6 // with content, in a healthy stream
	brokenEvents = 2 // before a stream breaks
	eventPause   = 3 * time.Millisecond
	tokensIn     = 11
	tokensCached = 3
	tokensOut    = 7
	tokensReason = 2
)

// firstEventAfter is how long a channel's streams are silent before their first event.
func firstEventAfter(channel string) time.Duration {
	switch channel {
	case "slow":
		return 250 * time.Millisecond
	case "prompt":
		return 20 * time.Millisecond
	}
	return 5 * time.Millisecond
}

// attempt is one of the relay's that reached the upstream: what telemetry is measured against.
type attempt struct {
	channel string
	does    behaviour
	stream  bool
}

// upstream is the provider of all channels, in this process: it knows what each channel was asked and what came of it.
type upstream struct {
	*httptest.Server
	mu       sync.Mutex
	attempts map[string][]attempt // by call, in their order
	meetings map[string]*meeting
	lost     map[string]int // by call and channel: requests that a used connection lost, and that were not sent again yet
	again    int            // requests that were
}

// meeting lets an upstream's request and the client that caused it wait for each other.
type meeting struct {
	arrived, read         chan struct{} // the request, at the upstream; two events, at the client
	arrivedOnce, readOnce sync.Once
}

func newUpstream() *upstream {
	u := &upstream{attempts: map[string][]attempt{}, meetings: map[string]*meeting{}, lost: map[string]int{}}
	u.Server = httptest.NewUnstartedServer(u)
	u.Config.ConnContext = reuse.ConnContext
	u.Start()
	return u
}

func (u *upstream) end() {
	u.CloseClientConnections()
	u.Close()
}

func (u *upstream) meeting(id string) *meeting {
	u.mu.Lock()
	defer u.mu.Unlock()
	m := u.meetings[id]
	if m == nil {
		m = &meeting{arrived: make(chan struct{}), read: make(chan struct{})}
		u.meetings[id] = m
	}
	return m
}

// of is the attempts that a call caused.
func (u *upstream) of(id string) []attempt {
	u.mu.Lock()
	defer u.mu.Unlock()
	return append([]attempt{}, u.attempts[id]...)
}

func (u *upstream) total() (n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, a := range u.attempts {
		n += len(a)
	}
	return n
}

// attempted notes a request. false: it is only a part of an attempt. The relay cannot tell a used connection that is reset from one
// that was just being closed, and sends the request once more on a new one: both together are one attempt.
func (u *upstream) attempted(id string, a attempt, used bool) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	key := check.Join(id, a.channel)
	if used && a.does == reset {
		u.lost[key]++
		return false
	}
	if !used && u.lost[key] > 0 {
		u.lost[key]--
		u.again++
	}
	u.attempts[id] = append(u.attempts[id], a)
	return true
}

// sentAgain is how many requests that a used connection lost came again on a new one, and how many did not.
func (u *upstream) sentAgain() (again, missing int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, n := range u.lost {
		missing += n
	}
	return u.again, missing
}

// instruction travels in the message of a request: what each channel is to do with it.
type instruction struct {
	ID string               `json:"id"`
	Do map[string]behaviour `json:"do,omitempty"`
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Stream   bool
		Messages []struct{ Content string }
	}
	var order instruction
	body, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(body, &request) != nil || len(request.Messages) == 0 || // a stream that is resumed has one more: its beginning

		json.Unmarshal([]byte(request.Messages[0].Content), &order) != nil {
		http.Error(w, "not a request of the check", http.StatusTeapot)
		return
	}
	channel, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	a := attempt{channel, order.Do[channel], request.Stream}
	if !u.attempted(order.ID, a, !reuse.First(r)) {
		breakOff(w)
		return
	}
	m := u.meeting(order.ID)
	m.arrivedOnce.Do(func() { close(m.arrived) })
	answer(w, r, a, m)
}

func answer(w http.ResponseWriter, r *http.Request, a attempt, m *meeting) {
	switch a.does {
	case serverError, limited:
		status := http.StatusInternalServerError
		if a.does == limited {
			status = http.StatusTooManyRequests
			w.Header().Set("Retry-After", "1")
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"error":{"message":"as ordered","type":"server_error"}}`)
	case reset:
		breakOff(w)
	case hanging:
		<-r.Context().Done()
	case silent:
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush() // fails only with the client gone
		<-r.Context().Done()
	default:
		if !a.stream {
			process.Pause(r.Context(), firstEventAfter(a.channel))
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"id":"c","object":"chat.completion","model":"check","choices":[{"index":0,"message":{"role":"assistant","content":"ok"},"finish_reason":"stop"}],`+usage+`}`)
			return
		}
		stream(w, r, a, m)
	}
}

var usage = fmt.Sprintf(`"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,"prompt_tokens_details":{"cached_tokens":%d},"completion_tokens_details":{"reasoning_tokens":%d}}`,
	tokensIn, tokensOut, tokensIn+tokensOut, tokensCached, tokensReason)

func stream(w http.ResponseWriter, r *http.Request, a attempt, m *meeting) {
	w.Header().Set("Content-Type", "text/event-stream")
	send := func(data string) {
		_, _ = io.WriteString(w, "data: "+data+"\n\n")
		_ = http.NewResponseController(w).Flush() // fails only with the client gone
	}
	events := streamEvents
	if a.does != healthy {
		events = brokenEvents
	}
	process.Pause(r.Context(), firstEventAfter(a.channel))
	for i := 0; i < events || a.does == endless; i++ {
		if r.Context().Err() != nil {
			return
		}
		send(`{"id":"c","object":"chat.completion.chunk","model":"check","choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]}`)
		process.Pause(r.Context(), eventPause)
	}
	switch a.does {
	case resetMid:
		select {
		case <-m.read: // or the reset would overtake them
		case <-r.Context().Done():
		}
		breakOff(w)
	case truncated:
	default:
		send(`{"id":"c","object":"chat.completion.chunk","model":"check","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`)
		send(`{"id":"c","object":"chat.completion.chunk","model":"check","choices":[],` + usage + `}`)
		send(`[DONE]`)
	}
}

// breakOff resets the connection.
func breakOff(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = connection.Close()
}
