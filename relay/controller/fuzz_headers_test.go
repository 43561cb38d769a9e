package controller_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http/httpguts"

	"one-api/relay"
	"one-api/relay/config"
	"one-api/relay/outcome"
)

// FuzzHeaders sends a client's headers, as lines in any spelling, through a relay on a socket to upstreams that answer with
// headers of their own: what is a client's stays with the relay, and so does what is an upstream's, whatever they are called.
func FuzzHeaders(f *testing.F) {
	browser := "Cookie: session=of-the-client\nOrigin: https://app.example.com\nReferer: https://app.example.com/?key=of-the-client\nUser-Agent: Mozilla/5.0\n" +
		"X-Forwarded-For: 203.0.113.9\nX-Real-Ip: 203.0.113.9\nSec-Fetch-Mode: cors"
	sdk := "x-stainless-lang: js\nOpenAI-Organization: org-client\nOpenAI-Project: proj\nOpenAI-Beta: assistants=v2\nanthropic-version: 2023-01-01\n" +
		"anthropic-beta: context-1m-2025-08-07\nANTHROPIC-BETA: files-api-2025-04-14\nIdempotency-Key: once\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	hops := "Connection: keep-alive, X-Hop, Authorization, x-api-key\nX-Hop: of-the-client\nKeep-Alive: timeout=5\nTE: trailers\nTrailer: X-T\n" +
		"Proxy-Authorization: Basic b2YtdGhlLWNsaWVudA==\nProxy-Connection: keep-alive\nUpgrade: websocket"
	odd := "aUTHORIZATION: Bearer sk-second\nX-API-KEY: sk-second\nApi-Key: sk-second\nX-Goog-Api-Key: sk-second\ncookie: a=b\nX_Api_Key: sk-second\n" +
		"X-Request-Id: my-id-42\nbaggage: a=b\nX-Tab: \ta\tb \nX-Empty:\nX-Latin: \xe9"
	openAI := "openai-organization: org-of-the-operator\nopenai-processing-ms: 12\nx-ratelimit-remaining-tokens: 1\nx-request-id: req_of_the_upstream\nCF-RAY: 1\nServer: cloudflare\n" +
		"set-cookie: __cf_bm=of-the-upstream; path=/\nalt-svc: h3=\":443\"\nStrict-Transport-Security: max-age=1\nAccess-Control-Expose-Headers: X-Request-ID"
	anthropic := "anthropic-organization-id: id-of-the-operator\nrequest-id: req_of_the_upstream\nanthropic-ratelimit-requests-limit: 4000\nretry-after: 3\nX-Oneapi-Request-Id: req_of_the_upstream\n" +
		"X-Accel-Buffering: yes\nCache-Control: public, max-age=99\nVia: 1.1 google\nContent-Type: text/html\nConnection: X-Hop, Content-Type\nX-Hop: 1\nLocation: https://evil.example.com/"
	for i, client := range []string{"", browser, sdk, hops, odd} {
		for j, upstream := range []string{"", openAI, anthropic} {
			f.Add(client, upstream, uint8(i*3+j))
			f.Add(client, upstream, uint8(i+j*16))
		}
	}
	h := newHeaderRig(f)
	f.Fuzz(func(t *testing.T, client, upstream string, how uint8) {
		h.try(t, headerLines(client), headerLines(upstream), how)
	})
}

// headerRig is a relay with one upstream of each format, whose answers have whatever headers are wanted.
type headerRig struct {
	address string
	wanted  atomic.Pointer[wantedAnswer]
	got     chan http.Header // of the request that reached an upstream
}

type wantedAnswer struct {
	lines  [][2]string
	status int
	format string
	stream bool
}

const (
	rigKey          = "sk-test-0123456789abcdef"
	rigOpenAIKey    = "sk-up-openai"
	rigAnthropicKey = "sk-up-anthropic"
	rigCookie       = "cookie-that-nobody-else-may-see"
)

func newHeaderRig(f *testing.F) *headerRig {
	h := &headerRig{got: make(chan http.Header, 1)}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		h.got <- r.Header
		h.wanted.Load().write(w)
	}))
	f.Cleanup(upstream.Close)
	var yaml strings.Builder
	yaml.WriteString("tokens: [{name: test, key: " + rigKey + "}]\nchannels:\n")
	for _, c := range [][3]string{{"openai", "gpt", rigOpenAIKey}, {"anthropic", "claude", rigAnthropicKey}} {
		fmt.Fprintf(&yaml, "  - {name: %s, type: %s, base_url: %q, keys: [%s], models: [%s]}\n", c[0], c[0], upstream.URL, c[2], c[1])
	}
	file := filepath.Join(f.TempDir(), "channels.yaml")
	require.NoError(f, os.WriteFile(file, []byte(yaml.String()), 0o600))
	env := map[string]string{"PORT": "0", "RETRY_TIMES": "0"}
	options := config.Source{File: file, Providers: relay.ConfigProviders(), Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
	settings, err := config.LoadSettings(options)
	require.NoError(f, err)
	settings.GinMode = "test"
	cfg, err := config.Load(options, settings)
	require.NoError(f, err)
	server, err := relay.New(relay.ServerOptions{Settings: settings, Config: cfg, Version: "v0.0.0-test", Log: slog.New(slog.DiscardHandler)})
	require.NoError(f, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(f, err)
	h.address = listener.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener) }()
	f.Cleanup(func() {
		stop()
		<-ended
	})
	return h
}

// write answers in the channel's format. A map takes names as they are spelled.
func (a *wantedAnswer) write(w http.ResponseWriter) {
	content := "application/json"
	if a.stream {
		content = "text/event-stream"
	}
	w.Header()["content-type"] = []string{content} // so that another spelling is another header
	for _, line := range a.lines {
		w.Header()[line[0]] = append(w.Header()[line[0]], line[1])
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, headerAnswers[a.format][a.stream && a.status == http.StatusOK])
}

var headerAnswers = map[string]map[bool]string{
	"gpt": {
		false: `{"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}`,
		true: `data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Hi"},"finish_reason":null}]}` + "\n\n" +
			`data: {"id":"c","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\ndata: [DONE]\n\n",
	},
	"claude": {
		false: `{"id":"c","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}`,
		true: "event: message_start\ndata: " + `{"type":"message_start","message":{"id":"c","type":"message","role":"assistant","model":"m","content":[],"usage":{"input_tokens":1,"output_tokens":1}}}` + "\n\n" +
			"event: message_delta\ndata: " + `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}` + "\n\n" +
			"event: message_stop\ndata: " + `{"type":"message_stop"}` + "\n\n",
	},
}

// try makes one call. how chooses the endpoint, the channel, whether to stream, the upstream's status, and whether lines are
// sent that are no headers.
func (h *headerRig) try(t *testing.T, client, upstream [][2]string, how uint8) {
	path, format := []string{"/v1/chat/completions", "/v1/messages"}[how&1], []string{"gpt", "claude"}[how>>1&1]
	wanted := &wantedAnswer{upstream, []int{200, 200, 200, 400}[how>>4&3], format, how>>2&1 == 1}
	if how>>6 != 3 {
		client = slices.DeleteFunc(client, func(line [2]string) bool {
			return !httpguts.ValidHeaderFieldName(line[0]) || !httpguts.ValidHeaderFieldValue(line[1])
		})
	}
	h.wanted.Store(wanted)
	response := h.ask(t, path, fmt.Sprintf(`{"model":%q,"max_tokens":9,"stream":%t,"messages":[{"role":"user","content":"Hi"}]}`, format, wanted.stream), client)
	select {
	case header := <-h.got:
		requirePassedOn(t, header, client, format)
	default:
		// A request of valid headers is understood, and this one's key, model and body are in order.
		require.Equal(t, uint8(3), how>>6, "%d: nothing reached the upstream", response.StatusCode)
	}
	requireAnswered(t, response, client, upstream)
}

// ask writes the request itself, since net/http's client would tidy it up.
func (h *headerRig) ask(t *testing.T, path, body string, lines [][2]string) *http.Response {
	conn, err := net.Dial("tcp", h.address)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_ = conn.(*net.TCPConn).SetLinger(0) // a fuzzer would run out of ports
	require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	var b strings.Builder
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer %s\r\nX-Api-Key: %s\r\nCookie: id=%s\r\n", path, rigKey, rigKey, rigCookie)
	for _, line := range lines {
		fmt.Fprintf(&b, "%s: %s\r\n", line[0], line[1])
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	_, err = io.WriteString(conn, b.String())
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err, "%q", b.String())
	_, err = io.Copy(io.Discard, response.Body)
	require.NoError(t, err)
	_ = response.Body.Close()
	return response
}

// requirePassedOn checks what reached an upstream.
func requirePassedOn(t *testing.T, got http.Header, client [][2]string, format string) {
	t.Helper()
	credentials := map[string]string{"Authorization": "Bearer " + rigOpenAIKey}
	if format == "claude" {
		credentials = map[string]string{"X-Api-Key": rigAnthropicKey}
	}
	for name, values := range got {
		for _, value := range values {
			require.NotContains(t, value, rigKey, name)
			require.NotContains(t, value, rigCookie, name)
			switch name {
			case "Authorization", "X-Api-Key":
				require.Equal(t, credentials[name], value, name)
			case "Anthropic-Beta", "Anthropic-Version", "Openai-Beta":
				require.True(t, value == "2023-06-01" || sent(client, name, value), "%s: %q", name, value)
			case "Content-Type":
				require.Equal(t, "application/json", value)
			case "Accept":
				require.Contains(t, []string{"application/json", "text/event-stream"}, value)
			case "Accept-Encoding":
				require.Equal(t, "identity", value)
			case "User-Agent":
				require.Equal(t, "one-api", value)
			case "Content-Length":
			default:
				t.Fatalf("%s: %q", name, values)
			}
		}
	}
}

func sent(lines [][2]string, name, value string) bool {
	return slices.ContainsFunc(lines, func(line [2]string) bool {
		return strings.EqualFold(line[0], name) && strings.Trim(line[1], " \t") == value
	})
}

// requireAnswered checks what reached the client: only what the relay says itself, and what its upstream says of limits.
func requireAnswered(t *testing.T, response *http.Response, client, upstream [][2]string) {
	t.Helper()
	id := response.Header.Get("X-Oneapi-Request-Id")
	for name, values := range response.Header {
		require.Len(t, values, 1, name)
		value := values[0]
		switch name {
		case "X-Oneapi-Request-Id", "X-Request-Id", "Request-Id":
			require.Len(t, id, 32)
			require.True(t, value == id || name == "X-Request-Id" && sent(client, name, value), "%s: %q", name, value)
		case "Content-Type":
			require.Contains(t, []string{"application/json", "text/event-stream", "text/plain; charset=utf-8"}, value)
		case "Content-Length", "Retry-After":
			_, err := strconv.ParseUint(value, 10, 32)
			require.NoError(t, err, name)
		case "Cache-Control":
			require.Equal(t, "no-cache", value)
		case "X-Accel-Buffering":
			require.Equal(t, "no", value)
		case "Access-Control-Allow-Origin":
			require.Equal(t, "*", value)
		case "Access-Control-Expose-Headers":
			require.True(t, strings.HasPrefix(value, "X-Oneapi-Request-Id, X-Request-Id, Request-Id, Retry-After, Allow, X-Oneapi-Fallback"), value)
		case "Connection":
			require.Equal(t, "close", value)
		case "Date":
		case "X-Ratelimit-Remaining-Tokens", "Anthropic-Ratelimit-Requests-Limit": // the upstream's, of a good answer too
		default:
			require.NotEmpty(t, outcome.ForClients(http.Header{name: values}), "%s: %q", name, value)
			require.True(t, sent(upstream, name, value), "%s: %q", name, value)
		}
	}
}

// headerLines are the header lines in a text, without those that say where a message ends: a test of those would wait for
// the rest.
func headerLines(text string) (lines [][2]string) {
	for line := range strings.SplitSeq(text, "\n") {
		name, value, _ := strings.Cut(strings.ReplaceAll(line, "\r", ""), ":")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "content-length", "transfer-encoding", "content-encoding", "expect", "host", "trailer":
			continue
		}
		if name != "" && len(lines) < 30 && len(line) < 1<<10 {
			lines = append(lines, [2]string{name, strings.TrimLeft(value, " ")})
		}
	}
	return lines
}
