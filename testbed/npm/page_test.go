package npm

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

const (
	pageAdmin   = "admin-page-0123456789"
	pageMonitor = "monitor-page-0123456789"
)

// bounded is a client that does not wait for ever: some of what is asked hangs until the test has ended it.
var bounded = &http.Client{Timeout: 5 * time.Minute}

// program is a relay as people run it, which a test stops and starts.
type program struct {
	*testing.T
	binary, config, dir, port string
	running                   *exec.Cmd
}

// newProgram builds the relay, and runs it with a configuration.
func newProgram(t *testing.T, binary, yaml string) *program {
	t.Helper()
	dir := t.TempDir()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &program{T: t, binary: binary, dir: dir, config: filepath.Join(dir, "channels.yaml"), port: strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)}
	require.NoError(t, listener.Close())
	require.NoError(t, os.WriteFile(p.config, []byte(yaml), 0o600))
	p.start()
	t.Cleanup(p.stop)
	return p
}

func (p *program) url() string { return "http://127.0.0.1:" + p.port }

func (p *program) start() {
	p.Helper()
	p.running = exec.Command(p.binary, "--config", p.config, "--port", p.port)
	p.running.Dir = p.dir
	p.running.Env = append(os.Environ(), "ADMIN_TOKEN="+pageAdmin, "MONITOR_TOKEN="+pageMonitor, "SHUTDOWN_TIMEOUT=1", "GRAFANA_URL=http://localhost:3002",
		"UPTIME_KUMA_URL=http://localhost:3001")
	log, err := os.OpenFile(filepath.Join(p.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(p, err)
	p.running.Stdout, p.running.Stderr = log, log
	require.NoError(p, p.running.Start())
	_ = log.Close()
	require.Eventually(p, func() bool {
		answer, err := bounded.Get(p.url() + "/api/status")
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	}, time.Minute, 20*time.Millisecond)
}

func (p *program) stop() {
	if p.running != nil {
		_ = p.running.Process.Signal(os.Interrupt)
		_ = p.running.Wait()
		p.running = nil
	}
}

// chromium is the browser; the test is skipped if there is none.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	t.Skip("no Chromium is installed (or set CHROMIUM)")
	return ""
}

// keepsAsking sends requests of every kind, and holds some that never end.
func keepsAsking(t *testing.T, url string) {
	ask := func(path, model, more string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+path, strings.NewReader(fmt.Sprintf(`{"model":%q,%s"max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`, model, more)))
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+harness.Key)
		if answer, err := bounded.Do(request); err == nil {
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
		}
	}
	for range 4 {
		go ask("/v1/chat/completions", "slow", "")
	}
	go ask("/v1/chat/completions", "talks", `"stream":true,`)
	for range 12 {
		ask("/v1/chat/completions", "m", "")
	}
	for range 6 {
		ask("/v1/messages", "claude", "")
	}
}

func TestTheOperatorsPageInABrowser(t *testing.T) {
	dir := os.Getenv("NPM_CLIENTS")
	if dir == "" {
		t.Skip("set NPM_CLIENTS to a directory for the packages: NPM_CLIENTS=/tmp/npm go -C testbed test ./npm")
	}
	browser := chromium(t)
	installed(t)
	binary := filepath.Join(t.TempDir(), "one-api")
	if built := os.Getenv("ONE_API"); built != "" {
		binary = built
	} else {
		out, err := exec.Command("go", "build", "-C", "../..", "-o", binary, ".").CombinedOutput()
		require.NoError(t, err, string(out))
	}

	good := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			harness.Answers(200, `{"data":[{"id":"m"}]}`)(w, r)
			return
		}
		harness.Answers(200, harness.WholeAnswer)(w, r)
	})
	var asked atomic.Int64 // at the one that answers five calls, and then none
	stuck := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > 5 {
			harness.Hangs(w, r)
			return
		}
		harness.Answers(200, harness.WholeAnswer)(w, r)
	})
	begun := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		for range 25 {
			_, _ = io.WriteString(w, `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"talks","choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]}`+"\n\n")
		}
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	hangs := harness.NewUpstream(t, false, harness.Hangs)
	bad := harness.NewUpstream(t, false, harness.Answers(500, `{"type":"error","error":{"type":"api_error","message":"the upstream is on fire"}}`))
	yaml := fmt.Sprintf(`channels:
  - {name: good-one, type: openai, base_url: %q, keys: [sk-up-a], models: [m, gpt-4o]}
  - {name: slow-qwen, type: openai, base_url: %q, keys: [sk-up-b], models: [slow, gpt-4o], priority: 5}
  - {name: dead-end, type: anthropic, base_url: %q, keys: [sk-up-c], models: [claude]}
  - {name: talks, type: openai, base_url: %q, keys: [sk-up-e], models: [talks]}
tokens:
  - {name: phone-app, key: %s}
prices:
  - {model: "*", input: 2.5, output: 10}
`, good.URL, hangs.URL, bad.URL, begun.URL, harness.Key)
	relay := newProgram(t, binary, yaml)
	guilty := newProgram(t, binary, fmt.Sprintf(`channels:
  - {name: first-one, type: openai, base_url: %q, keys: [sk-up-a], models: [m, gpt-4o]}
  - {name: second-one, type: openai, base_url: %q, keys: [sk-up-b], models: [m, steady]}
  - {name: stuck-one, type: openai, base_url: %q, keys: [sk-up-c], models: [steady], priority: 9}
  - {name: third-one, type: openai, base_url: %q, keys: [sk-up-d], models: [gpt-4o]}
tokens:
  - {name: phone-app, key: %s}
`, good.URL, good.URL, stuck.URL, good.URL, harness.Key))
	var many strings.Builder
	many.WriteString("channels:\n")
	for i := range 1000 {
		fmt.Fprintf(&many, "  - {name: c-%04d, type: openai, base_url: %q, keys: [sk-up], models: [m]}\n", i, good.URL)
	}
	crowd := newProgram(t, binary, many.String())
	keepsAsking(t, relay.url())

	script, err := os.ReadFile("page.mjs")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "page.mjs"), script, 0o600))
	node := exec.CommandContext(t.Context(), "node", "page.mjs")
	node.Dir = dir
	node.Env = append(os.Environ(), "RELAY="+relay.url(), "CROWD="+crowd.url(), "GUILTY="+guilty.url(), "ADMIN="+pageAdmin, "MONITOR="+pageMonitor, "KEY="+harness.Key,
		"SHOTS="+os.Getenv("SHOTS"), "CHROMIUM="+browser)
	var problems bytes.Buffer
	node.Stderr = &problems
	say, err := node.StdinPipe()
	require.NoError(t, err)
	out, err := node.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, node.Start())
	scenes := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var line struct {
			Scene, Detail, Measured, Ask string
			OK                           bool
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &line), lines.Text())
		switch line.Ask {
		case "stop":
			relay.stop()
		case "start":
			relay.start()
		default:
			scenes++
			t.Run(line.Scene, func(t *testing.T) {
				require.True(t, line.OK, line.Detail)
				if line.Measured != "" {
					t.Log(line.Measured)
				}
			})
			continue
		}
		_, err = io.WriteString(say, "done\n")
		require.NoError(t, err)
	}
	require.NoError(t, node.Wait(), problems.String())
	require.Equal(t, 17, scenes)
}

// The page's libraries are those of npm, to the letter.
func TestThePagesLibrariesAreThePackages(t *testing.T) {
	dir := os.Getenv("NPM_CLIENTS")
	if dir == "" {
		t.Skip("set NPM_CLIENTS to a directory for the packages: NPM_CLIENTS=/tmp/npm go -C testbed test ./npm")
	}
	installed(t)
	for asset, packaged := range map[string]string{
		"preact.js": "htm/preact/standalone.module.js", "uplot.js": "uplot/dist/uPlot.iife.min.js", "uplot.css": "uplot/dist/uPlot.min.css",
	} {
		ours, err := os.ReadFile(filepath.Join("../../relay/page/assets", asset))
		require.NoError(t, err)
		theirs, err := os.ReadFile(filepath.Join(dir, "node_modules", packaged))
		require.NoError(t, err)
		require.True(t, bytes.Equal(ours, theirs), asset)
	}
}
