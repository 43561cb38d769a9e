package relay

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

func TestFramingIsSeenWhereverTheLinesAreCut(t *testing.T) {
	for text, want := range map[string]bool{
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n":              true,
		"POST / HTTP/1.1\ncontent-length:1\nHost: x\ntransfer-encoding:chunked\n\n":               true,
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nContent-Length: 1\r\n\r\n": false,
		"POST / HTTP/1.1\r\nX: Transfer-Encoding: a\r\nContent-Length: 1\r\n\r\n":                 false,
		"POST / HTTP/1.1\r\nTransfer-Encodings: a\r\nContent-Length: 1\r\n\r\n":                   false,
	} {
		for step := 1; step <= len(text); step++ {
			var f framing
			for rest := text; rest != ""; rest = rest[min(step, len(rest)):] {
				f.sees([]byte(rest[:min(step, len(rest))]))
			}
			require.Equal(t, want, f.found.Load()&foundAmbiguous != 0, "%q in pieces of %d", text, step)
		}
	}
}

// TestAConnectionFitsIntoItsSizeClass: an idle one holds little else, and there may be tens of thousands of them.
func TestAConnectionFitsIntoItsSizeClass(t *testing.T) {
	require.LessOrEqual(t, int(unsafe.Sizeof(clientConn{})), 256, "the allocator's next size is 288")
}

func TestAConnectionsFramingCostsNoMemory(t *testing.T) {
	var f framing
	body := []byte("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("x", 4096))
	require.Zero(t, testing.AllocsPerRun(100, func() { f.sees(body) }))
}
