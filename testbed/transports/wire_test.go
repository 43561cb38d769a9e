package transports

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// wireUpstream is an upstream that says what a test has it say, byte by byte: over HTTP/1.1, and whatever way leads there.
type wireUpstream struct {
	at       string // its base URL, as the relay is told of it
	proxy    string // on the way; empty: none
	accepted atomic.Int64
	open     atomic.Int64
	requests atomic.Int64
	talk     func(c *wireConn)
	served   sync.WaitGroup
}

// wireConn is one connection. It is closed when talk returns.
type wireConn struct {
	net.Conn
	tcp  *net.TCPConn
	from *bufio.Reader
	u    *wireUpstream
	nth  int64           // of the upstream's connections, from 1
	gone <-chan struct{} // over HTTP/2: the request is given up
}

func newWireUpstream(t *testing.T, over harness.Transport, talk func(c *wireConn)) *wireUpstream {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	secret := serverTLS()
	u := &wireUpstream{talk: talk}
	scheme := "http"
	if over.Tls() {
		scheme = "https"
	}
	u.at = over.At(scheme + "://" + listener.Addr().String())
	if door := over.Door(t); door != nil {
		u.proxy = door.Url()
	}
	u.served.Go(func() {
		for {
			raw, err := listener.Accept()
			if err != nil {
				return
			}
			c := &wireConn{Conn: raw, tcp: raw.(*net.TCPConn), u: u, nth: u.accepted.Add(1)}
			if over.Tls() {
				c.Conn = tls.Server(raw, secret)
			}
			c.from = bufio.NewReader(c.Conn)
			u.open.Add(1)
			u.served.Go(func() {
				defer u.open.Add(-1)
				defer func() { _ = c.Close() }()
				u.talk(c)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		u.served.Wait()
	})
	return u
}

// request reads the next request; false: there is none.
func (c *wireConn) request() bool {
	r := c.header()
	if r == nil {
		return false
	}
	_, err := io.Copy(io.Discard, r.Body)
	return err == nil
}

// header reads the next request without its body; nil: there is none.
func (c *wireConn) header() *http.Request {
	r, err := http.ReadRequest(c.from)
	if err != nil {
		return nil
	}
	c.u.requests.Add(1)
	return r
}

func (c *wireConn) say(text string) { _, _ = io.WriteString(c.Conn, text) }

// wait is until the relay hangs up.
func (c *wireConn) wait() {
	if c.gone != nil {
		<-c.gone
		return
	}
	_, _ = io.Copy(io.Discard, c.from)
}

// reset hangs up without a word.
func (c *wireConn) reset() {
	_ = c.tcp.SetLinger(0)
	_ = c.tcp.Close()
}

// answer is a good one, on a connection that stays open.
func (c *wireConn) answer(stream bool) {
	kind, text := "application/json", harness.WholeAnswer
	if stream {
		kind, text = "text/event-stream", "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
	}
	c.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", kind, len(text), text))
}

// channel is the configuration of a channel with this upstream; more is YAML.
func (u *wireUpstream) channel(more string) string {
	return fmt.Sprintf("channels:\n  - {name: a, type: openai, base_url: %q, proxy: %q, keys: [sk-up-a], models: [m]%s}\n", u.at, u.proxy, more)
}

func serverTLS() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{harness.Certificate()}, MinVersion: tls.VersionTLS12}
}

// newWireCount serves connections, and counts those that are open.
func newWireCount(t *testing.T, listener net.Listener, serve func(net.Conn)) *atomic.Int64 {
	open := &atomic.Int64{}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Add(1)
			served.Go(func() {
				defer open.Add(-1)
				defer func() { _ = conn.Close() }()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		served.Wait()
	})
	return open
}

// asks is a request by how much and for what is asked.
type asks struct{ large, stream bool }

var askings = []asks{{false, false}, {false, true}, {true, false}, {true, true}}

func (a asks) String() string {
	return strings.Join(harness.Variant{Large: a.large, Stream: a.stream}.Circumstances()[1:3], " ")
}

func (a asks) body() string {
	prompt := "hi"
	if a.large {
		prompt = harness.LargePrompt
	}
	return fmt.Sprintf(`{"model":"m","stream":%t,"messages":[{"role":"user","content":"%s"}]}`, a.stream, prompt)
}

// overEach runs a test over each transport that fits.
func overEach(t *testing.T, fits func(harness.Variant) bool, run func(t *testing.T, over harness.Transport, a asks)) {
	for i := range harness.Transports {
		if over := harness.Transport(i); fits(harness.Variant{Transport: over}) {
			for _, a := range askings {
				t.Run(over.String()+" "+a.String(), func(t *testing.T) { run(t, over, a) })
			}
		}
	}
}
