package faults

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"one-api/relay/outcome"
	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

// The fault matrix on images and sound, which pass by without being kept: pictures, speech as events, and speech that is heard, whose
// request is a form.

// mediaKind is a kind of media, and what its provider says.
type mediaKind struct {
	standin.OpenAI
	path, body, form  string // the members of a request; form: they are of a form
	delta, done, said string // the events that a stream has, and where the words stand
}

func (m mediaKind) Whole(a standin.Answer) string {
	return fmt.Sprintf(`{"created":1,%s,"usage":{"input_tokens":3,"output_tokens":4,"total_tokens":7}}`, fmt.Sprintf(m.said, strings.Join(a.Text, "")))
}

func (m mediaKind) Events(a standin.Answer, _ map[string]any) (content, ending []string) {
	return []string{harness.Event(m.delta, fmt.Sprintf(`{"type":%q,%s}`, m.delta, fmt.Sprintf(m.said, strings.Join(a.Text, ""))))},
		[]string{harness.Event(m.done, fmt.Sprintf(`{"type":%q,"usage":{"input_tokens":3,"output_tokens":4,"total_tokens":7}}`, m.done))}
}

func (mediaKind) ErrorEvent() string {
	return harness.Event("error", `{"type":"error","error":{"type":"server_error","code":"server_error","message":"The server had an error."}}`)
}

var mediaWays = []formatWay{
	media("images", mediaKind{path: "/v1/images/generations", body: `"prompt":"a cat","partial_images":1`, delta: "image_generation.partial_image", done: "image_generation.completed", said: `"b64_json":"%[1]s","data":[{"b64_json":"%[1]s"}]`}),
	media("speech", mediaKind{path: "/v1/audio/speech", body: `"input":"hi","voice":"alloy","stream_format":"sse"`, delta: "speech.audio.delta", done: "speech.audio.done", said: `"audio":%q`}),
	media("transcriptions", mediaKind{path: "/v1/audio/transcriptions", form: "language=en", delta: "transcript.text.delta", done: "transcript.text.done", said: `"text":"%[1]s","delta":"%[1]s"`}),
}

func media(name string, of mediaKind) formatWay {
	return formatWay{name: name, dialect: of, media: &of}
}

func (w formatWay) askMedia(ctx context.Context, r *harness.Relay, stream bool, opened func()) (text string, complete, honest bool) {
	kind, body := "application/json", []byte(fmt.Sprintf(`{"model":%q,"stream":%t,%s,"user":%q}`, w.name, stream, w.media.body, strings.Repeat("x", w.large)))
	if w.media.form != "" {
		var form bytes.Buffer
		parts := multipart.NewWriter(&form)
		_ = parts.WriteField("model", w.name)
		_ = parts.WriteField("stream", fmt.Sprint(stream))
		file, _ := parts.CreateFormFile("file", "a.wav")
		_, _ = file.Write(bytes.Repeat([]byte("sound "), 20+w.large/6))
		_ = parts.Close()
		kind, body = parts.FormDataContentType(), form.Bytes()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL+w.media.path, bytes.NewReader(body))
	if err != nil {
		return "", false, false
	}
	request.Header.Set("Content-Type", kind)
	request.Header.Set("Authorization", "Bearer "+harness.Key)
	response, err := r.Client.Do(request)
	if err != nil {
		return "", false, false
	}
	defer func() { _ = response.Body.Close() }()
	opened()
	all, err := io.ReadAll(response.Body)
	text = string(all)
	switch {
	case err != nil: // what is no conversation has no other way to say so, once it has begun
		return text, false, true
	case response.StatusCode != http.StatusOK:
		return text, false, strings.Contains(text, `"error"`)
	case strings.Contains(text, `"error":`):
		return text, false, true
	case stream:
		return text, strings.Contains(text, w.media.done), false
	}
	return text, strings.HasSuffix(strings.TrimSpace(text), "}}"), false
}

var (
	picture    = strings.Repeat("iVBORw0KGgo", 6<<20/11) // twice in a line
	mediaLines = []formatFault{
		{class: "F6", name: "CR LF", heard: harness.FromFaulty, do: spelled(harness.FromFaulty, replacing("\n", "\r\n"), nil)},
		{class: "F6", name: "a byte order mark", heard: harness.FromFaulty, do: spelled(harness.FromFaulty, func(events string) string { return "\uFEFF" + events }, nil)},
		{class: "F6", name: "comments", heard: harness.FromFaulty, do: spelled(harness.FromFaulty, replacing("data: ", ": one moment\ndata: "), nil)},
		{class: "F6", name: "no last line end", heard: harness.FromFaulty, do: spelled(harness.FromFaulty, func(events string) string { return strings.TrimRight(events, "\n") }, nil)},
		{class: "F6", name: "lines of 12 MiB", heard: picture, apart: true, do: spelled(picture, nil, nil)},
		{class: "F6", name: "a line without end, behind content", apart: true, begun: true, outcome: outcome.UpstreamReset, do: func(f formatWay, w http.ResponseWriter, _ *http.Request, _ bool) {
			f.begin(w, harness.FromFaulty)
			harness.Say(w, `data: {"type":"`+picture[:1<<20])
			panic(http.ErrAbortHandler)
		}},
		{class: "F18", name: "an error in the place of content", outcome: outcome.UpstreamErrorEvent, do: func(f formatWay, w http.ResponseWriter, _ *http.Request, _ bool) {
			w.Header().Set("Content-Type", "text/event-stream")
			harness.Say(w, f.dialect.ErrorEvent())
		}},
		{class: "F18", name: "nothing behind the header", outcome: outcome.UpstreamMalformed, do: func(f formatWay, w http.ResponseWriter, _ *http.Request, _ bool) {
			w.Header().Set("Content-Type", "text/event-stream")
			harness.Say(w, ": one moment\n\n")
		}},
		{class: "F18", name: "a reset behind the header", outcome: outcome.UpstreamReset, do: func(f formatWay, w http.ResponseWriter, _ *http.Request, _ bool) {
			w.Header().Set("Content-Type", "text/event-stream")
			harness.Say(w, ": one moment\n\n")
			panic(http.ErrAbortHandler)
		}},
		{class: "F19", name: "comments for ever, before content", timeouts: "header: 3s", outcome: outcome.IdleTimeout, do: forever(nothing, ": one moment\n\n", 20*time.Millisecond)},
		{class: "F19", name: "comments for ever, behind content", timeouts: "header: 3s", outcome: outcome.IdleTimeout, begun: true, do: forever(content, ": one moment\n\n", 20*time.Millisecond)},
	}
	mediaFaults = []formatFault{
		{class: "F20", name: "an early refusal of a large body", large: 1 << 20, ahead: true, outcome: outcome.UpstreamStatus, do: func(f formatWay, w http.ResponseWriter, _ *http.Request, _ bool) {
			w.WriteHeader(http.StatusServiceUnavailable)
			harness.Say(w, f.dialect.ErrorBody(&standin.Refusal{Status: 503, Kind: "server_error", Message: harness.Complained}))
		}},
		{class: "F20", name: "a fresh connection that dies before a byte", outcome: outcome.UpstreamReset, do: func(_ formatWay, _ http.ResponseWriter, r *http.Request, _ bool) {
			_ = harness.ConnOf(r).Close()
			panic(http.ErrAbortHandler)
		}},
		{class: "F20", name: "a reset in the midst of an upload", large: 4 << 20, ahead: true, outcome: outcome.UpstreamReset, do: func(_ formatWay, _ http.ResponseWriter, r *http.Request, _ bool) {
			_, _ = io.CopyN(io.Discard, r.Body, 64<<10)
			harness.BreakTCP(harness.ConnOf(r).Conn)
			panic(http.ErrAbortHandler)
		}},
	}
)

func init() {
	for i := range mediaLines {
		mediaLines[i].streams = true
	}
	of := map[string]bool{"F2": true, "F8": true, "F10": true} // those of conversations that are the same here
	for _, f := range formatFaults {
		if of[f.class] {
			if strings.HasPrefix(f.timeouts, "idle") {
				f.timeouts += ", header: 3s" // which is how long pictures may be silent
			}
			mediaFaults = append(mediaFaults, f)
		}
	}
	mediaFaults = append(mediaFaults, mediaLines...)
	for i := range mediaFaults {
		mediaFaults[i].ways = mediaWays
	}
}

func requireMediaFaults(t *testing.T, class string) {
	harness.InMatrix(t, class)
	requireFaults(t, class, mediaFaults)
}

func TestErrorsOfMediaAreHonest(t *testing.T)                         { requireMediaFaults(t, "F2") }
func TestAStreamOfMediaArrivesHoweverItsLinesCome(t *testing.T)       { requireMediaFaults(t, "F6") }
func TestSilenceOfMediaIsBounded(t *testing.T)                        { requireMediaFaults(t, "F8") }
func TestResetsOfMediaAreUnderstood(t *testing.T)                     { requireMediaFaults(t, "F10") }
func TestMediaPromiseNothingBeforeTheirContent(t *testing.T)          { requireMediaFaults(t, "F18") }
func TestSignsOfLifeOfMediaHoldNoCallForEver(t *testing.T)            { requireMediaFaults(t, "F19") }
func TestDeadConnectionsAndEarlyAnswersOfMediaAreHonest(t *testing.T) { requireMediaFaults(t, "F20") }

// TestAClientOfMediaThatStopsReadingLosesItsCall, of events and of a whole answer.
func TestAClientOfMediaThatStopsReadingLosesItsCall(t *testing.T) {
	harness.InMatrix(t, "F7")
	for _, stream := range []bool{true, false} {
		t.Run(map[bool]string{true: "stream", false: "whole"}[stream], func(t *testing.T) {
			r, upstreams := formatScene(t, formatFault{ways: mediaWays, name: "a client that stops reading", do: func(f formatWay, w http.ResponseWriter, r *http.Request, _ bool) {
				if !stream {
					w.Header().Set("Content-Type", "application/json")
					harness.Say(w, `{"created":1,"data":[{"b64_json":"`)
				} else {
					w.Header().Set("Content-Type", "text/event-stream")
				}
				_, delta := f.delta(padding[:32<<10])
				if !stream {
					delta = padding
				}
				for r.Context().Err() == nil {
					if _, err := w.Write([]byte(delta)); err != nil {
						return
					}
				}
			}}, stream, false, false, harness.WithListener(harness.Narrow), harness.WithEnv("CLIENT_WRITE_TIMEOUT", "100ms"))
			requireStalled(t, r, upstreams, mediaWays, stream)
		})
	}
}
