package suite

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

	"one-api/testbed/standin"
)

// provider imitates a provider of models as an upstream: it refuses what the provider refuses, with its words, and answers in
// its wire format. So a conversion that is wrong fails the call instead of passing unseen.
type provider struct {
	*upstream
	dialect dialect
	turns   []turn
	served  atomic.Int64
}

// dialect is one provider's API, as the tests have it.
type dialect interface {
	// name is the type of the channels that speak it.
	name() string
	// model is what the chat model is asked for by.
	model() string
	// refuse says what is wrong with a request; nil: nothing.
	refuse(r *http.Request, body map[string]any) *refusal
	// errorBody is an error as the provider words it.
	errorBody(*refusal) string
	// whole is the answer in one piece.
	whole(turn) string
	// events is the answer as a stream: what it says, and the events that end it.
	events(t turn, asked map[string]any) (content, ending []string)
	// errorEvent is an overload that the provider reports in the middle of a stream.
	errorEvent() string
	// chatter is response headers that are between the provider and the operator.
	chatter() map[string]string
}

// imitated is a dialect that the stand-in speaks.
type imitated struct{ of standin.Dialect }

var (
	openAIDialect    = imitated{standin.OpenAI{}}
	anthropicDialect = imitated{standin.Anthropic{}}
	xaiDialect       = imitated{standin.XAI{}}
)

func (i imitated) name() string               { return i.of.Type() }
func (i imitated) model() string              { return i.of.Model() }
func (i imitated) whole(t turn) string        { return i.of.Whole(t.answer()) }
func (i imitated) errorEvent() string         { return i.of.ErrorEvent() }
func (i imitated) chatter() map[string]string { return i.of.Headers() }

func (i imitated) refuse(r *http.Request, body map[string]any) *refusal {
	refused := i.of.Refuse(r, body)
	if refused == nil {
		return nil
	}
	return &refusal{status: refused.Status, kind: refused.Kind, code: refused.Code, param: refused.Param, message: refused.Message}
}

func (i imitated) errorBody(r *refusal) string {
	return i.of.ErrorBody(&standin.Refusal{Status: r.status, Kind: r.kind, Code: r.code, Param: r.param, Message: r.message})
}

func (i imitated) events(t turn, asked map[string]any) (content, ending []string) {
	return i.of.Events(t.answer(), asked)
}

// answer is what the turn says.
func (t turn) answer() standin.Answer {
	a := standin.Answer{Thought: t.thought, Text: t.text, Ends: t.ends, Stop: t.stop}
	for _, c := range t.calls {
		a.Calls = append(a.Calls, standin.Call{ID: c.id, Name: c.name, Arguments: c.arguments})
	}
	return a
}

// refusal is an error answer.
type refusal struct {
	status            int
	kind, code, param string
	message           string
}

// toolCall is a call of a tool that an imitated model makes. The arguments are the pieces they are streamed in.
type toolCall struct {
	id, name  string
	arguments []string
}

// turn is what an imitated provider does with one good request.
type turn struct {
	thought string
	text    []string   // the pieces of the answer, as they are streamed
	echo    bool       // it says what its user said last, in pieces
	calls   []toolCall // after the text
	ends    string     // the provider's own word for why the answer ends; empty: the usual one
	stop    string     // the stop sequence that ended it, where the provider says which
	fault   fault
	refused *refusal          // an error instead of all that
	header  map[string]string // of the answer
	raw     string            // the body of a whole answer, as it stands, instead of all that
	rawSSE  []string          // the same of a stream
	wait    <-chan struct{}   // for its closing an error waits, and a stream behind its last piece; nil: they do not
}

// fault is how an answer is spoilt: a stream behind its last piece, before it has ended, and a whole answer in its middle.
type fault int

const (
	breaksOff    fault = iota + 1 // the connection breaks
	endsShort                     // the answer ends in good order
	fallsSilent                   // nothing comes any more
	reportsError                  // an error event comes; streams only
	neverAnswers                  // nothing ever comes, not even a header
	isReset                       // the connection breaks with a TCP reset
)

// What every imitated answer costs.
const (
	costInput, costFresh, costWritten, costCached, costOutput = standin.Input, standin.Fresh, standin.Written, standin.Cached, standin.Output
)

const upstreamKey = standin.Key

// Who answers, and by which id.
const (
	openAIAnswerID, openAIAnswering, xaiAnswering = standin.OpenAIAnswerID, standin.OpenAIAnswering, standin.XAIAnswering
	anthropicAnswerID, anthropicAnswering         = standin.AnthropicAnswerID, standin.AnthropicAnswering
	xaiReasoning                                  = standin.XAIReasoning
)

func newProvider(t *testing.T, d dialect, turns ...turn) *provider {
	t.Helper()
	p := &provider{dialect: d, turns: turns}
	p.upstream = newUpstream(t, false, p.serve)
	return p
}

// channel is the configuration of a channel with this provider. Its clients know the chat model as "m".
func (p *provider) channel(name string, priority int, timeouts string) string {
	return channelAt(p.URL, p.dialect, name, priority, timeouts)
}

func channelAt(url string, d dialect, name string, priority int, timeouts string) string {
	return fmt.Sprintf("  - {name: %[1]s, type: %[2]s, base_url: %[3]q, keys: [%[4]s], models: [m, %[5]s, gpt-3.5-turbo-instruct, text-embedding-3-small], model_mapping: {m: %[5]s}, priority: %[6]d, timeouts: {%[7]s}}\n",
		name, d.name(), url, upstreamKey, d.model(), priority, timeouts)
}

// relayTo runs a relay whose only channel is the provider.
func relayTo(t *testing.T, p *provider, options ...relayOption) *testRelay {
	t.Helper()
	return startRelay(t, "channels:\n"+p.channel("a", 0, ""), options...)
}

func (p *provider) serve(w http.ResponseWriter, r *http.Request) {
	sent, _ := io.ReadAll(r.Body)
	var asked map[string]any
	_ = json.Unmarshal(sent, &asked) // what is no object lacks everything
	refused := p.dialect.refuse(r, asked)
	for name, value := range p.dialect.chatter() {
		w.Header().Set(name, value)
	}
	if refused != nil {
		p.fail(w, refused)
		return
	}
	answer := p.turns[min(int(p.served.Add(1)), len(p.turns))-1]
	if answer.echo {
		answer.text = inPieces(lastSaid(asked))
	}
	for name, value := range answer.header {
		w.Header().Set(name, value)
	}
	switch {
	case answer.fault == neverAnswers:
		<-r.Context().Done()
	case answer.refused != nil:
		answer.pause(r)
		p.fail(w, answer.refused)
	case asked["stream"] == true:
		p.stream(w, r, answer, asked)
	default:
		p.whole(w, r, answer)
	}
}

func (p *provider) fail(w http.ResponseWriter, refused *refusal) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(refused.status)
	_, _ = io.WriteString(w, p.dialect.errorBody(refused))
}

func (p *provider) whole(w http.ResponseWriter, r *http.Request, answer turn) {
	body := answer.raw
	if body == "" {
		body = p.dialect.whole(answer)
	}
	w.Header().Set("Content-Type", "application/json")
	half := body[:len(body)/2]
	switch answer.fault {
	case 0:
		_, _ = io.WriteString(w, body)
		return
	case endsShort:
		_, _ = io.WriteString(w, half)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = io.WriteString(w, half)
	spoil(w, r, answer.fault)
}

// stream sends every event in two writes, since networks cut where they like. Only who falls silent says before in one piece what
// it has to say: its channel's clock is short, and is to measure nothing else than the silence.
func (p *provider) stream(w http.ResponseWriter, r *http.Request, answer turn, asked map[string]any) {
	content, ending := answer.rawSSE, []string(nil)
	if content == nil {
		content, ending = p.dialect.events(answer, asked)
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	send := func(events []string) {
		for _, e := range events {
			for _, piece := range []string{e[:len(e)/2], e[len(e)/2:]} {
				_, _ = io.WriteString(w, piece)
				if answer.fault != fallsSilent {
					flushOut(w)
				}
			}
		}
	}
	send(content)
	answer.pause(r)
	switch answer.fault {
	case 0:
		send(ending)
	case endsShort:
	case reportsError:
		send([]string{p.dialect.errorEvent()})
	default:
		spoil(w, r, answer.fault)
	}
}

func (t turn) pause(r *http.Request) {
	if t.wait == nil {
		return
	}
	select {
	case <-t.wait:
	case <-r.Context().Done():
	}
}

func spoil(w http.ResponseWriter, r *http.Request, f fault) {
	flushOut(w)
	switch f {
	case fallsSilent:
		<-r.Context().Done()
	case isReset:
		resetTCP(w)
	default:
		panic(http.ErrAbortHandler)
	}
}

func flushOut(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

// lastText is what the newest request sent, to the byte.
func (p *provider) lastText() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return string(p.bodies[len(p.bodies)-1])
}

// lastSaid is the text of the last message of a request, in either format.
func lastSaid(asked map[string]any) string {
	messages := jsonObjects(asked["messages"])
	if len(messages) == 0 {
		return ""
	}
	last := messages[len(messages)-1]["content"]
	if s, ok := last.(string); ok {
		return s
	}
	var said strings.Builder
	for _, part := range jsonObjects(last) {
		said.WriteString(jsonText(part["text"]))
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

func jsonObjects(v any) []map[string]any {
	list, _ := v.([]any)
	out := make([]map[string]any, len(list))
	for i := range list {
		out[i] = jsonObject(list[i])
	}
	return out
}

func jsonObject(v any) map[string]any { m, _ := v.(map[string]any); return m }

func jsonText(v any) string { s, _ := v.(string); return s }

// quoted is v as JSON.
func quoted(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}
