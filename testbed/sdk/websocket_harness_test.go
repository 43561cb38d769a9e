package sdk

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// wsClient is a program at the other end of a websocket, which knows the protocol and nothing of the API.
type wsClient struct {
	t    *testing.T
	conn *websocket.Conn
}

// dials asks for a websocket, with the key of the tests unless the header has an Authorization of its own.
func dials(r *harness.Relay, path string, header http.Header, protocols ...string) (*websocket.Conn, *http.Response, error) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	if header = header.Clone(); header == nil {
		header = http.Header{}
	}
	if header.Get("Authorization") == "" {
		header.Set("Authorization", "Bearer "+harness.Key)
	}
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	return websocket.Dial(ctx, r.URL+path, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}, HTTPHeader: header, Subprotocols: protocols})
}

// connects opens a websocket, which the end of the test closes.
func connects(r *harness.Relay, t *testing.T, path string) *wsClient {
	t.Helper()
	conn, _, err := dials(r, path, nil)
	require.NoError(t, err)
	conn.SetReadLimit(-1)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &wsClient{t, conn}
}

func (c *wsClient) says(message string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	require.NoError(c.t, c.conn.Write(ctx, websocket.MessageText, []byte(message)))
}

// hears waits for the next event.
func (c *wsClient) hears() map[string]any {
	c.t.Helper()
	event, err := c.reads()
	require.NoError(c.t, err)
	return event
}

func (c *wsClient) reads() (map[string]any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	kind, message, err := c.conn.Read(ctx)
	if err != nil {
		return nil, err
	}
	require.Equal(c.t, websocket.MessageText, kind)
	var event map[string]any
	require.NoError(c.t, json.Unmarshal(message, &event), string(message))
	return event, nil
}

// until hears events up to the first one of a type, which it returns last.
func (c *wsClient) until(kinds ...string) (events []map[string]any) {
	c.t.Helper()
	for {
		event := c.hears()
		events = append(events, event)
		for _, kind := range kinds {
			if event["type"] == kind {
				return events
			}
		}
	}
}

// closed is the code with which the other side closes.
func (c *wsClient) closed() websocket.StatusCode {
	c.t.Helper()
	for {
		if _, err := c.reads(); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

func last(events []map[string]any) map[string]any { return events[len(events)-1] }

// at is a value within an event, by the names that lead there.
func at(event map[string]any, names ...string) any {
	var v any = event
	for _, name := range names {
		in, _ := v.(map[string]any)
		v = in[name]
	}
	return v
}

// requireNoSockets waits until no websocket is open any more.
func requireNoSockets(r *harness.Relay) {
	r.T.Helper()
	r.Eventually("websockets that are open", func() bool { return r.Server.Sockets() == 0 })
}
