package lane

import (
	"net/url"
	"strings"

	"one-api/relay/sse"
	"one-api/relay/wire"
)

// list has a stream told as one list in JSON, an element for each event: how Gemini's API streams to those who do not ask for events
// (https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent). Its provider is asked for events all the same.
type list struct {
	Translator
	begun bool
	out   []byte
}

// listed is the translator as the client wants its stream framed.
func listed(call *Call, t Translator) Translator {
	if WantsList(call.Endpoint, call.Query) {
		return &list{Translator: t}
	}
	return t
}

// WantsList reports whether a stream is to be one list: the query does not ask for events (alt=sse), which only Gemini's clients have to.
func WantsList(e wire.Endpoint, query string) bool {
	if !e.AlwaysStreams() || e.Verb() == "" { // as a websocket, which is one too and none of theirs
		return false
	}
	values, err := url.ParseQuery(query)
	return err != nil || !strings.EqualFold(values.Get("alt"), "sse")
}

// mostElement bounds an element, as it bounds what it is made of.
const mostElement = 64 << 20

func (l *list) Event(event sse.Event) (Chunk, error) {
	chunk, err := l.Translator.Event(event)
	return l.framed(chunk), err
}

func (l *list) End() (Chunk, error) {
	chunk, err := l.Translator.End()
	return l.framed(chunk), err
}

func (l *list) framed(chunk Chunk) Chunk {
	l.out = l.out[:0]
	_ = sse.Each(chunk.Out, mostElement, func(event sse.Event) error { // what a translator has made
		l.element(event.Data)
		return nil
	})
	if chunk.Done {
		l.end()
	}
	chunk.Out = l.out
	return chunk
}

func (l *list) element(value []byte) {
	if l.begun {
		l.out = append(l.out, ",\r\n"...)
	} else {
		l.out = append(l.out, '[')
	}
	l.begun = true
	l.out = append(l.out, value...)
}

func (l *list) end() {
	if !l.begun {
		l.out = append(l.out, '[')
	}
	l.begun = true
	l.out = append(l.out, ']')
}

// Failed is format.Failing's: a list that has begun ends with the error.
func (l *list) Failed(e *wire.Error, requestID string) []byte {
	if !l.begun {
		return nil
	}
	l.out = l.out[:0]
	l.element(wire.Gemini.ErrorBody(e, requestID))
	l.end()
	return l.out
}
