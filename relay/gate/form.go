package gate

import (
	"bytes"
	"errors"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"one-api/relay/form"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/spool"
	"one-api/relay/wire"
)

// isForm reports whether a request says of its body that it is in parts, of whatever kind.
func isForm(r *http.Request) bool {
	const kind = "multipart/"
	as := wire.First(r.Header, "Content-Type")
	return len(as) > len(kind) && strings.EqualFold(as[:len(kind)], kind)
}

// formReader takes in a body that is multipart/form-data: it finds what the relay has to know of it while it passes by to where it is kept.
// The fields that matter are those of a JSON request (exactly), under the same rule: each may stand once, under its exact name.
type formReader struct {
	call    *lane.Call
	body    *spool.Body
	scanner *form.Scanner
	block   *[bodyBlock]byte
	seen    [exactNames]bool
	wrong   *outcome.Refusal
	failed  error // of scanner or body
}

var formBlocks = sync.Pool{New: func() any { return new([bodyBlock]byte) }}

// readForm reads a form to where it is kept, and finds for the call what the relay has to know of it.
func (b *bodies) readForm(a *Admission, began time.Time) *outcome.Refusal {
	f := &formReader{call: &a.Asked}
	if refusal := f.begin(wire.First(a.R.Header, "Content-Type"), a.End.Endpoint); refusal != nil {
		return refusal
	}
	i := b.intake(a, began)
	if refusal := i.refuse(); refusal != nil {
		return refusal
	}
	f.body = b.spool.Begin(&a.Held)
	a.Asked.Form.Body = f.body
	f.block = formBlocks.Get().(*[bodyBlock]byte)
	defer formBlocks.Put(f.block)
	if refusal := i.read(f); refusal != nil {
		return refusal
	}
	if f.failed != nil { // of the last bytes
		return refuseUnkept(f.failed)
	}
	return f.end(a.End.Endpoint)
}

// begin reads the Content-Type.
func (f *formReader) begin(as string, endpoint wire.Endpoint) *outcome.Refusal {
	kind, params, err := mime.ParseMediaType(as)
	switch {
	case err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter):
		return RefuseBody(http.StatusBadRequest, "The request's Content-Type cannot be read: send multipart/form-data; boundary=…, as HTTP "+
			"libraries write it themselves.")
	case kind != "multipart/form-data":
		return RefuseBody(http.StatusUnsupportedMediaType, "The request's body is "+strconv.QuoteToASCII(Clip(kind))+", which "+
			""+endpoint.Path()+" does not take: send multipart/form-data, or JSON.")
	}
	f.scanner, err = form.NewScanner(params["boundary"], func(name string) bool { return nameOf([]byte(name)) >= 0 }, f.part)
	if err != nil {
		return refuseUnkept(err)
	}
	f.call.Endpoint, f.call.Form = endpoint, &lane.Multipart{Type: as, Boundary: params["boundary"]}
	return nil
}

// Room is sink's.
func (f *formReader) Room() ([]byte, error) { return f.block[:], f.failed }

// Len is sink's.
func (f *formReader) Len() int { return int(f.body.Size()) }

// Took is sink's.
func (f *formReader) Took(n int) {
	if f.failed != nil || n == 0 {
		return
	}
	if _, f.failed = f.scanner.Write(f.block[:n]); f.failed == nil {
		_, f.failed = f.body.Write(f.block[:n])
	}
}

// part takes in a part of the body that has ended.
func (f *formReader) part(p form.Part) {
	name := nameOf([]byte(p.Name))
	if name < 0 || f.wrong != nil {
		return
	}
	exact := string(exactly[name])
	twice := f.seen[name]
	f.seen[name] = true
	switch {
	case p.Name != exact:
		f.wrong = refuseParam(exact, "The request has a field "+strconv.QuoteToASCII(p.Name)+", which some servers take for `"+exact+"` and "+
			"others do not: write `"+exact+"`, or leave it out.")
	case twice:
		f.wrong = refuseParam(exact, "The request has two fields `"+exact+"`, and servers differ in which of them they take: send one.")
	case p.File:
		f.wrong = refuseParam(exact, "`"+exact+"` has to be a field of its own, and not a file: send it without a filename.")
	case p.Encoded:
		f.wrong = refuseParam(exact, "The field `"+exact+"` has a Content-Transfer-Encoding, which servers read differently: send its value "+
			"as it is.")
	case p.Long || !utf8.Valid(p.Value):
		f.wrong = refuseParam(exact, "The field `"+exact+"` is too long, or not in UTF-8.")
	default:
		f.field(name, &p)
	}
}

// field takes in a field that is as it has to be.
func (f *formReader) field(name int, p *form.Part) {
	value := string(p.Value)
	switch name {
	case nameModel:
		f.call.Model = value
		f.call.Form.ModelFrom, f.call.Form.ModelTo = p.From, p.To
	case nameStream: // which is text here, and Python's libraries write True
		f.call.Stream = strings.EqualFold(value, "true") || value == "1"
	case nameN:
		n, _ := strconv.ParseInt(value, 10, 32)
		f.call.Choices = int32(min(max(n, 0), math.MaxInt32))
	case nameModels, nameRoute, nameFallbacks:
		exact := string(exactly[name])
		f.wrong = refuseParam(exact, "`"+exact+"` cannot be sent in a form: leave it out, or send JSON.")
	}
}

// end is for a body that has come to its end.
func (f *formReader) end(endpoint wire.Endpoint) *outcome.Refusal {
	err := f.scanner.End()
	switch {
	case err != nil:
		return refuseUnkept(err)
	case f.wrong != nil:
		return f.wrong
	case f.call.Model == "" && f.seen[nameModel]:
		return refuseParam("model", "The field `model` is empty.")
	case f.call.Model == "" && endpoint.Unnamed() == "":
		return refuseParam("model", "You must provide a `model`, as a field of the form.")
	case len(f.call.Model) > LongestModel || bytes.ContainsAny([]byte(f.call.Model), "\r\n"):
		return refuseParam("model", "`model` is longer than "+strconv.Itoa(LongestModel)+" bytes, the longest name that this relay knows, or "+
			"has a line's end in it.")
	case f.call.Model == "":
		f.call.Model = endpoint.Unnamed()
	}
	f.call.Form.Start = f.scanner.Start()
	f.call.Stream = f.call.Stream && endpoint.Streams()
	return nil
}
