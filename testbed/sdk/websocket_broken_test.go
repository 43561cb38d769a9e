package sdk

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

// What a network does to a websocket no library does: connections that are reset, or end, within a frame, and within its very header.

// part is the beginning of a frame, masked as a client's, of which more was promised than is there.
func part(opcode byte, promised int, payload string) string {
	header := []byte{opcode, 0x80 | 126, 0, 0, 0, 0, 0, 0} // the mask changes nothing
	binary.BigEndian.PutUint16(header[2:], uint16(promised))
	return string(header) + payload
}

const (
	finalText = 0x81
	firstText = 0x01 // of a message that goes on
	audioPart = `{"type":"input_audio_buffer.append","audio":"QUJD`
)

// brokenMessages are the moments at which a client breaks off.
var brokenMessages = map[string]string{
	"within a frame":                     part(finalText, 4096, audioPart),
	"within the header of a frame":       part(finalText, 4096, "")[:3],
	"between the frames of a message":    part(firstText, len(audioPart), audioPart),
	"within the second frame of several": part(firstText, len(audioPart), audioPart) + part(0x00, 4096, audioPart),
	"within a ping":                      string([]byte{0x89, 0x80 | 100, 0, 0, 0, 0}) + "ping",
}

// byHand opens a websocket without a library.
func byHand(r *harness.Relay, path string) *net.TCPConn {
	r.T.Helper()
	conn := r.Dial()
	require.NoError(r.T, conn.SetDeadline(time.Now().Add(harness.Patience)))
	_, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", path, harness.Key)
	require.NoError(r.T, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(r.T, err)
	require.Equal(r.T, http.StatusSwitchingProtocols, response.StatusCode)
	return conn
}

var breaks = map[string]func(*net.TCPConn){
	"is reset": func(conn *net.TCPConn) { harness.BreakTCP(conn) },
	"ends":     func(conn *net.TCPConn) { _ = conn.Close() },
}

// TestAClientThatBreaksOffWithinAMessageEndsItsSession and nothing of the half that came is passed on as a message, nor does anything stay.
func TestAClientThatBreaksOffWithinAMessageEndsItsSession(t *testing.T) {
	for when, sends := range brokenMessages {
		for how, breaksOff := range breaks {
			t.Run(when+", "+how, func(t *testing.T) {
				t.Parallel()
				whole := make(chan string, 4)
				server := &standin.Realtime{Serve: func(ctx context.Context, conn *websocket.Conn) {
					for {
						_, message, err := conn.Read(ctx)
						if err != nil {
							return
						}
						whole <- string(message)
					}
				}}
				r, u := conversing(t, server)
				conn := byHand(r, "/v1/realtime?model=m")
				_, err := conn.Write([]byte(sends))
				require.NoError(t, err)
				r.Eventually("the session is open", func() bool { return r.Server.Pool().InFlight() == 1 })
				breaksOff(conn)
				require.Equal(t, []string{"client_gone"}, r.Outcomes(1))
				r.RequireQuiet(harness.AmongOthers, u)
				require.Empty(t, whole)
			})
		}
	}
}

// TestAClientThatBreaksOffWithinAMessageEndsItsWebsocket of the Responses API, while a call is answered on it or none is.
func TestAClientThatBreaksOffWithinAMessageEndsItsWebsocket(t *testing.T) {
	for when, sends := range brokenMessages {
		for how, breaksOff := range breaks {
			for _, calls := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s, %s, in a call %v", when, how, calls), func(t *testing.T) {
					t.Parallel()
					asked := make(chan struct{})
					u := harness.NewUpstream(t, false, func(_ http.ResponseWriter, r *http.Request) {
						close(asked)
						<-r.Context().Done()
					})
					r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
					conn := byHand(r, "/v1/responses")
					if calls {
						message := create + strings.Repeat(" ", 128) // a frame of that form has more than 125 bytes
						_, err := conn.Write([]byte(part(finalText, len(message), message)))
						require.NoError(t, err)
						<-asked
					}
					_, err := conn.Write([]byte(sends))
					require.NoError(t, err)
					breaksOff(conn)
					if calls {
						require.Equal(t, []string{"client_gone"}, r.Outcomes(1))
					}
					requireNoSockets(r)
					r.RequireQuiet(harness.AmongOthers, u)
				})
			}
		}
	}
}

// TestAnUpstreamThatIsResetWithinAFrameEndsTheSession with an error that the client can read.
func TestAnUpstreamThatIsResetWithinAFrameEndsTheSession(t *testing.T) {
	server := &standin.Realtime{}
	at := make(chan net.Conn, 1)
	u := harness.StartUpstream(t, server.ServeHTTP, func(u *harness.Upstream) {
		u.Config.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
			select {
			case at <- conn:
			default:
			}
			return ctx
		}
		u.Start()
	})
	server.Model = realtimeModel
	server.Serve = func(context.Context, *websocket.Conn) {
		conn := <-at
		_, _ = conn.Write(append([]byte{0x81, 126, 0x10, 0x00}, `{"type":"response.output_audio.delta","delta":"QUJD`...))
		harness.BreakTCP(conn)
	}
	r := harness.StartRelay(t, realtimeChannels(u.URL, ""))
	client := connects(r, t, "/v1/realtime?model=m")
	require.Equal(t, websocket.StatusInternalError, client.closed())
	require.Equal(t, []string{"upstream_reset"}, r.Outcomes(1))
	r.RequireQuiet(harness.AmongOthers, u)
}
