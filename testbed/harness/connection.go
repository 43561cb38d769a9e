package harness

import (
	"crypto/tls"
	"net"
	"net/http"
	"testing"
)

// RefusingAddress is one where nobody listens, and nobody else begins to: not a port that was given back a moment ago.
func RefusingAddress(*testing.T) string { return NobodysAddress }

// ResetTCP hangs up without a word, as a crashed process or a firewall does.
func ResetTCP(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	BreakTCP(conn)
}

func BreakTCP(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

func CloseWrite(conn net.Conn) {
	_ = conn.(interface{ CloseWrite() error }).CloseWrite()
}

// NobodysAddress refuses connections: a port that needs privileges is never given to a test's server, unlike one that was open
// a moment ago.
const NobodysAddress = "http://127.0.0.1:1"
