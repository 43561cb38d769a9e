package relay

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// meter counts the connections that a listener has accepted.
type meter struct {
	net.Listener
	accepted, open atomic.Int64
}

func (m *meter) Accept() (net.Conn, error) {
	conn, err := m.Listener.Accept()
	if err != nil {
		return nil, err
	}
	m.accepted.Add(1)
	m.open.Add(1)
	return &meteredConn{Conn: conn, meter: m}, nil
}

type meteredConn struct {
	net.Conn
	meter *meter
	once  sync.Once
}

func (c *meteredConn) Close() error {
	c.once.Do(func() { c.meter.open.Add(-1) })
	return c.Conn.Close()
}

// tunnel is a proxy that connects a client to whom it names and carries bytes. It counts its clients.
type tunnel struct {
	meter
	scheme string
	greet  func(net.Conn) (address string, err error)
	served sync.WaitGroup
	mu     sync.Mutex
	conns  map[net.Conn]bool
}

func newTunnel(t *testing.T, scheme string, greet func(net.Conn) (address string, err error)) *tunnel {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &tunnel{scheme: scheme, greet: greet, conns: map[net.Conn]bool{}}
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

func (p *tunnel) url() string { return p.scheme + "://" + p.Addr().String() }

func (p *tunnel) serve(conn net.Conn) {
	p.mu.Lock()
	p.conns[conn] = true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.conns, conn)
		p.mu.Unlock()
		_ = conn.Close()
	}()
	address, err := p.greet(conn)
	if err != nil {
		return
	}
	to, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer func() { _ = to.Close() }()
	back := make(chan struct{})
	go func() {
		defer close(back)
		_, _ = io.Copy(conn, to)
		_ = conn.Close()
	}()
	_, _ = io.Copy(to, conn)
	_ = to.Close()
	<-back
}

// greetCONNECT is an HTTP proxy's (RFC 9110, 9.3.6).
func greetCONNECT(conn net.Conn) (string, error) {
	head, err := readHead(conn)
	if err != nil {
		return "", err
	}
	fields := strings.Fields(head)
	if len(fields) < 2 || fields[0] != http.MethodConnect {
		return "", errors.New("no CONNECT")
	}
	_, err = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
	return fields[1], err
}

// refusingCONNECT is an HTTP proxy that wants credentials.
func refusingCONNECT(conn net.Conn) (string, error) {
	if _, err := readHead(conn); err != nil {
		return "", err
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
	return "", errors.New("refused")
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

// greetSOCKS5 is a SOCKS proxy's, without authentication and for IPv4 addresses (RFC 1928).
func greetSOCKS5(conn net.Conn) (string, error) {
	hello := make([]byte, 2)
	if _, err := io.ReadFull(conn, hello); err != nil {
		return "", err
	}
	if _, err := io.ReadFull(conn, make([]byte, hello[1])); err != nil {
		return "", err
	}
	if _, err := conn.Write([]byte{5, 0}); err != nil {
		return "", err
	}
	request := make([]byte, 10)
	if _, err := io.ReadFull(conn, request); err != nil {
		return "", err
	}
	if request[1] != 1 || request[3] != 1 {
		return "", errors.New("no CONNECT to an IPv4 address")
	}
	_, err := conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	to := netip.AddrPortFrom(netip.AddrFrom4([4]byte(request[4:8])), binary.BigEndian.Uint16(request[8:]))
	return to.String(), err
}

// refusingSOCKS5 is a SOCKS proxy whose rules do not allow it.
func refusingSOCKS5(conn net.Conn) (string, error) {
	if _, err := io.ReadFull(conn, make([]byte, 3)); err != nil {
		return "", err
	}
	_, _ = conn.Write([]byte{5, 0})
	if _, err := io.ReadFull(conn, make([]byte, 10)); err != nil {
		return "", err
	}
	_, _ = conn.Write([]byte{5, 2, 0, 1, 0, 0, 0, 0, 0, 0})
	return "", errors.New("refused")
}
