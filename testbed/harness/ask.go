package harness

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"fmt"
	"net"
	"strings"

	"github.com/stretchr/testify/require"
)

// RawRequest is a request as it goes over the wire.
func RawRequest(path, body, fields string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer %s\r\n%sContent-Length: %d\r\n\r\n%s", path, Key, fields, len(body), body)
}

// Dial is a client without a library.
func (r *Relay) Dial() *net.TCPConn {
	r.T.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.URL, "http://"))
	require.NoError(r.T, err)
	r.T.Cleanup(func() { _ = conn.Close() })
	return conn.(*net.TCPConn)
}

// Strangers opens n connections and sends the same on each.
func (r *Relay) Strangers(n int, sends string) []net.Conn {
	r.T.Helper()
	conns := make([]net.Conn, n)
	for i := range conns {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.URL, "http://"))
		require.NoError(r.T, err)
		r.T.Cleanup(func() { _ = conn.Close() })
		require.NoError(r.T, conn.SetDeadline(time.Now().Add(Patience)))
		_, err = io.WriteString(conn, sends)
		require.NoError(r.T, err)
		conns[i] = conn
	}
	return conns
}

// OpenConnections is the sum of http.client.open_connections.
func (r *Relay) OpenConnections() (n int64) {
	for _, c := range r.Server.Gauges().Channels {
		n += c.Active + c.Idle
	}
	return n
}

// List asks for the models with some headers, and gives their ids.
func (r *Relay) List(headers ...string) (ids []string, answer map[string]any) {
	r.T.Helper()
	status, answer := r.Models("/v1/models", headers...)
	require.Equal(r.T, 200, status, answer)
	for _, m := range answer["data"].([]any) {
		ids = append(ids, m.(map[string]any)["id"].(string))
	}
	return ids, answer
}

func (r *Relay) Models(path string, headers ...string) (status int, answer map[string]any) {
	r.T.Helper()
	request, err := http.NewRequest(http.MethodGet, r.URL+path, nil)
	require.NoError(r.T, err)
	request.Header.Set("Authorization", "Bearer "+Key)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := r.Client.Do(request)
	require.NoError(r.T, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(r.T, err)
	require.NoError(r.T, json.Unmarshal(body, &answer), string(body))
	return response.StatusCode, answer
}

func ReadAll(t *testing.T, response *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(body)
}
