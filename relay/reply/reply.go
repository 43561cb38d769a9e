// Package reply is the way back to one client: its answer, its stream with keep-alive comments while there is nothing to send,
// and its error, in its own format and whatever has been sent before.
package reply

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"one-api/relay/wire"
)

// RequestIDHeader carries the request's id on every response, under the name that one-api gave it.
const RequestIDHeader = "X-Oneapi-Request-Id"

// mostHeld is how many bytes of events that promise nothing are held back.
const mostHeld = 64 << 10

// Values of response headers, which are shared by all responses: net/http copies what it keeps of them.
var (
	applicationJSON = []string{"application/json"}
	eventStream     = []string{"text/event-stream"}
	noCache         = []string{"no-cache"}
	no              = []string{"no"}
)

// Writer writes one response. It is used by the request's goroutine, and by the keep-alive timer in between.
type Writer struct {
	to       http.ResponseWriter
	flusher  flusher
	interval time.Duration // of keep-alive; 0 means none

	sent    atomic.Int64 // bytes of the answer
	writing atomic.Bool  // something is being handed to the client
	format  wire.Format

	mu        sync.Mutex
	committed bool // the status has been sent
	streams   bool // as that of a stream
	passing   bool // as that of an answer that passes by
	started   bool // so has a part of the answer
	closed    bool
	status    uint16
	timer     *time.Timer
	last      time.Duration // when the last flush was
	held      []byte        // events that promise nothing, which wait for the first that does
	limits    http.Header   // what the upstream has said of them, for the header of its answer
	length    [1]string     // Content-Length, as a header has it
	handing   time.Duration // when the last part of the answer was begun to be handed over
	waited    time.Duration // for the client to take what is written
}

// epoch is what times are kept as the distance from: that takes a third of the memory of a time, and half the time to ask for.
var epoch = time.Now()

func now() time.Duration { return time.Since(epoch) }

// flusher is what net/http's response writers offer: unlike http.Flusher it tells of errors.
type flusher interface{ FlushError() error }

// Init makes w the writer of one response, whose header has the request's id. It is called once, before anything else.
func (w *Writer) Init(to http.ResponseWriter, format wire.Format) {
	w.to, w.format, w.flusher = to, format, flusherOf(to)
}

func (w *Writer) requestID() string { return wire.First(w.to.Header(), RequestIDHeader) }

// Connection is what the response is written over.
func (w *Writer) Connection() *http.ResponseController { return http.NewResponseController(w.to) }

// KeepAlive makes the writer send a comment after every silence of that length, for clients that asked for a stream; 0 means never.
func (w *Writer) KeepAlive(interval time.Duration) {
	if interval <= 0 {
		return
	}
	w.mu.Lock() // the timer may fire before this is through
	defer w.mu.Unlock()
	w.interval, w.last = interval, now()
	w.timer = time.AfterFunc(interval, w.keepAlive)
}

func flusherOf(w http.ResponseWriter) flusher {
	for {
		switch t := w.(type) {
		case flusher:
			return t
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return nil
		}
	}
}

// Whole sends a complete JSON answer and sees it off: nil means that the operating system has all of it.
func (w *Writer) Whole(body []byte) error {
	w.hand()
	defer w.handed()
	w.started = true
	w.sent.Add(int64(len(body)))
	return w.object(http.StatusOK, w.handing, body)
}

// object writes one object, at a time.
func (w *Writer) object(status int, at time.Duration, body []byte) error {
	h := w.to.Header()
	w.length[0] = strconv.Itoa(len(body))
	h["Content-Type"], h["Content-Length"] = applicationJSON, w.length[:]
	w.commit(status, at)
	if _, err := w.to.Write(body); err != nil {
		return err
	}
	return w.flush()
}

// Begin makes the header of an answer of any type, of length bytes; negative: nobody knows how many. What Write adds are its bytes.
func (w *Writer) Begin(contentType string, length int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.to.Header()
	h["Content-Type"] = []string{contentType}
	if length >= 0 {
		w.length[0] = strconv.FormatInt(length, 10)
		h["Content-Length"] = w.length[:]
	} else {
		h["X-Accel-Buffering"] = no
	}
	w.started, w.passing = true, true
	w.commit(http.StatusOK, now())
}

// Alive begins the keep-alive that has been put off.
func (w *Writer) Alive() { w.KeepAlive(w.interval) }

// PutOff has Alive begin a keep-alive of that interval, and nobody else.
func (w *Writer) PutOff(interval time.Duration) { w.interval = interval }

// Hold keeps events back that promise nothing of an answer: until Write adds one that does, until there are too many, or until a
// keep-alive is due and they are sent in its place. committed reports whether the client gets them, or has got such events
// before: then the answer is this channel's.
func (w *Writer) Hold(events []byte) (committed bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.started && len(w.held)+len(events) <= mostHeld {
		w.held = append(w.held, events...)
		return false, nil
	}
	return true, w.write(events)
}

// Drop forgets what is held back: the channel that sent it has failed, and the client need not know of it.
func (w *Writer) Drop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = nil
}

// Write adds events to the stream, behind those that were held back. The first ones commit the answer to this channel.
func (w *Writer) Write(events []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.write(events)
}

func (w *Writer) write(events []byte) error {
	if err := w.release(); err != nil {
		return err
	}
	w.sent.Add(int64(len(events)))
	w.writing.Store(true) // what does not fit into the buffer goes out here
	defer w.writing.Store(false)
	return w.stream(events)
}

// release sends what is held back.
func (w *Writer) release() error {
	w.started = true
	if w.held == nil {
		return nil
	}
	held := w.held
	w.held = nil
	w.sent.Add(int64(len(held)))
	return w.stream(held)
}

// Flush sends what is buffered.
func (w *Writer) Flush() error {
	w.hand()
	defer w.handed()
	w.last = w.handing
	return w.flush()
}

// hand locks the writer for handing a part of the answer to the client, and handed unlocks it. They keep the time between them
// off the stack: Flush is where an open stream has it deepest.
func (w *Writer) hand() {
	w.mu.Lock()
	w.handing = now()
	w.writing.Store(true)
}

func (w *Writer) handed() {
	w.writing.Store(false)
	w.waited += now() - w.handing
	w.mu.Unlock()
}

// Waited is the time that was spent on handing the answer to the client.
func (w *Writer) Waited() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.waited
}

// Sent is how many bytes of the answer have been written. It takes no lock.
func (w *Writer) Sent() int64 { return w.sent.Load() }

// Writing tells whether something is just being handed to the client, which may take it slowly. It takes no lock.
func (w *Writer) Writing() bool { return w.writing.Load() }

func (w *Writer) stream(events []byte) error {
	if !w.committed {
		h := w.to.Header()
		h["Content-Type"], h["Cache-Control"] = eventStream, noCache
		if w.format == wire.GeminiList {
			h["Content-Type"] = applicationJSON
		}
		h["X-Accel-Buffering"] = no // nginx would hold events back
		w.streams = true
		w.commit(http.StatusOK, now())
	}
	_, err := w.to.Write(events)
	return err
}

func (w *Writer) commit(status int, at time.Duration) {
	w.committed, w.status = true, uint16(status) //nolint:gosec // three digits
	if status == http.StatusOK {
		w.to.Header()["Date"] = dateAt(at)
		if w.limits != nil {
			say(w.to.Header(), w.limits)
		}
	}
	w.limits = nil
	w.to.WriteHeader(status)
}

func (w *Writer) flush() error {
	if w.flusher == nil {
		return nil
	}
	return w.flusher.FlushError()
}

// Fail tells the client of an error: with a status of its own while that can still be chosen, and as the last event of the
// stream from then on. An answer that was sent whole cannot fail any more, and one that passes by is broken off: its connection ends
// before the answer does.
func (w *Writer) Fail(e *wire.Error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.committed {
		if w.streams {
			// Errors of writing are dropped from here on: there is nobody left to tell.
			_ = w.stream(w.format.ErrorEvent(e, w.requestID()))
			_ = w.flush()
		}
		if w.passing {
			w.breakOff()
		}
		return
	}
	w.again(e)
	_ = w.object(e.Status, now(), w.format.ErrorBody(e, w.requestID()))
}

// again says in the header whether and when to try again.
func (w *Writer) again(e *wire.Error) {
	h := w.to.Header()
	if seconds := retryAfter(e); seconds > 0 {
		h.Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
	said := maps.Clone(e.Header)
	delete(said, retryAfterMs)         // what is told is how long the relay makes of it
	if e.RetryAfter%time.Second != 0 { // finer than Retry-After can say: OpenAI's and Anthropic's SDKs look for it first
		if said == nil {
			said = http.Header{}
		}
		said[retryAfterMs] = []string{strconv.FormatInt((e.RetryAfter + time.Millisecond - 1).Milliseconds(), 10)}
	}
	say(h, said)
}

const retryAfterMs = "Retry-After-Ms"

// say adds what an upstream has said to a header, and lets pages read it.
func say(h, said http.Header) {
	maps.Copy(h, said)
	if exposed := h["Access-Control-Expose-Headers"]; len(said) > 0 && len(exposed) > 0 { // it is a page that asks
		h["Access-Control-Expose-Headers"] = []string{strings.Join(append(exposed[:1:1], slices.Sorted(maps.Keys(said))...), ", ")}
	}
}

// Tell has the header of a good answer say what the upstream that answers has said of limits, unless it is on its way.
func (w *Writer) Tell(limits http.Header) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.limits = limits
}

// CostHeader says what an answer is charged, in US dollars.
const CostHeader = "X-Oneapi-Cost-Usd"

// SayCost has the header of an answer that has not begun say what it is charged, in nano-dollars.
func (w *Writer) SayCost(nano int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	usd := strconv.FormatInt(nano/1e9, 10) + "." + strconv.FormatInt(1e9+nano%1e9, 10)[1:]
	say(w.to.Header(), http.Header{CostHeader: {usd}})
}

// breakOff has what else is written to the connection fail, an answer's end included: net/http closes it then.
func (w *Writer) breakOff() {
	_ = http.NewResponseController(w.to).SetWriteDeadline(time.Now().Add(-time.Second)) // one that cannot be set is of no connection
}

// End sends the last event of a stream that has begun.
func (w *Writer) End(event []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.stream(event) // as with Fail, there is nobody left to tell of an error
	_ = w.flush()
}

// retryAfter is in whole seconds, rounded up; a 429 always has one.
func retryAfter(e *wire.Error) int64 {
	seconds := int64((e.RetryAfter + time.Second - 1) / time.Second)
	if seconds == 0 && e.Status == http.StatusTooManyRequests {
		return 1
	}
	return seconds
}

// Started tells whether the client has got any part of an answer. A keep-alive comment is none.
func (w *Writer) Started() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.started
}

// Status is the status that was sent; 0 means none.
func (w *Writer) Status() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return int(w.status)
}

// Close ends the keep-alive, and waits for a comment that is just being written: the response belongs to the handler, and
// must not be touched once it has returned.
func (w *Writer) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.timer != nil {
		w.timer.Stop()
	}
}

// keepAlive runs when the timer fires, not on a goroutine of the stream's own.
func (w *Writer) keepAlive() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	if silent := now() - w.last; silent < w.interval {
		w.timer.Reset(w.interval - silent)
		return
	}
	if w.aliveWith() != nil || w.flush() != nil {
		return // net/http has cancelled the request: its goroutine will see
	}
	w.timer.Reset(w.interval)
}

// aliveWith writes what shows that the relay is alive: events that are held back, or else a comment.
func (w *Writer) aliveWith() error {
	if w.held != nil {
		return w.release()
	}
	return w.stream([]byte(w.format.KeepAlive()))
}
