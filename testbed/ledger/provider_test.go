package ledger

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

// act is what a provider does with a call.
type act int

const (
	answers      act = iota
	isBusy           // 503
	fails            // 500, with much text
	refuses          // 400
	cuts             // the connection breaks behind the last piece, or in the middle of a whole answer
	endsShort        // it ends there in good order
	reportsError     // an error event comes there
	onlyErrs         // an error event and nothing else, in a stream
	hangs            // nothing more comes, until the client has gone
	goesOn           // it ends as it should, once its client has left
	countsNot        // its answer has no usage
	countsZero       // its usage says that nothing was put out
	thinks           // before it answers
)

// provider is the stand-in of one, which acts by what the text of a call tells it to.
type provider struct {
	*harness.Upstream
	of   standin.Dialect
	acts map[string]map[string]act // by case and dialect; it answers where there is none
	left *sync.Map                 // by number of the call: closed when its client has left
}

// pieces is what every answer says.
var pieces = []string{"Once ", "upon ", "a ", "time."}

var directive = regexp.MustCompile(`call (\d+): ([a-z-]+)`)

func newProvider(t *testing.T, of standin.Dialect, acts map[string]map[string]act, left *sync.Map) *provider {
	p := &provider{of: of, acts: acts, left: left}
	p.Upstream = harness.NewUpstream(t, false, p.serve)
	p.Forgets = true
	return p
}

func (p *provider) serve(w http.ResponseWriter, r *http.Request) {
	sent, _ := io.ReadAll(r.Body)
	var body map[string]any
	_ = json.Unmarshal(sent, &body) // what is no object lacks everything
	for name, value := range p.of.Headers() {
		w.Header().Set(name, value)
	}
	said := directive.FindSubmatch(sent)
	refused := p.of.Refuse(r, body)
	if said == nil && refused == nil {
		refused = &standin.Refusal{Status: 400, Kind: "invalid_request_error", Message: "nobody has said what to do"}
	}
	if refused != nil {
		p.say(w, refused.Status, p.of.ErrorBody(refused))
		return
	}
	switch does := p.acts[string(said[2])][p.of.Type()]; does {
	case isBusy:
		p.say(w, 503, p.of.ErrorBody(&standin.Refusal{Status: 503, Kind: "overloaded_error", Message: "Overloaded"}))
	case fails:
		p.say(w, 500, p.of.ErrorBody(&standin.Refusal{Status: 500, Kind: "api_error", Message: strings.Repeat("Something went wrong. ", 100)}))
	case refuses:
		p.say(w, 400, p.of.ErrorBody(&standin.Refusal{Status: 400, Kind: "invalid_request_error", Message: "the prompt is not to my taste"}))
	default:
		streams := body["stream"] == true
		if d, ok := p.of.(standin.Streamer); ok {
			if answer, is := d.Other(r, body); is {
				p.say(w, 200, answer)
				return
			}
			streams = d.Streams(r)
		}
		if number, _ := strconv.Atoi(string(said[1])); streams {
			p.stream(w, r, does, body, number)
		} else {
			p.whole(w, does)
		}
	}
}

func (p *provider) say(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

var (
	usageOf = regexp.MustCompile(`"(usage|usageMetadata)":\s*\{[^{}]*(\{[^{}]*\}[^{}]*)*\},?\s*`)
	putOut  = regexp.MustCompile(`("completion_tokens"):\d+`)
)

func (p *provider) whole(w http.ResponseWriter, does act) {
	answer := standin.Answer{Text: pieces}
	if does == thinks {
		answer.Thought = "Let me think."
	}
	body := p.of.Whole(answer)
	switch does {
	case countsNot:
		body = usageOf.ReplaceAllString(body, "")
	case countsZero:
		body = putOut.ReplaceAllString(body, "$1:0")
	case cuts:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = io.WriteString(w, body[:len(body)/2])
		flush(w)
		panic(http.ErrAbortHandler)
	default: // the others are for streams
	}
	p.say(w, 200, body)
}

func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

func (p *provider) stream(w http.ResponseWriter, r *http.Request, does act, asked map[string]any, number int) {
	text := pieces
	if strings.Contains(p.lastRole(asked), "assistant") {
		text = []string{"there ", "was."} // it goes on with what another has begun
	}
	content, ending := p.of.Events(standin.Answer{Text: text}, asked)
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	send := func(events ...string) {
		for _, e := range events {
			_, _ = io.WriteString(w, e)
			flush(w)
		}
	}
	if does == onlyErrs {
		send(p.of.ErrorEvent())
		return
	}
	send(content...)
	switch does {
	case cuts:
		panic(http.ErrAbortHandler)
	case endsShort:
	case reportsError:
		send(p.of.ErrorEvent())
	case hangs:
		<-r.Context().Done()
	case goesOn:
		left, _ := p.left.LoadOrStore(number, make(chan struct{}))
		select {
		case <-left.(chan struct{}):
			send(ending...)
		case <-r.Context().Done():
		}
	case countsNot:
		for i := range ending {
			ending[i] = usageOf.ReplaceAllString(ending[i], "")
		}
		send(ending...)
	default:
		send(ending...)
	}
}

// lastRole is who has said what was said last.
func (*provider) lastRole(asked map[string]any) string {
	messages, _ := asked["messages"].([]any)
	if len(messages) == 0 {
		return ""
	}
	last, _ := messages[len(messages)-1].(map[string]any)
	role, _ := last["role"].(string)
	return role
}
