package standin

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Server answers in a provider's name: what is wrong it refuses, as the provider does, and what is right it answers.
type Server struct {
	Dialect Dialect
	Answers []Answer // one after the other, and the last one again and again
	// Script says what is answered to a request; nil: the Answers are.
	Script func(body map[string]any) Answer

	mu      sync.Mutex
	served  int
	refused []string
	asked   []Asked
}

// Asked is a request as it came.
type Asked struct {
	Method, Path, Query string
	Header              http.Header
	Text                []byte
	Body                map[string]any
}

// Asked is every request so far, whether it was refused or not.
func (s *Server) Asked() []Asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Asked(nil), s.asked...)
}

// Refused is what the server has said to requests that it would not serve.
func (s *Server) Refused() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.refused...)
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var asked map[string]any
	_ = json.Unmarshal(body, &asked) // what is no object lacks everything
	s.mu.Lock()
	s.asked = append(s.asked, Asked{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Clone(), body, asked})
	s.mu.Unlock()
	for name, value := range s.Dialect.Headers() {
		w.Header().Set(name, value)
	}
	if refused := s.Dialect.Refuse(r, asked); refused != nil {
		s.mu.Lock()
		s.refused = append(s.refused, refused.Message)
		s.mu.Unlock()
		say(w, refused.Status, s.Dialect.ErrorBody(refused))
		return
	}
	streams := asked["stream"] == true
	if d, ok := s.Dialect.(Streamer); ok {
		if answer, is := d.Other(r, asked); is {
			say(w, http.StatusOK, answer)
			return
		}
		streams = d.Streams(r)
	}
	switch {
	case r.Method == http.MethodGet:
		say(w, http.StatusOK, `{"object":"list","data":[{"id":`+quoted(s.Dialect.Model())+`,"object":"model","owned_by":"someone"}]}`)
	case strings.HasSuffix(r.URL.Path, "/messages/count_tokens") || strings.HasSuffix(r.URL.Path, "/"+vertexCounting):
		say(w, http.StatusOK, fmt.Sprintf(`{"input_tokens":%d}`, Counted))
	case strings.HasSuffix(r.URL.Path, "/responses/input_tokens"):
		say(w, http.StatusOK, fmt.Sprintf(`{"object":"response.input_tokens","input_tokens":%d}`, Counted))
	case strings.HasSuffix(r.URL.Path, "/embeddings"):
		var vectors []string
		inputs, several := asked["input"].([]any)
		for i := range max(len(inputs), 1) {
			if several || i == 0 {
				vectors = append(vectors, fmt.Sprintf(`{"object":"embedding","index":%d,"embedding":[0.5,-0.25]}`, i))
			}
		}
		say(w, http.StatusOK, `{"object":"list","data":[`+strings.Join(vectors, ",")+`],"model":`+quoted(s.Dialect.Model())+`,"usage":{"prompt_tokens":8,"total_tokens":8}}`)
	case streams:
		content, ending := s.Dialect.Events(s.next(asked), asked)
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		for _, event := range append(content, ending...) {
			_, _ = io.WriteString(w, event)
			_ = http.NewResponseController(w).Flush()
		}
	default:
		say(w, http.StatusOK, s.Dialect.Whole(s.next(asked)))
	}
}

func (s *Server) next(asked map[string]any) Answer {
	if s.Script != nil {
		return s.Script(asked)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.served++
	return s.Answers[min(s.served, len(s.Answers))-1]
}

func say(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}
