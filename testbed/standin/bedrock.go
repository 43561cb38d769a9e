package standin

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

// BedrockSignature is of every thought of Bedrock's, which takes no other.
const BedrockSignature = "ErcBCkgIBRABGAIiQBedrock=="

// What Bedrock imitates is asked by, and with.
const (
	BedrockClaude = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
	BedrockOld    = "us.anthropic.claude-3-5-sonnet-20240620-v1:0" // of which it counts no tokens
	BedrockNova   = "amazon.nova-pro-v1:0"
	BedrockARN    = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6"
	BedrockID     = "AKIDEXAMPLE01234"
	BedrockSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"                 //nolint:gosec // AWS' own example
	BedrockToken  = "FwoGZXIvYXdzEBYaDExampleSessionToken//////////"           //nolint:gosec // made up
	BedrockAPIKey = "bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29tLz9BY3Rpb249" //nolint:gosec // made up
	BedrockRegion = "us-east-1"
)

// Bedrock imitates Amazon Bedrock's runtime: InvokeModel with Anthropic's bodies, Converse for all others, signatures, and binary streams.
type Bedrock struct {
	Answers []Answer // one after the other, and the last one again and again
	// Fail is an error instead of an answer, told by its type; nil or "": there is none.
	Fail func() (kind string, status int, message string)
	// Frames changes what is streamed: whole messages, in their order. nil: they are as they should be.
	Frames func(frames [][]byte) [][]byte
	// Session has the token of a session demanded.
	Session bool
	// Bearer has the API key demanded, and nothing signed.
	Bearer bool
	// Now is the clock that signatures are held against; nil: time.Now.
	Now func() time.Time
	// Signature is of its thoughts; empty: BedrockSignature.
	Signature string

	mu      sync.Mutex
	served  int
	refused []string
	asked   []Asked
}

// Asked is every request so far, whether it was refused or not.
func (s *Bedrock) Asked() []Asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Asked(nil), s.asked...)
}

// Refused is what the server has said to requests that it would not serve.
func (s *Bedrock) Refused() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.refused...)
}

func (s *Bedrock) signature() string {
	if s.Signature == "" {
		return BedrockSignature
	}
	return s.Signature
}

func (s *Bedrock) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var asked map[string]any
	_ = json.Unmarshal(body, &asked) // what is no object lacks everything
	s.mu.Lock()
	s.asked = append(s.asked, Asked{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header.Clone(), body, asked})
	s.mu.Unlock()
	w.Header().Set("X-Amzn-Requestid", "8f6c5a3e-3f7a-4a53-9d0e-9c1f0d8f3b11")
	if refused := s.refuse(r, body, asked); refused != nil {
		s.mu.Lock()
		s.refused = append(s.refused, refused.Message)
		s.mu.Unlock()
		s.fail(w, refused.Kind, refused.Status, refused.Message)
		return
	}
	if s.Fail != nil {
		if kind, status, message := s.Fail(); kind != "" {
			s.fail(w, kind, status, message)
			return
		}
	}
	_, verb, _ := bedrockPath(r)
	if verb == bedrockCounting {
		say(w, http.StatusOK, fmt.Sprintf(`{"inputTokens":%d}`, Counted))
		return
	}
	answer := s.next()
	switch verb {
	case "invoke":
		say(w, http.StatusOK, strings.ReplaceAll(Anthropic{}.Whole(answer), AnthropicSignature, s.signature()))
	case "converse":
		say(w, http.StatusOK, s.whole(answer))
	case "invoke-with-response-stream":
		s.stream(w, s.chunks(answer, asked))
	default:
		s.stream(w, s.events(answer))
	}
}

// fail says an error as Bedrock does: its type is in a header.
func (*Bedrock) fail(w http.ResponseWriter, kind string, status int, message string) {
	w.Header().Set("X-Amzn-Errortype", kind+":http://internal.amazon.com/coral/com.amazon.bedrock/")
	say(w, status, `{"message":`+quoted(message)+`}`)
}

func (s *Bedrock) next() Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.served++
	return s.Answers[min(s.served, len(s.Answers))-1]
}

// stream writes frames, each by itself.
func (s *Bedrock) stream(w http.ResponseWriter, frames [][]byte) {
	if s.Frames != nil {
		frames = s.Frames(frames)
	}
	w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
	for _, frame := range frames {
		if frame == nil { // the connection breaks
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(frame)
		_ = http.NewResponseController(w).Flush()
	}
}

// Frame is a message of an event stream.
func Frame(payload string, headers ...string) []byte {
	m := eventstream.Message{Payload: []byte(payload)}
	for i := 0; i+1 < len(headers); i += 2 {
		m.Headers.Set(headers[i], eventstream.StringValue(headers[i+1]))
	}
	var b bytes.Buffer
	if err := eventstream.NewEncoder().Encode(&b, m); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// ExceptionFrame is an error inside a stream.
func ExceptionFrame(kind, message string) []byte {
	return Frame(`{"message":`+quoted(message)+`}`, ":exception-type", kind, ":content-type", "application/json", ":message-type", "exception")
}

func eventFrame(name, payload string) []byte {
	return Frame(payload, ":event-type", name, ":content-type", "application/json", ":message-type", "event")
}

// padding hides how long an event is, as Bedrock's does.
func padding(n int) string {
	return "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[:1+n%60]
}

// chunks is an answer as Anthropic's events in Bedrock's frames.
func (s *Bedrock) chunks(a Answer, asked map[string]any) (frames [][]byte) {
	content, ending := Anthropic{}.Events(a, asked)
	all := append(content, ending...)
	for i, event := range all {
		_, data, _ := strings.Cut(event, "data: ")
		data = strings.ReplaceAll(strings.TrimSpace(data), AnthropicSignature, s.signature())
		if strings.Contains(data, `"type":"ping"`) {
			continue // Bedrock has none
		}
		if i == len(all)-1 {
			data = strings.TrimSuffix(data, "}") + fmt.Sprintf(`,"amazon-bedrock-invocationMetrics":{"inputTokenCount":%d,"outputTokenCount":%d,`+
				`"invocationLatency":1200,"firstByteLatency":300,"cacheReadInputTokenCount":%d,"cacheWriteInputTokenCount":%d}}`, Fresh, Output, Cached, Written)
		}
		frames = append(frames, eventFrame("chunk", `{"bytes":"`+base64.StdEncoding.EncodeToString([]byte(data))+`","p":"`+padding(i*7)+`"}`))
	}
	return frames
}

func (a Answer) converseBlocks(signature string) (blocks []string) {
	if a.Thought != "" {
		blocks = append(blocks, fmt.Sprintf(`{"reasoningContent":{"reasoningText":{"text":%s,"signature":%q}}}`, quoted(a.Thought), signature))
	}
	if len(a.Text) > 0 {
		blocks = append(blocks, `{"text":`+quoted(strings.Join(a.Text, ""))+`}`)
	}
	for _, c := range a.Calls {
		input := strings.Join(c.Arguments, "")
		if input == "" {
			input = "{}"
		}
		blocks = append(blocks, fmt.Sprintf(`{"toolUse":{"toolUseId":%q,"name":%q,"input":%s}}`, c.ID, c.Name, input))
	}
	return blocks
}

var converseUsage = fmt.Sprintf(`{"inputTokens":%d,"outputTokens":%d,"totalTokens":%d,"cacheReadInputTokens":%d,"cacheWriteInputTokens":%d,"cacheDetails":[{"ttl":"1h","inputTokens":1}]}`,
	Fresh, Output, Fresh+Output+Cached+Written, Cached, Written)

func (s *Bedrock) whole(a Answer) string {
	return fmt.Sprintf(`{"metrics":{"latencyMs":812},"output":{"message":{"content":[%s],"role":"assistant"}},"stopReason":%q,"usage":%s}`,
		strings.Join(a.converseBlocks(s.signature()), ","), a.ending("end_turn", "tool_use"), converseUsage)
}

// events is an answer as ConverseStream's events.
func (s *Bedrock) events(a Answer) (frames [][]byte) {
	n := 0
	add := func(name, format string, args ...any) {
		frames = append(frames, eventFrame(name, fmt.Sprintf(`{`+format+`,"p":%q}`, append(args, padding(len(frames)*11))...)))
	}
	add("messageStart", `"role":"assistant"`)
	delta := func(of string) { add("contentBlockDelta", `"contentBlockIndex":%d,"delta":%s`, n, of) }
	stop := func() {
		add("contentBlockStop", `"contentBlockIndex":%d`, n)
		n++
	}
	if a.Thought != "" {
		delta(`{"reasoningContent":{"text":` + quoted(a.Thought) + `}}`)
		delta(`{"reasoningContent":{"signature":` + quoted(s.signature()) + `}}`)
		stop()
	}
	if len(a.Text) > 0 { // a text has no start
		for _, piece := range a.Text {
			delta(`{"text":` + quoted(piece) + `}`)
		}
		stop()
	}
	for _, c := range a.Calls {
		add("contentBlockStart", `"contentBlockIndex":%d,"start":{"toolUse":{"toolUseId":%q,"name":%q}}`, n, c.ID, c.Name)
		for _, piece := range c.Arguments {
			delta(`{"toolUse":{"input":` + quoted(piece) + `}}`)
		}
		stop()
	}
	add("messageStop", `"stopReason":%q`, a.ending("end_turn", "tool_use"))
	add("metadata", `"metrics":{"latencyMs":812},"usage":%s`, converseUsage)
	return frames
}

// bedrockPath is the model and what is asked of it.
func bedrockPath(r *http.Request) (model, verb string, ok bool) {
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/model/")
	id, verb, found := strings.Cut(path, "/")
	model, err := url.PathUnescape(id)
	return model, verb, found && err == nil && path != r.URL.EscapedPath()
}

// FramesOf is an answer as ConverseStream sends it.
func (s *Bedrock) FramesOf(a Answer) [][]byte { return s.events(a) }

// InvokeFramesOf is an answer as InvokeModel streams it.
func (s *Bedrock) InvokeFramesOf(a Answer) [][]byte { return s.chunks(a, nil) }

// WholeOf is an answer as Converse says it.
func (s *Bedrock) WholeOf(a Answer) string { return s.whole(a) }
