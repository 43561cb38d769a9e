package main

import (
	"bufio"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// F15: what strangers write never becomes a line of the log, nor anything that a terminal acts upon.

const forged = "2026-01-01 00:00:00 ERR forged request_id=admin outcome=completed"

// hostileTexts are what a stranger may put where a text is expected. None has a quote or a backslash: they are put into JSON
// by hand, as bytes that no encoder would write.
var hostileTexts = map[string]string{
	"line breaks":       "a\n" + forged + "\n\r\n" + forged,
	"terminal escapes":  "\x1b[2J\x1b[1;1H\x1b]0;owned\x07\x1b[31mred\x1b[0m\u009b2J",
	"line separators":   "a\u2028" + forged + "\u2029" + forged + "\u0085" + forged,
	"backwards":         "a\u202e" + forged + "\u2066\u200b\ufeff",
	"not UTF-8":         "a\xff\xfe\xc3\x28\xed\xa0\x80" + forged,
	"control bytes":     "a\x00\x01\x07\x08\x0b\x0c\x7f" + forged,
	"another field":     "a outcome=completed status=200 token=admin",
	"a megabyte":        strings.Repeat("m", 1<<20),
	"a megabyte, lines": strings.Repeat("m\n", 1<<19),
}

// escaped is a text as JSON may spell it, so that the relay decodes it to what it is.
func escaped(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r < ' ' || r == 0x7f || r > 0x7e && r < 0x10000 {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// raw sends a request as it stands and gives the answer's status and its request id; 0 if there was no answer.
func raw(t *testing.T, address, request string) (status int, id string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.SetDeadline(time.Now().Add(2*time.Minute)))
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.WriteString(conn, request) // the relay may hang up before it has all of it
	}()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil {
		_, _ = io.Copy(io.Discard, response.Body)
		status, id = response.StatusCode, response.Header.Get("X-Oneapi-Request-Id")
		_ = response.Body.Close()
	}
	_ = conn.Close()
	<-sent
	return status, id
}

func TestNobodyForgesALineOfTheLog(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		of := ""
		for name := range hostileTexts {
			if strings.Contains(string(body), `"says":"`+name+`"`) {
				of = hostileTexts[name]
			}
		}
		if strings.Contains(string(body), `"stream":true`) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: {\"error\":{\"message\":\""+escaped(of)+"\",\"type\":\""+escaped(of)+"\",\"code\":\""+escaped(of)+"\"}}\n\n")
			return
		}
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, `{"error":{"message":"`+escaped(of)+`","type":"`+escaped(of)+`","code":"`+escaped(of)+`"}}`)
	}))
	defer upstream.Close()
	file := filepath.Join(t.TempDir(), "channels.yaml")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, `
channels:
  - {name: a, type: openai, base_url: %q, keys: [sk-up-a], models: ["*"]}
  - {name: b, type: anthropic, base_url: %q, keys: [sk-up-b], models: ["*"]}
tokens:
  - {name: test, key: sk-test-0123456789abcdef}
`, upstream.URL, upstream.URL), 0o600))
	p := start(t, map[string]string{"PORT": "0", "DEBUG": "true", "CONFIG_FILE": file, "RETRY_TIMES": "1"})
	address := p.finds(t, `One API v\S+ started\W+address=(http://localhost:\d+)`)
	const key = "Authorization: Bearer sk-test-0123456789abcdef\r\n"
	post := func(path, headers, body string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: relay\r\n" + key + headers + "Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
	}
	relayed := map[string]int{} // request id -> status
	note := func(request string) {
		status, id := raw(t, address, request)
		if status != 0 && status != http.StatusRequestHeaderFieldsTooLarge && status != http.StatusNotFound && id != "" {
			relayed[id] = status
		}
	}
	others := 0
	for name, text := range hostileTexts {
		for _, stream := range []string{"false", "true"} {
			for _, path := range []string{"/v1/chat/completions", "/v1/messages"} {
				note(post(path, "", `{"model":"m","says":"`+name+`","max_tokens":1,"messages":[{"role":"user","content":"hi"}],"stream":`+stream+`}`)) // the upstream's words
			}
		}
		for _, spelled := range []string{text, escaped(text)} {
			note(post("/v1/chat/completions", "", `{"model":"`+spelled+`","messages":[]}`))
			note(post("/v1/chat/completions", "", `{"model":"`+spelled[:min(len(spelled), 500)]+`","messages":[]}`))
			note(post("/v1/chat/completions", "", spelled))
		}
		for _, header := range []string{"X-Request-Id", "Traceparent", "User-Agent", "Content-Encoding", "Content-Type", "X-Forwarded-For"} {
			note(post("/v1/chat/completions", header+": "+text+"\r\n", `{"model":"m","messages":[]}`))
		}
		for _, request := range []string{
			"GET /" + text + " HTTP/1.1\r\nHost: relay\r\n\r\n", "GET /?" + text + " HTTP/1.1\r\nHost: relay\r\n\r\n", text + " / HTTP/1.1\r\nHost: relay\r\n\r\n",
			"GET / HTTP/" + text + "\r\n\r\n", "GET / HTTP/1.1\r\nHost: " + text + "\r\n\r\n", text + "\r\n\r\n",
		} {
			others++
			raw(t, address, request)
		}
	}
	require.Greater(t, len(relayed), 100)
	stdlog.Printf("a library logs what it was sent: %s", hostileTexts["line breaks"]+hostileTexts["terminal escapes"])

	last := ""
	require.Eventually(t, func() bool {
		last = p.stdout.String()
		return strings.Count(last, "request ended") >= len(relayed)
	}, 2*time.Minute, 10*time.Millisecond, "%d of %d", strings.Count(last, "request ended"), len(relayed))
	p.signals <- syscall.SIGTERM
	require.Equal(t, 0, <-p.code)
	require.Empty(t, p.stderr.String())

	lines := strings.Split(strings.TrimSuffix(p.stdout.String(), "\n"), "\n")
	form := regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (DBG|INF|WRN|ERR) \S`)
	ended, failed := map[string]int{}, map[string]int{}
	id := regexp.MustCompile(` (request ended|attempt failed) request_id=(\S+) `)
	require.Contains(t, last, `\x1b[2J`, "the operator sees what was sent, not what it would have done")
	for _, line := range lines {
		require.Regexp(t, form, line)
		require.True(t, utf8.ValidString(line), "%q", line)
		require.Equal(t, -1, strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }), "%q", line)
		require.Less(t, len(line), 4<<10)
		require.NotRegexp(t, `^`+forged, line)
		if found := id.FindStringSubmatch(line); found != nil && found[1] == "request ended" {
			ended[found[2]]++
			require.Len(t, regexp.MustCompile(` outcome=\S+ status=\d+ attempts=\d+ ms=\d+$`).FindAllString(line, -1), 1, line)
		} else if found != nil {
			failed[found[2]]++
		}
	}
	require.Len(t, ended, len(relayed), "one line for each request")
	for id, status := range relayed {
		require.Equal(t, 1, ended[id], "%s, which was answered with %d", id, status)
		require.LessOrEqual(t, failed[id], 2)
	}
	t.Logf("%d lines, %d relayed requests, %d others", len(lines), len(relayed), others)
}
