package upstream

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/proxy"
)

// maxProxyHeader is how many bytes of a proxy's answer to CONNECT are read.
const maxProxyHeader = 16 << 10

// dialer makes a channel's connections, through its proxy if there is one that carries bytes (SOCKS5, or CONNECT for an
// upstream with TLS). All of it, up to the last word of the proxy, has to be done within one time. net/http, left to do it by
// itself, gives a proxy that says nothing a minute, or for ever, whatever has become of the call in the meantime.
type dialer struct {
	tcp   net.Dialer
	proxy *url.URL      // nil means none that carries bytes
	tls   *tls.Config   // for a proxy that is spoken to over TLS
	limit time.Duration // 0 if there is none
}

// dial connects to an upstream, which address names as host and port.
func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if d.proxy == nil {
		return d.tcp.DialContext(ctx, network, address)
	}
	deadline := time.Time{}
	if d.limit > 0 {
		deadline = time.Now().Add(d.limit)
	}
	conn, err := d.toProxy(ctx, deadline)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	through := conn
	switch d.proxy.Scheme {
	case "socks5", "socks5h":
		err = d.throughSOCKS(conn, network, address)
	default:
		through, err = d.throughCONNECT(conn, address)
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if !stop() {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return through, nil
}

// toProxy connects to the proxy itself. The connection ends by itself at the deadline.
func (d *dialer) toProxy(ctx context.Context, deadline time.Time) (net.Conn, error) {
	port := d.proxy.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[d.proxy.Scheme]
	}
	if port == "" {
		port = "1080"
	}
	conn, err := d.tcp.DialContext(ctx, "tcp", net.JoinHostPort(d.proxy.Hostname(), port))
	if err != nil {
		return nil, fmt.Errorf("connecting to the proxy: %w", err)
	}
	if err := conn.SetDeadline(deadline); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// proxied is a connection to a proxy, as what golang.org/x/net/proxy dials with. It gets no context: the connection's deadline
// bounds what it does, and no goroutine has to watch over it.
type proxied struct{ net.Conn }

func (p proxied) Dial(string, string) (net.Conn, error) { return p.Conn, nil }

func (d *dialer) throughSOCKS(conn net.Conn, network, address string) error {
	var auth *proxy.Auth
	if user := d.proxy.User; user != nil {
		password, _ := user.Password()
		auth = &proxy.Auth{User: user.Username(), Password: password}
	}
	speaks, err := proxy.SOCKS5("tcp", d.proxy.Host, auth, proxied{conn})
	if err != nil {
		return err
	}
	if _, err := speaks.Dial(network, address); err != nil { // what it returns is conn
		return fmt.Errorf("the proxy: %w", err)
	}
	return nil
}

func (d *dialer) throughCONNECT(conn net.Conn, address string) (net.Conn, error) {
	if d.proxy.Scheme == "https" {
		secure := d.tls.Clone()
		secure.ServerName, secure.NextProtos = d.proxy.Hostname(), nil
		over := tls.Client(conn, secure)
		if err := over.Handshake(); err != nil { // the connection's deadline bounds it
			return nil, fmt.Errorf("the proxy: %w", err)
		}
		conn = over
	}
	return conn, d.connect(conn, address)
}

// connect asks an HTTP proxy for a tunnel (RFC 9110, section 9.3.6).
func (d *dialer) connect(conn net.Conn, address string) error {
	request := "CONNECT " + address + " HTTP/1.1\r\nHost: " + address + "\r\nUser-Agent: " + UserAgent[0] + "\r\n"
	if shown := credentials(d.proxy); shown != "" {
		request += "Proxy-Authorization: " + shown + "\r\n"
	}
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		return fmt.Errorf("the proxy: %w", err)
	}
	reader := bufio.NewReader(io.LimitReader(conn, maxProxyHeader))
	header := textproto.NewReader(reader)
	line, err := header.ReadLine()
	if err == nil {
		_, err = header.ReadMIMEHeader()
	}
	version, status, _ := strings.Cut(line, " ")
	status, _, _ = strings.Cut(status, " ")
	switch {
	case err != nil:
		return fmt.Errorf("the proxy's answer: %w", err)
	case !strings.HasPrefix(version, "HTTP/1.") || len(status) != 3:
		return errors.New("the proxy does not speak HTTP")
	case status[0] != '2':
		code, _ := strconv.Atoi(status)
		return errors.New("the proxy refuses the tunnel: " + status + " " + http.StatusText(code))
	case reader.Buffered() > 0:
		return errors.New("the proxy sends something before it is asked")
	}
	return nil
}

// hungUp reports whether a write failed because the other end is no longer there.
func hungUp(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}
