package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"one-api/testbed/internal/process"
	"one-api/testbed/internal/reuse"
)

// behaviour is what the upstream does with a request.
type behaviour string

const (
	healthy   behaviour = ""          // a whole answer, streamed if it was asked for
	failure   behaviour = "500"       // at once
	reset     behaviour = "reset"     // the connection, instead of an answer
	truncated behaviour = "truncated" // a stream that ends in good order after two events
	held      behaviour = "held"      // a stream that says one event and then nothing until it is released
)

// instruction travels in the message of a request: what each channel is to do with it.
type instruction struct {
	ID string               `json:"id"`
	Do map[string]behaviour `json:"do,omitempty"`
}

// attempt is one request that reached the upstream, and what came of it: what the bundle's figures are measured against.
type attempt struct {
	ID        string `json:"id"`
	Channel   string `json:"channel"`
	Outcome   string `json:"outcome"` // as relay.outcome says it; "" while it is under way
	ErrorType string `json:"error_type"`
	Complete  bool   `json:"complete"` // with its usage
}

// alert is a message that Uptime Kuma sent through its webhook.
type alert struct {
	Text    string    `json:"text"`
	Monitor string    `json:"monitor"`
	Up      bool      `json:"up"`
	At      time.Time `json:"at"`
}

// faults is the upstream of all channels and what alerts are sent to.
type faults struct {
	mu       sync.Mutex
	attempts []attempt
	alerts   []alert
	held     int
	release  chan struct{} // closed to release what is held, and replaced
}

// serveFaults listens for the bundle on 9000, and for the check on 9001.
func serveFaults(ctx context.Context) error {
	f := &faults{release: make(chan struct{})}
	inside := http.NewServeMux()
	inside.HandleFunc("POST /hook", f.hook)
	inside.HandleFunc("POST /{channel}/v1/{rest...}", f.answer)
	outside := http.NewServeMux()
	outside.HandleFunc("GET /attempts", func(w http.ResponseWriter, _ *http.Request) { f.show(w, &f.attempts) })
	outside.HandleFunc("GET /alerts", func(w http.ResponseWriter, _ *http.Request) { f.show(w, &f.alerts) })
	outside.HandleFunc("GET /held", func(w http.ResponseWriter, _ *http.Request) { f.show(w, &f.held) })
	outside.HandleFunc("POST /release", f.releaseAll)
	// Nothing of Prometheus is published, but this container is on its network.
	prometheus := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "prometheus:9090"})
	outside.Handle("/prometheus/", http.StripPrefix("/prometheus", prometheus))

	ended := make(chan error, 2)
	for address, handler := range map[string]http.Handler{":9000": inside, ":9001": outside} {
		server := &http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: 10 * time.Second, ConnContext: reuse.ConnContext}
		go func() { ended <- server.ListenAndServe() }()
		defer func() { _ = server.Close() }()
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-ended:
		return err
	}
}

// show writes a value of f as JSON.
func (f *faults) show(w http.ResponseWriter, value any) {
	f.mu.Lock()
	text, err := json.Marshal(value)
	f.mu.Unlock()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(text)
}

func (f *faults) releaseAll(http.ResponseWriter, *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.release)
	f.release = make(chan struct{})
}

// hook takes what Kuma's provider "webhook" sends: {"msg","monitor":{"name",…},"heartbeat":{"status": 0 or 1,…}}.
func (f *faults) hook(w http.ResponseWriter, r *http.Request) {
	var message struct {
		Msg       string
		Monitor   struct{ Name string }
		Heartbeat struct{ Status int }
	}
	if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	f.alerts = append(f.alerts, alert{message.Msg, message.Monitor.Name, message.Heartbeat.Status == 1, time.Now()})
	f.mu.Unlock()
}

// answer plays a provider. The request's last message says what it is to do.
func (f *faults) answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	stream, order, ok := readRequest(body)
	if err != nil || !ok {
		http.Error(w, "not a request of the check", http.StatusTeapot)
		return
	}
	channel := r.PathValue("channel")
	// The relay cannot tell a used connection that is reset from one that was just being closed, and sends the request once more on a
	// new one: both together are one attempt.
	if !reuse.First(r) && order.Do[channel] == reset {
		panic(http.ErrAbortHandler) // net/http then breaks the connection off
	}
	f.mu.Lock()
	number := len(f.attempts)
	f.attempts = append(f.attempts, attempt{ID: order.ID, Channel: channel})
	release := f.release
	f.mu.Unlock()
	outcome := f.act(w, r, channel, stream, order.Do[channel], release)
	errorType := outcome
	switch outcome {
	case "completed":
		errorType = ""
	case "upstream_status":
		errorType = "500"
	}
	f.mu.Lock()
	f.attempts[number].Outcome, f.attempts[number].ErrorType, f.attempts[number].Complete = outcome, errorType, outcome == "completed"
	f.mu.Unlock()
	if outcome == "upstream_reset" {
		panic(http.ErrAbortHandler)
	}
}

// act does it, and says what the contract calls the outcome (design.md, section 5).
func (f *faults) act(w http.ResponseWriter, r *http.Request, channel string, stream bool, does behaviour, release <-chan struct{}) string {
	ctx := r.Context()
	if channel == "slow" {
		process.Pause(ctx, time.Second)
	}
	v := voiceFor(r)
	switch does {
	case failure:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, `{"error":{"message":"as ordered","type":"server_error"}}`)
		return "upstream_status"
	case reset:
		return "upstream_reset"
	default: // it answers, at least in part
	}
	if !stream {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, v.Whole("word word "))
		return "completed"
	}
	w.Header().Set("Content-Type", "text/event-stream")
	say := func(events string) {
		_, _ = io.WriteString(w, events)
		_ = http.NewResponseController(w).Flush() // fails only with the client gone
	}
	say(v.Opening("word "))
	switch does {
	case truncated:
		say(v.More("word "))
		return "upstream_truncated"
	case held:
		f.hold(1)
		defer f.hold(-1)
		select {
		case <-release:
		case <-ctx.Done():
			return "client_gone"
		}
	default: // it answers in full
	}
	say(v.More("word ") + v.BeforeTerminator() + v.Usage() + v.Terminator())
	return "completed"
}

func (f *faults) hold(n int) {
	f.mu.Lock()
	f.held += n
	f.mu.Unlock()
}

// readRequest finds the instruction in a request of either provider's format.
func readRequest(body []byte) (stream bool, order instruction, ok bool) {
	var request struct {
		Stream   bool
		Messages []struct{ Content json.RawMessage }
	}
	if json.Unmarshal(body, &request) != nil || len(request.Messages) == 0 {
		return false, order, false
	}
	content := request.Messages[len(request.Messages)-1].Content
	var text string
	if json.Unmarshal(content, &text) != nil {
		var blocks []struct{ Text string }
		if json.Unmarshal(content, &blocks) != nil || len(blocks) == 0 {
			return false, order, false
		}
		text = blocks[0].Text
	}
	err := json.NewDecoder(strings.NewReader(text)).Decode(&order)
	return request.Stream, order, err == nil
}

var errUnexpected = errors.New("unexpected answer")
