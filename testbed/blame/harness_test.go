package blame

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// The tests of blame play answers of upstreams, byte for byte, to the assembled relay, and look at what becomes of the keys and of
// the channel: what a client can bring about must cost nobody else, and what is the operator's must be held against the key.

// player is an upstream that answers every POST with the same bytes, or with what a test says, and every GET with its own.
type player struct {
	URL   string
	posts atomic.Int64
	lists atomic.Int64 // GETs

	mu     sync.Mutex
	answer func(r *http.Request, body string) string
	list   string
	used   map[string]int // how often each key was, by POSTs
}

// goodList is a list of models, as they answer that need no key.
const goodList = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + `{"object":"list","data":[]}`

func plays(t *testing.T, answer string) *player {
	t.Helper()
	return playsBy(t, func(*http.Request, string) string { return answer })
}

func playsBy(t *testing.T, answer func(r *http.Request, body string) string) *player {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &player{URL: "http://" + listener.Addr().String(), answer: answer, list: goodList, used: map[string]int{}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { p.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		all.Wait()
	})
	return p
}

// serve answers one request, and closes.
func (p *player) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	p.mu.Lock()
	answer, list := p.answer, p.list
	if r.Method == http.MethodPost {
		p.used[strings.TrimPrefix(r.Header.Get("Authorization")+r.Header.Get("X-Api-Key"), "Bearer ")]++
	}
	p.mu.Unlock()
	if r.Method == http.MethodGet {
		p.lists.Add(1)
		_, _ = io.WriteString(conn, list)
		return
	}
	p.posts.Add(1)
	_, _ = io.WriteString(conn, answer(r, string(body)))
}

func (p *player) keysUsed() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.used)
}

// raw is an answer with a JSON body.
func raw(status int, body string, headers ...string) string {
	return rawOf(status, "application/json", body, headers...)
}

func rawOf(status int, kind, body string, headers ...string) string {
	text := fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: %s\r\nConnection: close\r\n", status, http.StatusText(status), kind)
	for _, h := range headers {
		text += h + "\r\n"
	}
	return text + "\r\n" + body
}

func rawGood() string { return raw(200, harness.Voice{}.Whole("well")) }

const (
	secondKey   = "sk-test-second-0123456789"
	blamedKeys  = "sk-up-aaaa1111bbbb, sk-up-cccc2222dddd, sk-up-eeee3333ffff"
	blameTokens = "tokens:\n  - {name: test, key: " + harness.Key + "}\n  - {name: second, key: " + secondKey + "}\n"
)

// blamed is a relay whose first channel is played, with three keys, and behind it perhaps one that is well.
type blamed struct {
	*harness.Relay
	primary, behind *player
}

func blames(t *testing.T, kind string, primary *player, behind bool, options ...harness.RelayOption) *blamed {
	t.Helper()
	b := &blamed{primary: primary}
	yaml := fmt.Sprintf("channels:\n  - {name: primary, type: %s, base_url: %q, keys: [%s], models: ['*'], priority: 1}\n", kind, primary.URL+"/v1", blamedKeys)
	if behind {
		b.behind = plays(t, rawGood())
		yaml += fmt.Sprintf("  - {name: behind, type: openai, base_url: %q, keys: [sk-up-behind-1], models: ['*']}\n", b.behind.URL+"/v1")
	}
	b.Relay = harness.StartRelay(t, yaml+blameTokens, options...)
	return b
}

// says makes a call with one of the keys of clients.
func (b *blamed) says(key, body string) (status int, text string, header http.Header) {
	b.T.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, b.URL+"/v1/chat/completions", strings.NewReader(body))
	require.NoError(b.T, err)
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	response, err := b.Client.Do(request)
	require.NoError(b.T, err)
	defer func() { _ = response.Body.Close() }()
	all, err := io.ReadAll(response.Body)
	require.NoError(b.T, err)
	return response.StatusCode, string(all), response.Header
}

const plainCall = `{"model":"m","messages":[{"role":"user","content":"hi"}]}`

// settled waits until every call and question has ended and been recorded.
func (b *blamed) settled() {
	b.T.Helper()
	b.Eventually("calls in flight", func() bool { return b.Server.Pool().InFlight() == 0 && b.Server.Active() == 0 })
}

// channel is what the monitor says of one.
func (b *blamed) channel(name string) map[string]any {
	b.T.Helper()
	b.settled()
	status, answer := b.Get("/api/monitor/channels/" + name)
	require.Equal(b.T, http.StatusOK, status)
	return answer
}

// keys is how many of the first channel's are in use, limited, refused.
func (b *blamed) keys() string {
	b.T.Helper()
	keys := b.channel("primary")["keys"].(map[string]any)
	var all []string
	for _, state := range []string{"usable", "cooling", "refused"} {
		all = append(all, strconv.Itoa(int(keys[state].(float64))))
	}
	return strings.Join(all, " ")
}
