package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const endPath = "/end" // ends every slow stream

// upstream answers as the model's name says.
type upstream struct {
	mu    sync.Mutex
	ended chan struct{} // closed: the slow streams end
}

func newUpstream() *upstream { return &upstream{ended: make(chan struct{})} }

// heads are the buffers for the beginning of a request, where the model stands.
var heads = sync.Pool{New: func() any { return new([4 << 10]byte) }}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == endPath {
		u.mu.Lock()
		close(u.ended)
		u.ended = make(chan struct{})
		u.mu.Unlock()
		return
	}
	head := heads.Get().(*[4 << 10]byte)
	defer heads.Put(head)
	n, _ := io.ReadFull(r.Body, head[:])
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return // its client has left
	}
	_, rest, _ := bytes.Cut(head[:n], []byte(`"model":"`))
	model, _, _ := bytes.Cut(rest, []byte(`"`))
	_, verb, _ := strings.Cut(string(model), "-")
	verb, argument, _ := strings.Cut(verb, "-")
	form, known := scripts[r.URL.Path]
	if !known {
		http.NotFound(w, r)
		return
	}
	pause, _ := time.ParseDuration(argument)
	switch verb {
	case "plain":
		answer := plainAnswer
		if form.start != nil {
			answer = plainMessage
		}
		u.whole(w, []byte(answer))
	case "size":
		size, _ := strconv.Atoi(argument)
		u.whole(w, sizedAnswer(size))
	case "burst":
		u.stream(w, r, form, chunksOfStream, 0)
	case "paced":
		u.stream(w, r, form, chunksOfStream, pause)
	case "slow":
		u.stream(w, r, form, 1<<30, pause)
	default:
		http.Error(w, fmt.Sprintf("the model %q says nothing", model), http.StatusBadRequest)
	}
}

func (u *upstream) whole(w http.ResponseWriter, answer []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	_, _ = w.Write(answer) // its client may have left
}

// stream sends chunks, with a pause before each. The first pause is random, so that streams that begin together do not go on in
// step, and the chunk before it comes at once: it is what the time to the first token is taken from.
func (u *upstream) stream(w http.ResponseWriter, r *http.Request, form script, chunks int, pause time.Duration) {
	u.mu.Lock()
	ended := u.ended
	u.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	send := func(text string) bool {
		_, err := io.WriteString(w, text)
		return err == nil && control.Flush() == nil
	}
	for _, event := range form.start {
		if !send(event) {
			return
		}
	}
	var timer *time.Timer
	if pause > 0 {
		timer = time.NewTimer(pause)
		defer timer.Stop()
	}
	fixed := form.chunk("Hello")
	for i := range chunks {
		text := fixed
		if pause > 0 {
			if i > 0 && !next(r.Context(), timer, ended, pause, i) {
				break
			}
			text = form.chunk(stamp + strconv.FormatInt(time.Now().UnixNano(), 10) + " ")
		}
		if !send(text) {
			return
		}
	}
	for _, event := range form.end {
		if !send(event) {
			return
		}
	}
}

// next waits for chunk i; false: the stream is to end.
func next(ctx context.Context, timer *time.Timer, ended <-chan struct{}, pause time.Duration, i int) bool {
	if i == 1 {
		pause = rand.N(pause) + 1
	}
	timer.Reset(pause)
	select {
	case <-timer.C:
		return true
	case <-ended:
	case <-ctx.Done():
	}
	return false
}
