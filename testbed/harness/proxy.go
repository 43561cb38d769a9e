package harness

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// meter counts the connections that a listener has accepted.
type meter struct {
	net.Listener
	Accepted, Open atomic.Int64
}

func (m *meter) Accept() (net.Conn, error) {
	conn, err := m.Listener.Accept()
	if err != nil {
		return nil, err
	}
	m.Accepted.Add(1)
	m.Open.Add(1)
	return &meteredConn{Conn: conn, meter: m}, nil
}

type meteredConn struct {
	net.Conn
	meter *meter
	once  sync.Once
}

func (c *meteredConn) Close() error {
	c.once.Do(func() { c.meter.Open.Add(-1) })
	return c.Conn.Close()
}

// Tunnel is a proxy that connects a client to whom it names and carries bytes. It counts its clients.
type Tunnel struct {
	meter
	protocol
	served sync.WaitGroup
	mu     sync.Mutex
	conns  map[net.Conn]bool
}

// protocol is what a proxy and its clients say to each other before it carries bytes.
type protocol struct {
	scheme string
	// greet hears whom a client wants, and what is to be passed on of what it has said.
	greet func(net.Conn) (address, passOn string, err error)
	// reply says whether that one could be reached; nil: nothing is said.
	reply func(conn net.Conn, reached bool)
}

func NewTunnel(t *testing.T, speaks protocol) *Tunnel {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &Tunnel{protocol: speaks, conns: map[net.Conn]bool{}}
	p.Listener = listener
	p.served.Go(func() {
		for {
			conn, err := p.Accept()
			if err != nil {
				return
			}
			p.served.Go(func() { p.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		p.mu.Lock()
		for conn := range p.conns {
			_ = conn.Close()
		}
		p.mu.Unlock()
		p.served.Wait()
	})
	return p
}

func (p *Tunnel) Url() string { return p.scheme + "://" + p.Addr().String() }

func (p *Tunnel) serve(conn net.Conn) {
	p.mu.Lock()
	p.conns[conn] = true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.conns, conn)
		p.mu.Unlock()
		_ = conn.Close()
	}()
	address, passOn, err := p.greet(conn)
	if err != nil {
		return
	}
	to, err := net.Dial("tcp", strings.Replace(address, ProxiedHost, "127.0.0.1", 1))
	if p.reply != nil {
		p.reply(conn, err == nil)
	}
	if err != nil {
		return
	}
	defer func() { _ = to.Close() }()
	if _, err := io.WriteString(to, passOn); err != nil {
		return
	}
	back := make(chan struct{})
	go func() {
		defer close(back)
		readErr, _ := carry(conn, to)
		hangUp(conn, readErr)
	}()
	if _, writeErr := carry(to, conn); writeErr == nil {
		_ = to.Close() // else it takes no more, and may yet say why
	}
	<-back
}

// carry carries what one connection says to another, until one of them ends.
func carry(to, from net.Conn) (readErr, writeErr error) {
	block := make([]byte, 32<<10)
	for {
		n, err := from.Read(block)
		if _, writeErr = to.Write(block[:n]); err != nil || writeErr != nil {
			return err, writeErr
		}
	}
}

// hangUp ends one half of a tunnel as its other half has ended: with a reset, or in good order.
func hangUp(conn net.Conn, err error) {
	if metered, ok := conn.(*meteredConn); ok && errors.Is(err, syscall.ECONNRESET) {
		_ = metered.Conn.(*net.TCPConn).SetLinger(0)
	}
	_ = conn.Close()
}

// Towards is no protocol at all: whoever connects is connected to an upstream.
func Towards(u *Upstream) protocol {
	return protocol{greet: func(net.Conn) (string, string, error) { return u.Listener.Addr().String(), "", nil }}
}

// forwarding is an HTTP proxy for upstreams without TLS: it is sent requests for absolute addresses (RFC 9112, 3.2.2), and each
// client connection is for one upstream here. It passes them on as they came, which servers have to accept.
func forwarding() protocol {
	return protocol{scheme: "http", greet: func(conn net.Conn) (string, string, error) {
		head, err := readHead(conn)
		if err != nil {
			return "", "", err
		}
		asked, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head)))
		if err != nil || asked.URL.Scheme != "http" {
			return "", "", errors.New("no absolute address")
		}
		return asked.URL.Host, head, nil
	}, reply: func(conn net.Conn, reached bool) {
		if !reached {
			_, _ = io.WriteString(conn, "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 24\r\nConnection: close\r\n\r\n<h1>502 Bad Gateway</h1>")
		}
	}}
}

// Connecting is an HTTP proxy that makes tunnels (RFC 9110, 9.3.6).
func Connecting() protocol {
	return protocol{scheme: "http", greet: func(conn net.Conn) (string, string, error) {
		head, err := readHead(conn)
		if err != nil {
			return "", "", err
		}
		fields := strings.Fields(head)
		if len(fields) < 2 || fields[0] != http.MethodConnect {
			return "", "", errors.New("no CONNECT")
		}
		return fields[1], "", nil
	}, reply: func(conn net.Conn, reached bool) {
		answer := "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
		if reached {
			answer = "HTTP/1.1 200 Connection established\r\n\r\n"
		}
		_, _ = io.WriteString(conn, answer)
	}}
}

// RefusingCONNECT is an HTTP proxy that wants credentials.
func RefusingCONNECT() protocol {
	return protocol{scheme: "http", greet: func(conn net.Conn) (string, string, error) {
		if _, err := readHead(conn); err != nil {
			return "", "", err
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
		return "", "", errors.New("refused")
	}}
}

// readHead reads a request up to its blank line and no further.
func readHead(conn net.Conn) (string, error) {
	var head strings.Builder
	one := make([]byte, 1)
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		if _, err := io.ReadFull(conn, one); err != nil {
			return "", err
		}
		head.Write(one)
	}
	return head.String(), nil
}

// Socks5 is a SOCKS proxy without authentication, for IPv4 addresses and names (RFC 1928).
func Socks5() protocol {
	return protocol{scheme: "socks5", greet: greetSOCKS5, reply: func(conn net.Conn, reached bool) {
		code := byte(5) // connection refused
		if reached {
			code = 0
		}
		_, _ = conn.Write([]byte{5, code, 0, 1, 0, 0, 0, 0, 0, 0})
	}}
}

func greetSOCKS5(conn net.Conn) (string, string, error) {
	if err := helloSOCKS5(conn); err != nil {
		return "", "", err
	}
	request := make([]byte, 4)
	if _, err := io.ReadFull(conn, request); err != nil {
		return "", "", err
	}
	long := []byte{4}
	if request[3] == 3 { // a name
		if _, err := io.ReadFull(conn, long); err != nil {
			return "", "", err
		}
	}
	rest := make([]byte, int(long[0])+2)
	if _, err := io.ReadFull(conn, rest); err != nil {
		return "", "", err
	}
	port := fmt.Sprint(binary.BigEndian.Uint16(rest[long[0]:]))
	switch {
	case request[1] == 1 && request[3] == 1:
		return net.JoinHostPort(netip.AddrFrom4([4]byte(rest[:4])).String(), port), "", nil
	case request[1] == 1 && request[3] == 3:
		return net.JoinHostPort(string(rest[:long[0]]), port), "", nil
	}
	return "", "", errors.New("no CONNECT to an IPv4 address or a name")
}

// helloSOCKS5 agrees on no authentication.
func helloSOCKS5(conn net.Conn) error {
	hello := make([]byte, 2)
	if _, err := io.ReadFull(conn, hello); err != nil {
		return err
	}
	if _, err := io.ReadFull(conn, make([]byte, hello[1])); err != nil {
		return err
	}
	_, err := conn.Write([]byte{5, 0})
	return err
}

// RefusingSOCKS5 is a SOCKS proxy whose rules do not allow it.
func RefusingSOCKS5() protocol {
	return protocol{scheme: "socks5", greet: func(conn net.Conn) (string, string, error) {
		if _, _, err := greetSOCKS5(conn); err != nil {
			return "", "", err
		}
		_, _ = conn.Write([]byte{5, 2, 0, 1, 0, 0, 0, 0, 0, 0})
		return "", "", errors.New("refused")
	}}
}
