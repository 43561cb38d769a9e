package standin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/coder/websocket"
)

// Realtime imitates OpenAI's Realtime API: it refuses what OpenAI refuses, and answers each response.create.
type Realtime struct {
	Model string // the only one that there is
	// Serve takes over an accepted session; nil: it is answered as OpenAI would.
	Serve func(ctx context.Context, conn *websocket.Conn)

	mu     sync.Mutex
	asked  []*http.Request
	closed []websocket.CloseError
}

// Asked is every request for a session so far.
func (s *Realtime) Asked() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*http.Request(nil), s.asked...)
}

// Closed is how the other side has closed its sessions; -1: without a word.
func (s *Realtime) Closed() []websocket.CloseError {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]websocket.CloseError(nil), s.closed...)
}

// RealtimeUsage is what each response costs.
const RealtimeUsage = `{"total_tokens":253,"input_tokens":132,"output_tokens":121,"input_token_details":{"text_tokens":119,"audio_tokens":13,"image_tokens":0,"cached_tokens":64,` +
	`"cached_tokens_details":{"text_tokens":60,"audio_tokens":4,"image_tokens":0}},"output_token_details":{"text_tokens":30,"audio_tokens":91}}`

// RealtimeTranscription is what writing down what the user said costs.
const RealtimeTranscription = `{"type":"tokens","total_tokens":22,"input_tokens":13,"input_token_details":{"text_tokens":0,"audio_tokens":13},"output_tokens":9}`

func (s *Realtime) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r)
	s.mu.Unlock()
	switch {
	case r.URL.Path != "/v1/realtime":
		say(w, http.StatusNotFound, `{"error":{"message":"Invalid URL (GET `+r.URL.Path+`)","type":"invalid_request_error","param":null,"code":null}}`)
		return
	case r.Header.Get("Authorization") != "Bearer "+Key:
		say(w, http.StatusUnauthorized, `{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`)
		return
	case strings.Contains(r.Header.Get("Sec-WebSocket-Protocol"), "api-key"):
		say(w, http.StatusBadRequest, `{"error":{"message":"You must not send a key twice.","type":"invalid_request_error","param":null,"code":null}}`)
		return
	case r.URL.Query().Get("model") != s.Model:
		say(w, http.StatusBadRequest, `{"error":{"message":"Model not found","type":"invalid_request_error","param":"model","code":"model_not_found"}}`)
		return
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"realtime"}})
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(16 << 20)
	if s.Serve != nil {
		s.Serve(context.WithoutCancel(r.Context()), conn)
		return
	}
	s.session(context.WithoutCancel(r.Context()), conn)
}

// session answers until the other side closes.
func (s *Realtime) session(ctx context.Context, conn *websocket.Conn) {
	n := 0
	tell := func(format string, args ...any) {
		n++
		_ = conn.Write(ctx, websocket.MessageText, fmt.Appendf(nil, `{"event_id":"event_%d",`+format+`}`, append([]any{n}, args...)...))
	}
	tell(`"type":"session.created","session":{"type":"realtime","id":"sess_1","object":"realtime.session","model":%q,"output_modalities":["audio"]}`, s.Model)
	responses := 0
	for {
		_, message, err := conn.Read(ctx)
		if err != nil {
			s.leaves(err)
			return
		}
		var event struct{ Type, Audio string }
		if json.Unmarshal(message, &event) != nil || event.Type == "" {
			tell(`"type":"error","error":{"type":"invalid_request_error","code":"invalid_event","message":"Invalid event."}`)
			continue
		}
		switch event.Type {
		case "input_audio_buffer.append":
			tell(`"type":"input_audio_buffer.speech_started","audio_start_ms":%d`, len(event.Audio))
		case "input_audio_buffer.commit":
			tell(`"type":"conversation.item.input_audio_transcription.completed","item_id":"item_%d","content_index":0,"transcript":"hello","usage":%s`, n, RealtimeTranscription)
		case "response.create":
			responses++
			id := fmt.Sprintf("resp_%d", responses)
			tell(`"type":"response.created","response":{"id":%q,"status":"in_progress"}`, id)
			tell(`"type":"response.output_audio.delta","response_id":%q,"item_id":"item_1","output_index":0,"content_index":0,"delta":%q`, id, strings.Repeat("QUJD", 16<<10))
			done := fmt.Sprintf(`"type":"response.done","response":{"object":"realtime.response","id":%q,"status":"completed","output":[],"usage":%s}`, id, RealtimeUsage)
			tell("%s", done)
			tell("%s", done) // again: whoever counts may not count twice
		case "session.update":
			tell(`"type":"session.updated","session":{}`)
		default:
			tell(`"type":"error","error":{"type":"invalid_request_error","code":"invalid_value","message":"Invalid value: %s."}`, event.Type)
		}
	}
}

func (s *Realtime) leaves(err error) {
	closed := websocket.CloseError{Code: -1}
	if code := websocket.CloseStatus(err); code != -1 {
		closed.Code = code
		_, reason, _ := strings.Cut(err.Error(), `reason = "`)
		closed.Reason, _, _ = strings.Cut(reason, `"`)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = append(s.closed, closed)
}
