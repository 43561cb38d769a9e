// Package oldway is a small relay that is written as the adaptors of the fork were that this project replaces: a request to the
// upstream that knows nothing of the client, an error's body that nobody closes or bounds, and for each stream a goroutine that
// reads it and hands it over, line by line and unbuffered, to a handler that stops listening when the client leaves. It is here
// for a soak to show what that costs. Nothing else may use it.
package oldway

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/pprof"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
)

// Server relays calls to the base URL that the first part of their model's name stands for.
type Server struct {
	Upstreams func(model string) (baseURL string, ok bool)
	Client    *http.Client
	inFlight  atomic.Int64
}

// Handler answers the two relayed endpoints, and the two that a soak takes its samples from.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", s.relay)
	mux.HandleFunc("POST /v1/messages", s.relay)
	mux.HandleFunc("GET /api/monitor/health", s.health)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	return mux
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "ok", "goroutines": runtime.NumGoroutine(), "in_flight": s.inFlight.Load()})
}

func (s *Server) relay(w http.ResponseWriter, r *http.Request) {
	s.inFlight.Add(1)
	defer s.inFlight.Add(-1)
	body, err := io.ReadAll(r.Body)
	var asked struct {
		Model  string
		Stream bool
	}
	if err != nil || json.Unmarshal(body, &asked) != nil {
		http.Error(w, `{"error":{"message":"bad request"}}`, http.StatusBadRequest)
		return
	}
	base, ok := s.Upstreams(asked.Model)
	if !ok {
		http.Error(w, `{"error":{"message":"no such model"}}`, http.StatusNotFound)
		return
	}
	request, err := http.NewRequest(http.MethodPost, base+r.URL.Path, strings.NewReader(string(body)))
	if err != nil {
		http.Error(w, `{"error":{"message":"bad upstream"}}`, http.StatusInternalServerError)
		return
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := s.Client.Do(request)
	switch {
	case err != nil:
		http.Error(w, `{"error":{"message":"upstream failed"}}`, http.StatusBadGateway)
	case response.StatusCode != http.StatusOK:
		fail(w, response)
	case asked.Stream:
		stream(w, r, response)
	default:
		whole(w, response)
	}
}

func fail(w http.ResponseWriter, response *http.Response) {
	text, err := io.ReadAll(response.Body)
	if err != nil {
		http.Error(w, `{"error":{"message":"bad upstream body"}}`, http.StatusInternalServerError)
		return
	}
	w.WriteHeader(response.StatusCode)
	_, _ = w.Write(text)
}

func whole(w http.ResponseWriter, response *http.Response) {
	text, err := io.ReadAll(response.Body)
	if err != nil {
		http.Error(w, `{"error":{"message":"bad upstream body"}}`, http.StatusInternalServerError)
		return
	}
	_ = response.Body.Close()
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text)
}

func stream(w http.ResponseWriter, r *http.Request, response *http.Response) {
	dataChan, stopChan := make(chan string), make(chan bool)
	go func() {
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			dataChan <- lines.Text()
		}
		stopChan <- true
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	for {
		select {
		case data := <-dataChan:
			_, _ = io.WriteString(w, data+"\n")
			_ = control.Flush()
		case <-stopChan:
			_ = response.Body.Close()
			return
		case <-r.Context().Done():
			return
		}
	}
}

// NewClient is the one that all its adaptors share, with that fork's clock: half an hour, for everything.
func NewClient(transport *http.Transport) *http.Client {
	return &http.Client{Transport: transport, Timeout: 30 * time.Minute}
}
