package chat

import (
	"bytes"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// endOfStream is the event, for streams whose server has left it out.
var endOfStream = []byte("data: " + format.Terminator + "\n\n")

// inspector passes answers on to clients that speak the provider's own format. It looks, and changes nothing.
type inspector struct {
	usage    tally
	scratch  *[]byte // for events that are not clean; nil if there was none
	asked    int32   // choices; 0 if the client did not say
	hides    bool    // what says nothing but the usage
	progress progress
	like     jsonscan.Pattern // of the chunks that carry text
}

func (t *inspector) Whole(body []byte) ([]byte, error) {
	var seen members
	says := reading{progress: &t.progress, whole: true}
	inside := jsonscan.Inside{Key: "choices", Visit: says.choiceMember, Done: says.choice}
	if err := seen.answer(body, &inside); err != nil {
		return nil, err
	}
	if !seen.choseInside(body, &inside) {
		t.progress, says = progress{}, reading{progress: &t.progress, whole: true}
		says.read(seen.choices)
	}
	if says.failed != nil {
		return nil, says.failed
	}
	switch {
	case seen.data != nil:
	case !t.progress.any():
		return nil, format.Malformed("an object with neither choices nor data")
	case !says.ended && !saysSomething(seen.choices):
		return nil, format.Malformed("an answer that says nothing, and has no finish_reason")
	}
	t.usage.note(seen.cost())
	return body, nil
}

func (t *inspector) Event(event sse.Event) (format.Chunk, error) {
	if said, like := t.like.Length(event.Data); like && string(event.Name) != "error" {
		return format.Chunk{Out: t.pass(event), Content: true, Said: said}, nil // as nearly always
	}
	if format.IsTerminator(event.Data) {
		if !t.progress.any() {
			return format.Chunk{}, format.Malformed("a stream that ends without a single choice")
		}
		return format.Chunk{Out: t.pass(event), Done: true}, nil
	}
	if isKeepAlive(event) {
		return format.Chunk{}, nil
	}
	var seen members // not kept: they share the event's memory, which may be large, and the next one may be long in coming
	if err := seen.chunk(event); err != nil {
		return format.Chunk{}, err
	}
	says := t.read(seen.choices)
	if says.failed != nil {
		return format.Chunk{}, says.failed
	}
	usage := seen.usage
	if usage == nil && (says.ended || seen.groq != nil) {
		usage = seen.cost() // not looked for in every chunk
	}
	t.usage.note(usage)
	if says.content && !says.ended && usage == nil {
		t.like.Learn(event.Data, written)
	}
	if t.hides && seen.usage != nil && isEmptyList(seen.choices) {
		return format.Chunk{}, nil
	}
	return format.Chunk{Out: t.pass(event), Content: says.content, Preamble: seen.listed && !says.says}, nil
}

// read reads the choices of a chunk.
func (t *inspector) read(choices []byte) reading {
	says := reading{progress: &t.progress}
	if t.asked <= 1 && t.progress.onlyFirst() && isPlainText(choices) {
		says.content, says.says = true, true
	} else {
		says.read(choices)
	}
	return says
}

// End is for servers that leave the terminator out.
func (t *inspector) End() (format.Chunk, error) {
	if !t.Complete() {
		return format.Chunk{}, format.Truncated("the stream ended without its terminator, and before every choice had its finish_reason")
	}
	return format.Chunk{Out: endOfStream, Done: true}, nil
}

func (t *inspector) Complete() bool { return t.progress.complete(int(t.asked)) }

// HideUsage is lane.UsageHider's.
func (t *inspector) HideUsage() { t.hides = true }

func isEmptyList(value []byte) bool {
	return len(value) > 1 && value[0] == '[' && len(bytes.TrimSpace(value[1:len(value)-1])) == 0
}

func (t *inspector) pass(event sse.Event) []byte {
	if t.scratch == nil && !event.Clean {
		t.scratch = new([]byte)
	}
	return event.PassedOn(t.scratch)
}

func (t *inspector) Usage() wire.Usage { return t.usage.neutral() }

func (t *inspector) UnknownEnd() string { return t.progress.unknown() }

// isKeepAlive reports whether an event has nothing in it, or is the ping of another format, which gateways to other providers
// leave as it is. Some servers send those while they wait, and the clients that decode every event fail on them: in neither is
// there a choice.
func isKeepAlive(event sse.Event) bool {
	if string(event.Name) == "error" {
		return false
	}
	data, named := bytes.TrimSpace(event.Data), string(event.Name) == "ping"
	switch {
	case len(data) == 0:
		return true
	case named:
		return data[0] != '{' && data[0] != '[' || isPing(data, true)
	}
	return len(data) <= longestPing && bytes.Contains(data, []byte(`"ping"`)) && isPing(data, false)
}

// longestPing is how long a ping may be: it has a type, and perhaps a time.
const longestPing = 128

// isPing reports whether an object is a ping, by its type or, if it has none, by its event's name.
func isPing(data []byte, named bool) bool {
	ping, says := named, false
	err := jsonscan.Object(data, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "type":
			ping = string(m.Value) == `"ping"`
		case "choices", "error":
			says = true
		}
	})
	return err == nil && ping && !says
}
