// Package sdktest is a provider that says what it is told, in the dialect of each vendor, and the vendors' official SDKs as clients.
package sdktest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

// Provider imitates a provider of models as an upstream: it refuses what the provider refuses, with its words, and answers in
// its wire format. So a conversion that is wrong fails the call instead of passing unseen.
type Provider struct {
	*harness.Upstream
	Dialect Dialect
	Turns   []Turn
	served  atomic.Int64
}

// Dialect is one provider's API, as the tests have it.
type Dialect interface {
	// name is the type of the channels that speak it.
	Name() string
	// model is what the chat model is asked for by.
	Model() string
	// refuse says what is wrong with a request; nil: nothing.
	refuse(r *http.Request, body map[string]any) *Refusal
	// errorBody is an error as the provider words it.
	errorBody(*Refusal) string
	// whole is the answer in one piece.
	Whole(Turn) string
	// events is the answer as a stream: what it says, and the events that end it.
	Events(t Turn, asked map[string]any) (content, ending []string)
	// errorEvent is an overload that the provider reports in the middle of a stream.
	errorEvent() string
	// chatter is response headers that are between the provider and the operator.
	chatter() map[string]string
}

// Imitated is a dialect that the stand-in speaks.
type Imitated struct{ Of standin.Dialect }

var (
	OpenAIDialect    = Imitated{standin.OpenAI{}}
	AnthropicDialect = Imitated{standin.Anthropic{}}
	XaiDialect       = Imitated{standin.XAI{}}
)

func (i Imitated) Name() string               { return i.Of.Type() }
func (i Imitated) Model() string              { return i.Of.Model() }
func (i Imitated) Whole(t Turn) string        { return i.Of.Whole(t.answer()) }
func (i Imitated) errorEvent() string         { return i.Of.ErrorEvent() }
func (i Imitated) chatter() map[string]string { return i.Of.Headers() }

func (i Imitated) refuse(r *http.Request, body map[string]any) *Refusal {
	refused := i.Of.Refuse(r, body)
	if refused == nil {
		return nil
	}
	return &Refusal{Status: refused.Status, Kind: refused.Kind, Code: refused.Code, Param: refused.Param, Message: refused.Message}
}

func (i Imitated) errorBody(r *Refusal) string {
	return i.Of.ErrorBody(&standin.Refusal{Status: r.Status, Kind: r.Kind, Code: r.Code, Param: r.Param, Message: r.Message})
}

func (i Imitated) Events(t Turn, asked map[string]any) (content, ending []string) {
	return i.Of.Events(t.answer(), asked)
}

// answer is what the turn says.
func (t Turn) answer() standin.Answer {
	a := standin.Answer{Thought: t.Thought, Text: t.Text, Ends: t.Ends, Stop: t.Stop}
	for _, c := range t.Calls {
		a.Calls = append(a.Calls, standin.Call{ID: c.id, Name: c.name, Arguments: c.arguments})
	}
	return a
}

// Refusal is an error answer.
type Refusal struct {
	Status            int
	Kind, Code, Param string
	Message           string
}

// toolCall is a call of a tool that an imitated model makes. The arguments are the pieces they are streamed in.
type toolCall struct {
	id, name  string
	arguments []string
}

// Turn is what an imitated provider does with one good request.
type Turn struct {
	Thought string
	Text    []string   // the pieces of the answer, as they are streamed
	Echo    bool       // it says what its user said last, in pieces
	Calls   []toolCall // after the text
	Ends    string     // the provider's own word for why the answer ends; empty: the usual one
	Stop    string     // the stop sequence that ended it, where the provider says which
	Fault   Fault
	Refused *Refusal          // an error instead of all that
	Header  map[string]string // of the answer
	Raw     string            // the body of a whole answer, as it stands, instead of all that
	RawSSE  []string          // the same of a stream
	Wait    <-chan struct{}   // for its closing an error waits, and a stream behind its last piece; nil: they do not
}

// Fault is how an answer is spoilt: a stream behind its last piece, before it has ended, and a whole answer in its middle.
type Fault int

const (
	BreaksOff    Fault = iota + 1 // the connection breaks
	EndsShort                     // the answer ends in good order
	FallsSilent                   // nothing comes any more
	ReportsError                  // an error event comes; streams only
	NeverAnswers                  // nothing ever comes, not even a header
	IsReset                       // the connection breaks with a TCP reset
)

// What every imitated answer costs.
const (
	CostInput, CostFresh, CostWritten, CostCached, CostOutput = standin.Input, standin.Fresh, standin.Written, standin.Cached, standin.Output
)

const UpstreamKey = standin.Key

// Who answers, and by which id.
const (
	OpenAIAnswerID, OpenAIAnswering, XaiAnswering = standin.OpenAIAnswerID, standin.OpenAIAnswering, standin.XAIAnswering
	AnthropicAnswerID, AnthropicAnswering         = standin.AnthropicAnswerID, standin.AnthropicAnswering
	XaiReasoning                                  = standin.XAIReasoning
)

func NewProvider(t *testing.T, d Dialect, turns ...Turn) *Provider {
	t.Helper()
	p := &Provider{Dialect: d, Turns: turns}
	p.Upstream = harness.NewUpstream(t, false, p.Serve)
	return p
}

// Channel is the configuration of a channel with this provider. Its clients know the chat model as "m".
func (p *Provider) Channel(name string, priority int, timeouts string) string {
	return ChannelAt(p.URL, p.Dialect, name, priority, timeouts)
}

func ChannelAt(url string, d Dialect, name string, priority int, timeouts string) string {
	return fmt.Sprintf("  - {name: %[1]s, type: %[2]s, base_url: %[3]q, keys: [%[4]s], models: [m, %[5]s, gpt-3.5-turbo-instruct, text-embedding-3-small], model_mapping: {m: %[5]s}, priority: %[6]d, timeouts: {%[7]s}}\n",
		name, d.Name(), url, UpstreamKey, d.Model(), priority, timeouts)
}

// RelayTo runs a relay whose only channel is the provider.
func RelayTo(t *testing.T, p *Provider, options ...harness.RelayOption) *harness.Relay {
	t.Helper()
	return harness.StartRelay(t, "channels:\n"+p.Channel("a", 0, ""), options...)
}

func (p *Provider) Serve(w http.ResponseWriter, r *http.Request) {
	sent, _ := io.ReadAll(r.Body)
	var asked map[string]any
	_ = json.Unmarshal(sent, &asked) // what is no object lacks everything
	refused := p.Dialect.refuse(r, asked)
	for name, value := range p.Dialect.chatter() {
		w.Header().Set(name, value)
	}
	if refused != nil {
		p.Fail(w, refused)
		return
	}
	answer := p.Turns[min(int(p.served.Add(1)), len(p.Turns))-1]
	if answer.Echo {
		answer.Text = inPieces(LastSaid(asked))
	}
	for name, value := range answer.Header {
		w.Header().Set(name, value)
	}
	switch {
	case answer.Fault == NeverAnswers:
		<-r.Context().Done()
	case answer.Refused != nil:
		answer.pause(r)
		p.Fail(w, answer.Refused)
	case asked["stream"] == true:
		p.stream(w, r, answer, asked)
	default:
		p.whole(w, r, answer)
	}
}

func (p *Provider) Fail(w http.ResponseWriter, refused *Refusal) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(refused.Status)
	_, _ = io.WriteString(w, p.Dialect.errorBody(refused))
}

func (p *Provider) whole(w http.ResponseWriter, r *http.Request, answer Turn) {
	body := answer.Raw
	if body == "" {
		body = p.Dialect.Whole(answer)
	}
	w.Header().Set("Content-Type", "application/json")
	half := body[:len(body)/2]
	switch answer.Fault {
	case 0:
		_, _ = io.WriteString(w, body)
		return
	case EndsShort:
		_, _ = io.WriteString(w, half)
		return
	default: // the others have nothing of their own here
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = io.WriteString(w, half)
	spoil(w, r, answer.Fault)
}

// stream sends every event in two writes, since networks cut where they like. Only who falls silent says before in one piece what
// it has to say: its channel's clock is short, and is to measure nothing else than the silence.
func (p *Provider) stream(w http.ResponseWriter, r *http.Request, answer Turn, asked map[string]any) {
	content, ending := answer.RawSSE, []string(nil)
	if content == nil {
		content, ending = p.Dialect.Events(answer, asked)
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	send := func(events []string) {
		for _, e := range events {
			for _, piece := range []string{e[:len(e)/2], e[len(e)/2:]} {
				_, _ = io.WriteString(w, piece)
				if answer.Fault != FallsSilent {
					FlushOut(w)
				}
			}
		}
	}
	send(content)
	answer.pause(r)
	switch answer.Fault {
	case 0:
		send(ending)
	case EndsShort:
	case ReportsError:
		send([]string{p.Dialect.errorEvent()})
	default:
		spoil(w, r, answer.Fault)
	}
}

func (t Turn) pause(r *http.Request) {
	if t.Wait == nil {
		return
	}
	select {
	case <-t.Wait:
	case <-r.Context().Done():
	}
}

func spoil(w http.ResponseWriter, r *http.Request, f Fault) {
	FlushOut(w)
	switch f {
	case FallsSilent:
		<-r.Context().Done()
	case IsReset:
		harness.ResetTCP(w)
	default:
		panic(http.ErrAbortHandler)
	}
}

func FlushOut(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

// LastText is what the newest request sent, to the byte.
func (p *Provider) LastText() string {
	p.Mu.Lock()
	defer p.Mu.Unlock()
	return string(p.Bodies[len(p.Bodies)-1])
}

// LastSaid is the text of the last message of a request, in either format.
func LastSaid(asked map[string]any) string {
	messages := JsonObjects(asked["messages"])
	if len(messages) == 0 {
		return ""
	}
	last := messages[len(messages)-1]["content"]
	if s, ok := last.(string); ok {
		return s
	}
	var said strings.Builder
	for _, part := range JsonObjects(last) {
		said.WriteString(JsonText(part["text"]))
	}
	return said.String()
}

// inPieces cuts s into seven at most, between runes.
func inPieces(s string) (pieces []string) {
	runes := []rune(s)
	for piece := range slices.Chunk(runes, len(runes)/7+1) {
		pieces = append(pieces, string(piece))
	}
	return pieces
}

// Small readers of decoded JSON. What has another type is as good as absent.

func JsonObjects(v any) []map[string]any {
	list, _ := v.([]any)
	out := make([]map[string]any, len(list))
	for i := range list {
		out[i] = JsonObject(list[i])
	}
	return out
}

func JsonObject(v any) map[string]any { m, _ := v.(map[string]any); return m }

func JsonText(v any) string { s, _ := v.(string); return s }

// Quoted is v as JSON.
func Quoted(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}
