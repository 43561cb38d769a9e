package exchange

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/outcome"
)

// passingBytes is how much is held at a time of an answer that passes by. A JSON answer that is no longer is kept back until it is
// complete and understood.
const passingBytes = 64 << 10

var passingBuffers = sync.Pool{New: func() any { return new([passingBytes]byte) }}

// passesBy reports whether the answer is passed on without being kept.
func (x *Exchange) passesBy() bool { return x.call.Endpoint.Media() && !x.converts() }

// relayMedia passes on an answer of any type (an event stream, JSON, sound, text): the upstream chooses.
func (x *Exchange) relayMedia(client PassingClient) *outcome.Failure {
	buffer := passingBuffers.Get().(*[passingBytes]byte)
	defer passingBuffers.Put(buffer)
	begun, ended, failure := x.begins(buffer[:])
	switch {
	case failure != nil:
		return failure
	case x.streams(begun):
		x.body.reader = io.MultiReader(bytes.NewReader(bytes.Clone(begun)), x.body.reader)
		x.body.read = 0
		x.body.silence = x.silencePhase
		if x.call.Stream {
			client.Alive()
		}
		return x.relayStream(client)
	}
	x.body.silence = x.passingPhase
	return x.relayBytes(client, buffer[:], len(begun), ended)
}

// begins waits for the first of an answer that says something, and for no more.
func (x *Exchange) begins(buffer []byte) (begun []byte, ended bool, failure *outcome.Failure) {
	n := 0
	for n < len(buffer) {
		more, err := x.body.Read(buffer[n:])
		n += more
		ended = errors.Is(err, io.EOF)
		if err != nil && !ended {
			return nil, false, x.broken(err, true)
		}
		if ended || len(bytes.TrimSpace(buffer[:n])) > 0 {
			break
		}
	}
	if text := x.labelled("text/"); n == 0 && !text {
		return nil, false, outcome.Malformed("an answer of no bytes")
	}
	if first := bytes.TrimLeft(buffer[:n], " \t\r\n"); len(first) > 0 && first[0] == '<' && x.labelled("text/html") {
		return nil, false, outcome.WebPage()
	}
	return buffer[:n], ended, nil
}

// labelled reports whether the upstream calls its answer something that begins like this.
func (x *Exchange) labelled(as string) bool {
	label := x.answer.Type
	return len(label) >= len(as) && strings.EqualFold(label[:len(as)], as)
}

// streams reports whether an answer is an event stream, by its label and by what it begins with. A text may begin like one.
func (x *Exchange) streams(begun []byte) bool {
	if isObject(begun) {
		return false
	}
	return x.labelled("text/event-stream") || x.call.Stream && isEventStream(begun)
}

func isObject(begun []byte) bool {
	begun = bytes.TrimLeft(jsonscan.WithoutBOM(begun), " \t\r\n")
	return len(begun) > 0 && begun[0] == '{'
}

// relayBytes passes an answer on as it comes. One in JSON is kept back while it fits into the buffer: until then another channel can
// take over. n bytes of it are there.
func (x *Exchange) relayBytes(client PassingClient, buffer []byte, n int, ended bool) *outcome.Failure {
	if isObject(buffer[:n]) {
		for n < len(buffer) && !ended {
			more, err := x.body.Read(buffer[n:])
			n += more
			ended = errors.Is(err, io.EOF)
			if err != nil && !ended {
				return x.broken(err, true)
			}
		}
		if ended {
			if _, failure := x.translate(jsonscan.WithoutBOM(buffer[:n])); failure != nil {
				return failure
			}
			return x.wholly(client, buffer[:n])
		}
	} else if ended {
		return x.wholly(client, buffer[:n])
	}
	return x.passes(client, buffer, n)
}

// wholly sends these bytes as the whole answer, which has ended.
func (x *Exchange) wholly(client PassingClient, answer []byte) *outcome.Failure {
	if x.client.Err() != nil {
		return x.interruptedOrGone()
	}
	x.start()
	x.showCost(client)
	client.Begin(x.contentType(answer), int64(len(answer)))
	return x.sends(client, answer)
}

// sends writes the last bytes of an answer to the client.
func (x *Exchange) sends(client Downstream, last []byte) *outcome.Failure {
	err := client.Write(last)
	if err == nil {
		err = client.Flush()
	}
	if err != nil {
		return x.unwritable(err)
	}
	return nil
}

// passes sends what has come of an answer, and the rest as it comes.
func (x *Exchange) passes(client PassingClient, buffer []byte, n int) *outcome.Failure {
	watcher := x.watcher()
	length := x.answer.Length
	if x.body.packed {
		length = -1 // of what it is packed in
	}
	x.start()
	client.Begin(x.contentType(buffer[:n]), length)
	for ended := false; ; {
		if watcher != nil {
			watcher.See(buffer[:n])
		}
		if ended {
			return x.passed(client, watcher, buffer[:n])
		}
		err := client.Write(buffer[:n])
		if err == nil && n < len(buffer) {
			err = client.Flush()
		}
		if err != nil {
			return x.unwritable(err)
		}
		n, err = x.body.Read(buffer)
		ended = errors.Is(err, io.EOF)
		if err != nil && !ended {
			return x.broken(err, true)
		}
	}
}

// passed sends the last bytes of an answer, unless that shows that some are missing.
func (x *Exchange) passed(client Downstream, watcher format.Watcher, last []byte) *outcome.Failure {
	if watcher != nil {
		if err := watcher.Seen(); err != nil {
			return x.said(err)
		}
	}
	return x.sends(client, last)
}

// contentType is what the upstream calls its answer, or what it plainly is.
func (x *Exchange) contentType(begun []byte) string {
	switch {
	case x.answer.Type != "":
		return x.answer.Type
	case isObject(begun):
		return "application/json"
	}
	return "application/octet-stream"
}
