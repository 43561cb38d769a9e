package http2

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// script is what a server says, drawn from bytes: mostly what a server may say.
type script struct {
	draw  []byte
	out   bytes.Buffer
	block bytes.Buffer
	enc   *hpack.Encoder
	frame *xhttp2.Framer
}

func (s *script) next() byte {
	if len(s.draw) == 0 {
		return 0
	}
	b := s.draw[0]
	s.draw = s.draw[1:]
	return b
}

func (s *script) some() []byte {
	n := min(int(s.next()), len(s.draw))
	b := s.draw[:n]
	s.draw = s.draw[n:]
	return b
}

var (
	statuses = []string{"200", "200", "404", "204", "103", "101", "2xx", "099", "1000", "-20"}
	names    = []string{"content-type", "content-length", "x-ratelimit-left", "content-encoding", "X-Capital", "a b", ":path", ":status", "date", ""}
	texts    = []string{"application/json", "5", "a\nb", "gzip", "0", "18446744073709551616", "", "\xff"}
)

func pick(from []string, by byte) string { return from[int(by)%len(from)] }

// stream is mostly the one that was asked on.
func (s *script) stream() uint32 {
	if b := s.next(); b > 240 {
		return uint32(b - 240)
	}
	return 1
}

func (s *script) header() []byte {
	s.block.Reset()
	if b := s.next(); b < 240 {
		_ = s.enc.WriteField(hpack.HeaderField{Name: ":status", Value: pick(statuses, b)})
	}
	for range s.next() % 5 {
		name := pick(names, s.next())
		value := pick(texts, s.next())
		if name == "content-length" && len(s.draw) > 0 && s.draw[0] < 200 {
			value = strconv.Itoa(int(s.next()))
		}
		_ = s.enc.WriteField(hpack.HeaderField{Name: name, Value: value})
	}
	return s.block.Bytes()
}

// written is all that it says.
func written(draw []byte) []byte {
	s := &script{draw: draw}
	s.enc = hpack.NewEncoder(&s.block)
	s.frame = xhttp2.NewFramer(&s.out, nil)
	s.frame.AllowIllegalWrites = true
	if s.next() < 250 {
		_ = s.frame.WriteSettings()
	}
	for len(s.draw) > 0 {
		switch op := s.next(); op % 16 {
		case 0, 1, 2:
			block := s.header()
			_ = s.frame.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: s.stream(), BlockFragment: block, EndHeaders: true, EndStream: op&0x40 != 0, PadLength: op >> 7})
		case 3:
			block, cut := s.header(), int(s.next())
			cut = min(cut, len(block))
			id := s.stream()
			_ = s.frame.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: id, BlockFragment: block[:cut], EndStream: op&0x40 != 0})
			_ = s.frame.WriteContinuation(id, op&0x80 == 0, block[cut:])
		case 4, 5, 6, 7:
			id := s.stream()
			_ = s.frame.WriteData(id, op&0x40 != 0, s.some())
		case 8:
			_ = s.frame.WriteDataPadded(s.stream(), op&0x40 != 0, s.some(), make([]byte, s.next()))
		case 9:
			_ = s.frame.WriteRSTStream(s.stream(), xhttp2.ErrCode(s.next()%15))
		case 10:
			_ = s.frame.WriteGoAway(uint32(s.next()%4), xhttp2.ErrCode(s.next()%15), s.some())
		case 11:
			_ = s.frame.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingID(s.next() % 8), Val: uint32(s.next()) << (s.next() % 32)})
		case 12:
			_ = s.frame.WritePing(op&0x40 != 0, [8]byte{s.next()})
		case 13:
			_ = s.frame.WriteRawFrame(xhttp2.FrameWindowUpdate, 0, s.stream()*uint32(op>>7), []byte{s.next() / 2, s.next(), 0, 1})
		case 14:
			_ = s.frame.WriteRawFrame(xhttp2.FrameType(s.next()%12), xhttp2.Flags(s.next()), s.stream(), s.some())
		default:
			s.out.Write(s.some())
		}
	}
	return s.out.Bytes()
}

// says is a server without TLS that says something on each connection when it was asked, and closes it when it is left.
func says(t testing.TB, say *atomic.Pointer[[]byte]) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				if _, err := io.ReadFull(c, make([]byte, len(preface))); err != nil {
					return
				}
				framer := xhttp2.NewFramer(nil, c)
				for {
					f, err := framer.ReadFrame()
					if err != nil {
						return
					}
					if f.Header().StreamID == 1 && f.Header().Flags.Has(xhttp2.FlagDataEndStream) {
						break
					}
				}
				_, _ = c.Write(*say.Load())
				_ = c.(*net.TCPConn).CloseWrite()
				_, _ = io.Copy(io.Discard, c)
			}()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-over
	})
	return listener.Addr().String()
}

// plain is a pool without TLS.
func plain(address string) *Pool {
	return &Pool{
		Address: address, Dial: (&net.Dialer{}).DialContext, IdleTimeout: time.Minute, PingAfter: 30 * time.Second,
		PingTimeout: 15 * time.Second, WriteTimeout: 15 * time.Second, Open: &atomic.Int64{}, Aside: &atomic.Int64{},
	}
}

// errStuck is that net/http's client holds its own lock for ever. Go 1.26's does where a stream's window is let grow too large: what it ends
// the stream with takes the lock that it has.
var errStuck = errors.New("net/http's client is stuck")

// taken is what a client makes of an answer.
type taken struct {
	status     int
	kind, body string
	length     int64
	err        error
}

// theirs is what net/http's client makes of it. One that is stuck is left behind.
func theirs(address string) taken {
	done := make(chan taken, 1)
	go func() { done <- asTheyTakeIt(address) }()
	select {
	case got := <-done:
		return got
	case <-time.After(20 * time.Second):
		return taken{err: errStuck}
	}
}

func asTheyTakeIt(address string) (is taken) {
	transport := &http.Transport{DisableCompression: true, Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/v1/chat", bytes.NewReader(hello.Body))
	if err != nil {
		return taken{err: err}
	}
	got, err := transport.RoundTrip(r)
	if err != nil {
		return taken{err: err}
	}
	defer func() { _ = got.Body.Close() }()
	all, err := io.ReadAll(got.Body)
	is = taken{status: got.StatusCode, body: string(all), length: got.ContentLength, err: err}
	for _, is.kind = range got.Header.Values("Content-Type") {
		if is.kind != "" {
			break
		}
	}
	return is
}

// FuzzWhatAServerSays holds that nothing that a server says does more than end a call, and that an answer which is taken is the one that
// net/http's client takes.
func FuzzWhatAServerSays(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x01\x00\x00\x00\x44\x00\x05hello"))
	f.Add([]byte("\x00\x00\x00\x01\x01\x05\x00\x44\x00\x05hello"))
	f.Add([]byte("\x00\x40\x02\x00\x00"))
	f.Add([]byte("\x00\x00\x04\x00\x00\x00\x00\x00\x44\x00\x05hello\x09\x00\x08"))
	f.Add([]byte("\x00\x03\x00\x02\x00\x00\x02\x01\x01\x00\x48\x00\x05hello\x09\x0a\x01\x00\x00"))
	say := &atomic.Pointer[[]byte]{}
	address := says(f, say)
	f.Fuzz(func(t *testing.T, draw []byte) {
		if len(draw) > 2<<10 {
			return
		}
		text := written(draw)
		say.Store(&text)
		p := plain(address)
		late := time.AfterFunc(20*time.Second, func() { panic(fmt.Sprintf("it hangs on %q", text)) })
		a, body, err := ask(p, hello)
		late.Stop()
		closed(t, p)
		if err != nil {
			return
		}
		other := taken{err: errors.New("not asked")}
		for tries := 0; other.err != nil && tries < 5; tries++ {
			if other = theirs(address); errors.Is(other.err, context.DeadlineExceeded) || errors.Is(other.err, errStuck) {
				t.Logf("net/http's client waits for what follows, or for itself: %q", text)
				return
			}
		}
		require.NoError(t, other.err, "net/http's client does not take it: %q", text)
		require.Equal(t, other, taken{status: a.Status, kind: a.Type, length: a.Length, body: body})
	})
}
