package gate

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"one-api/relay/form"
	"one-api/relay/jsonscan"
	"one-api/relay/membudget"
	"one-api/relay/outcome"
	"one-api/relay/spool"
	"one-api/relay/wire"
)

// A body is read a block at a time, and each block has to arrive in time: that is a kilobyte or two a second at the least,
// whatever the body's size.
const (
	bodyBlock        = 64 << 10
	bodyBlockTimeout = 30 * time.Second
)

// intake is how a request's body is read. ended reports whether the request was ended from outside, which passes the deadline of the read
// that is waiting.
type intake struct {
	w       http.ResponseWriter
	r       *http.Request
	most    int64
	timeout time.Duration // for each block
	began   time.Time     // when the first one was begun
	ended   func() bool
}

// sink takes in a body: room is where the next bytes go, and took how many were put there.
type sink interface {
	Room() ([]byte, error)
	Took(n int)
	Len() int
}

// whole reads the body, all of it, into memory: it may have to be sent more than once. held counts what that takes.
func (i *intake) whole(held *membudget.Lease) ([]byte, *outcome.Refusal) {
	if refusal := i.refuse(); refusal != nil {
		return nil, refusal
	}
	body := held.Buffer(i.r.ContentLength, i.most)
	defer body.Close()
	if refusal := i.read(&body); refusal != nil {
		return nil, refusal
	}
	whole, err := body.Body()
	if err != nil {
		return nil, outcome.RefuseNoRoom(err)
	}
	return whole, nil
}

// refuse turns a body away before it is read; nil: it is read.
func (i *intake) refuse() *outcome.Refusal {
	if encoding := wire.First(i.r.Header, "Content-Encoding"); encoding != "" && encoding != "identity" {
		return RefuseBody(http.StatusUnsupportedMediaType, "Content-Encoding "+strconv.QuoteToASCII(Clip(encoding))+" is not supported: send "+
			"the body as it is.")
	}
	if i.r.ContentLength > i.most {
		return refuseTooLarge(i.most)
	}
	return nil
}

// read reads the body to its end.
func (i *intake) read(body sink) *outcome.Refusal {
	control, from := http.NewResponseController(i.w), i.r.Body
	if i.r.ContentLength < 0 { // else net/http ends it there
		from = http.MaxBytesReader(i.w, from, i.most)
	}
	due := 0 // bytes that may be read before the deadline moves
	for now := i.began; ; {
		if body.Len() >= due {
			if due > 0 {
				now = time.Now()
			}
			due = body.Len() + bodyBlock
			_ = control.SetReadDeadline(now.Add(i.timeout)) // fails on no connection that can be slow
			if i.ended() {
				return RefuseBody(http.StatusServiceUnavailable, outcome.ErrOperator.Error())
			}
		}
		room, err := body.Room()
		if err != nil {
			return refuseUnkept(err)
		}
		n, err := from.Read(room)
		body.Took(n)
		if err == nil {
			continue
		}
		_ = control.SetReadDeadline(time.Time{})
		if errors.Is(err, io.EOF) {
			_ = i.r.Body.Close() // it has been read: net/http need not look for more of it
			return nil
		}
		return refuseUnread(err, i.most)
	}
}

// refuseUnkept is for a body that is not kept: there is no room for it, or something is wrong with it.
func refuseUnkept(err error) *outcome.Refusal {
	var wrong *form.Error
	var disk *spool.DiskError
	switch {
	case errors.As(err, &wrong):
		return RefuseBody(http.StatusBadRequest, wrong.Message)
	case errors.As(err, &disk):
		return outcome.RefuseNoDisk()
	case errors.Is(err, spool.ErrFull):
		return outcome.RefuseNoSpool()
	}
	return outcome.RefuseNoRoom(err)
}

func refuseUnread(err error, most int64) *outcome.Refusal {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return refuseTooLarge(most)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return RefuseBody(http.StatusRequestTimeout, "The request's body did not arrive in time.")
	default:
		return RefuseBody(http.StatusBadRequest, "The request's body could not be read to its end.")
	}
}

// What a refused request still sends is read, so that its client gets to read why: many clients, and nginx by its defaults, listen only
// once they have sent everything. Left to itself, net/http waits for such a body for ever or, if the connection is not to be used
// again, hangs up on a client that is sending it.
const (
	unreadTimeout = 2 * time.Second
	unreadMost    = 64 << 20
)

// LeaveUnread bounds the rest of a body that was not read to its end.
func LeaveUnread(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(unreadTimeout)) // fails on no connection that can be slow
}

// ReadAway reads what is left of a body, and not for long. It comes before the answer.
func ReadAway(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 {
		return
	}
	LeaveUnread(w)
	if wire.First(r.Header, "Expect") != "" {
		return // it has not been told to send its body
	}
	read, err := io.Copy(io.Discard, io.LimitReader(r.Body, unreadMost))
	if err == nil && read < unreadMost {
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // the next request has its own time
	}
}

// refuseJSON is for a body that cannot be read. In UTF-16 or UTF-32 (RFC 8259, 8.1, asks for UTF-8) one of the first two bytes is 0,
// or both are a byte order mark.
func refuseJSON(err error, body []byte) *outcome.Refusal {
	if len(body) > 1 && (body[0] == 0 || body[1] == 0 || bytes.HasPrefix(body, []byte{0xFE, 0xFF}) ||
		bytes.HasPrefix(body, []byte{0xFF, 0xFE})) {
		return RefuseBody(http.StatusBadRequest, "The request's body is not in UTF-8 but in UTF-16 or UTF-32, by its first bytes: send it in "+
			"UTF-8.")
	}
	if kind := notJSON(body); kind != "" {
		return RefuseBody(http.StatusBadRequest, "The request's body is "+kind+", and this endpoint takes a JSON object: send one, with "+
			"`Content-Type: application/json`. "+formsGo)
	}
	if errors.Is(err, jsonscan.ErrTruncated) {
		return RefuseBody(http.StatusBadRequest, "The request's body is not valid JSON: it ends too early.")
	}
	return RefuseBody(http.StatusBadRequest, "The request's body cannot be read: "+err.Error()+".")
}

// formsGo is where forms are taken.
const formsGo = "Files as multipart/form-data go to /v1/audio/transcriptions, /v1/audio/translations, /v1/images/edits and " +
	"/v1/images/variations."

// isFormBody is a body that begins like one of HTML's two kinds of forms: a boundary and its part's header, or a field's name and a value.
var (
	isMultipart  = regexp.MustCompile(`^--[^\r\n]{1,70}\r?\nContent-`)
	isURLEncoded = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.%+-]{0,63}=[^{\s]*$`)
)

// notJSON is what a body plainly is that is no JSON; empty: something else.
func notJSON(body []byte) string {
	begun := body[:min(len(body), 512)]
	switch {
	case isMultipart.Match(begun):
		return "a form (multipart/form-data)"
	case isURLEncoded.Match(begun):
		return "a form (application/x-www-form-urlencoded)"
	}
	return ""
}

// refuseNoUpload is for JSON where sound is to be transcribed, unless it has that in it or says where it is, as some providers take it.
func refuseNoUpload(e wire.Endpoint, body []byte) *outcome.Refusal {
	if e != wire.AudioTranscribe && e != wire.AudioTranslate {
		return nil
	}
	for _, name := range [...]string{"input_audio", "audio", "audio_url", "url", "file_url", "file_id"} {
		if jsonscan.MemberOf(body, name) != nil {
			return nil
		}
	}
	return refuseParam("file", "The request's body is JSON, and the sound has to come as a file: send multipart/form-data with the fields "+
		"`file` and `model` to "+e.Path()+".")
}

// RefuseBody is what a client is told if its request cannot be read.
func RefuseBody(status int, message string) *outcome.Refusal {
	return &outcome.Refusal{Reason: outcome.BadBody, Err: &wire.Error{Status: status, Message: message}}
}

func refuseParam(param, message string) *outcome.Refusal {
	return &outcome.Refusal{Reason: outcome.BadBody, Err: wire.BadRequest(param, message)}
}

func refuseTooLarge(most int64) *outcome.Refusal {
	return RefuseBody(http.StatusRequestEntityTooLarge,
		"The request's body is larger than "+strconv.FormatInt(most>>20, 10)+" MiB, the most that this relay accepts (MAX_REQUEST_BODY_MB).")
}

// Clip is the beginning of a text of a client that is repeated to it, with a mark where it was cut.
func Clip(s string) string {
	const most = 40
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
