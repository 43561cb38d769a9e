// Package demo is an upstream inside the process, for a first look without a key and without a network. It speaks the OpenAI
// wire format over a real socket on loopback, so that what is looked at is the real way of a request.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"one-api/relay/sse"
	"one-api/relay/wire"
)

// Model is the one model.
const Model = "demo"

// pace is the time between two words of a stream: slow enough to see that it streams.
const pace = 30 * time.Millisecond

// Server is the running upstream.
type Server struct {
	URL    *url.URL // with the API's version
	http   http.Server
	conns  atomic.Int64
	active atomic.Int64
}

// Start listens on a free port of loopback.
func Start() (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting the demo channel: %w", err)
	}
	s := &Server{URL: &url.URL{Scheme: "http", Host: listener.Addr().String(), Path: "/v1"}}
	mux := http.NewServeMux()
	for path, answer := range map[string]http.HandlerFunc{
		"POST /v1/chat/completions": chat, "POST /v1/completions": complete, "POST /v1/embeddings": embed, "GET /v1/models": models,
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			s.active.Add(1)
			defer s.active.Add(-1)
			answer(w, r)
		})
	}
	s.http = http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second,
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				s.conns.Add(1)
			case http.StateClosed, http.StateHijacked:
				s.conns.Add(-1)
			case http.StateActive, http.StateIdle:
			}
		},
	}
	go func() { _ = s.http.Serve(listener) }() // returns when Close closes the listener
	return s, nil
}

// Close stops it.
func (s *Server) Close() error { return s.http.Close() }

// Goroutines is how many of the process's goroutines serve the demo's connections.
func (s *Server) Goroutines() int64 { return s.conns.Load() + s.active.Load() }

// read decodes a request; false if it could not be read, and that has been said.
func read(w http.ResponseWriter, r *http.Request, request any) bool {
	err := json.NewDecoder(r.Body).Decode(request)
	if err != nil {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write(wire.OpenAI.ErrorBody(wire.BadRequest("", "the demo channel could not read the request: "+err.Error()), "demo"))
	}
	return err == nil
}

func newID(kind string) string { return fmt.Sprintf("%s-demo-%d", kind, time.Now().UnixNano()) }

// reply is what the demo says to what was said.
func reply(said string) string {
	const greeting = "Hello from the built-in demo channel: the relay works, and no upstream was asked."
	if said == "" {
		return greeting
	}
	return greeting + " You said: " + said
}

func chat(w http.ResponseWriter, r *http.Request) {
	var request wire.ChatRequest
	if !read(w, r, &request) {
		return
	}
	said := lastUserText(request.Messages)
	text := reply(said)
	usage := &wire.ChatUsage{PromptTokens: int64(len(strings.Fields(said))), CompletionTokens: int64(len(strings.Fields(text)))}
	usage.TotalTokens = usage.PromptTokens + usage.CompletionTokens
	id := newID("chatcmpl")
	if request.Stream {
		stream(r.Context(), w, request, id, text, usage)
		return
	}
	content, _ := json.Marshal(text) // a string: cannot fail
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(wire.ChatCompletion{
		ID: id, Object: "chat.completion", Created: time.Now().Unix(), Model: request.Model, Usage: usage,
		Choices: []wire.ChatChoice{{Message: wire.ChatMessage{Role: "assistant", Content: content}, FinishReason: "stop"}},
	})
}

func stream(ctx context.Context, w http.ResponseWriter, request wire.ChatRequest, id, text string, usage *wire.ChatUsage) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	send := func(choices []wire.ChatChunkChoice, usage *wire.ChatUsage) error {
		chunk, err := json.Marshal(wire.ChatChunk{
			ID: id, Object: "chat.completion.chunk", Created: time.Now().Unix(), Model: request.Model, Choices: choices, Usage: usage,
		})
		if err != nil {
			return err
		}
		_, err = w.Write(sse.Append(nil, nil, chunk))
		return errors.Join(err, out.Flush())
	}
	empty, stop := "", "stop"
	err := send([]wire.ChatChunkChoice{{Delta: wire.ChatDelta{Role: "assistant", Content: &empty}}}, nil)
	words := time.NewTicker(pace)
	defer words.Stop()
	for word := range strings.SplitAfterSeq(text, " ") {
		select {
		case <-ctx.Done():
			return
		case <-words.C:
		}
		if err != nil {
			return
		}
		err = send([]wire.ChatChunkChoice{{Delta: wire.ChatDelta{Content: &word}}}, nil)
	}
	if send([]wire.ChatChunkChoice{{FinishReason: &stop}}, nil) != nil {
		return
	}
	if request.StreamOptions != nil && request.StreamOptions.IncludeUsage && send([]wire.ChatChunkChoice{}, usage) != nil {
		return
	}
	_, _ = w.Write([]byte("data: [DONE]\n\n"))
}

// lastUserText is what the user said last, if that is text.
func lastUserText(messages []wire.ChatMessage) string {
	for i := len(messages) - 1; i >= 0; i-- {
		if messages[i].Role != "user" {
			continue
		}
		var text string
		if json.Unmarshal(messages[i].Content, &text) == nil {
			return text
		}
		var parts []wire.ChatPart
		if json.Unmarshal(messages[i].Content, &parts) == nil {
			var texts []string
			for _, p := range parts {
				if p.Type == "text" {
					texts = append(texts, p.Text)
				}
			}
			return strings.Join(texts, " ")
		}
		return ""
	}
	return ""
}
