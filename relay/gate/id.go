package gate

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"one-api/relay/reply"
	"one-api/relay/wire"
)

// ids is a request's ids as the values of headers, where they cost no allocation of their own.
type ids struct{ own, client [1]string }

// give makes the id of a request, and writes it into the response's header. It is always the relay's: requests are found,
// ended and accounted for by it, and a client could send the same one twice. A client's own X-Request-Id is echoed where it is
// short and harmless.
func (v *ids) give(header http.Header, r *http.Request, began time.Time) string {
	v.own[0] = idAt(began)
	header[reply.RequestIDHeader] = v.own[:]
	// The SDKs report the id under the name that their provider gives it.
	if strings.HasPrefix(r.URL.Path, wire.Messages.Path()) {
		header["Request-Id"] = v.own[:]
	} else {
		header["X-Request-Id"] = v.own[:]
	}
	if sent := wire.First(r.Header, "X-Request-Id"); acceptableID(sent) {
		v.client[0] = sent
		header["X-Request-Id"] = v.client[:]
	}
	return v.own[0]
}

// acceptableID keeps ids out of headers, answers and log lines that could be anything but an id there.
func acceptableID(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for i := range len(id) {
		if c := id[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// NewID is unique, not secret. Its first 48 bits are the time in milliseconds, as UUIDv7 has it, so that the order of ids is that of
// requests: the ledger's rows are kept, found and deleted in that order, and an id that is just any number costs its database a page each.
func NewID() string { return idAt(time.Now()) }

// idAt is NewID for a caller that has read the clock.
func idAt(now time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMilli())<<16|rand.Uint64()&0xffff) //nolint:gosec // unique, not secret
	binary.LittleEndian.PutUint64(b[8:], rand.Uint64())                                 //nolint:gosec // unique, not secret
	var text [2 * len(b)]byte
	hex.Encode(text[:], b[:])
	return string(text[:])
}

// RequestID is the id that a response's header carries.
func RequestID(header http.Header) string { return header.Get(reply.RequestIDHeader) }
