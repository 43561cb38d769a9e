package transports

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/internal/cert"
	"one-api/testbed/internal/process"
)

// realServer is a program that people have in front of their models. It speaks HTTP/2 to the relay, and HTTP/1.1 to what is behind it.
type realServer struct {
	name   string
	config string // {port}, {behind} and {dir} are filled in
	args   []string
}

// realServers are told to take few calls on a connection where they can be: what a crowd meets there once in a thousand calls comes all the
// time then.
var realServers = []realServer{
	{"nginx", `daemon off; master_process off; pid {dir}/pid; error_log stderr crit;
events { worker_connections 2000; }
http {
  access_log off; client_max_body_size 64m; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  upstream behind { server 127.0.0.1:{behind}; keepalive 64; }
  server {
    listen 127.0.0.1:{port} ssl http2; ssl_certificate both.pem; ssl_certificate_key both.pem;
    keepalive_requests 50; http2_max_concurrent_streams 16;
    location / { proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }
  }
}
`, []string{"-p", "{dir}", "-c", "{dir}/config", "-e", "stderr"}},
	{"haproxy", `global
  tune.h2.max-concurrent-streams 16
defaults
  mode http
  timeout connect 60s
  timeout client 60s
  timeout server 60s
frontend f
  bind 127.0.0.1:{port} ssl crt {dir}/both.pem alpn h2,http/1.1
  default_backend b
backend b
  server o 127.0.0.1:{behind}
`, []string{"-f", "{dir}/config"}},
	{"h2o", `listen: {host: 127.0.0.1, port: {port}, ssl: {certificate-file: "{dir}/both.pem", key-file: "{dir}/both.pem"}}
hosts: {default: {paths: {/: {proxy.reverse.url: "http://127.0.0.1:{behind}/", proxy.timeout.io: 60000}}}}
`, []string{"-c", "{dir}/config"}},
	{"nghttpx", `frontend=127.0.0.1,{port}
backend=127.0.0.1,{behind}
workers=1
private-key-file={dir}/both.pem
certificate-file={dir}/both.pem
frontend-http2-max-concurrent-streams=16
`, []string{"--conf={dir}/config"}},
}

// startRealServer starts one in front of an upstream, and gives its URL.
func startRealServer(t *testing.T, s realServer, behind *harness.Upstream) string {
	t.Helper()
	binary, err := exec.LookPath(s.name)
	if err != nil {
		t.Skipf("left out: %s is not installed", s.name)
	}
	dir := t.TempDir()
	ports, err := process.FreePorts(1)
	require.NoError(t, err)
	certificate, key, err := cert.PEM(harness.Certificate())
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(behind.Listener.Addr().String())
	require.NoError(t, err)
	fill := strings.NewReplacer("{port}", ports[0], "{behind}", port, "{dir}", dir).Replace
	require.NoError(t, os.WriteFile(filepath.Join(dir, "both.pem"), append(certificate, key...), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config"), []byte(fill(s.config)), 0o600))
	args := make([]string, len(s.args))
	for i := range args {
		args[i] = fill(s.args[i])
	}
	said := &bytes.Buffer{}
	p, err := process.Start(process.Options{Name: s.name, Work: dir, Output: said}, binary, args...)
	require.NoError(t, err)
	t.Cleanup(func() { // some wait for their clients
		p.Signal(syscall.SIGKILL)
		<-p.Ended
	})
	dialer := net.Dialer{}
	require.NoError(t, p.Ready(context.Background(), harness.Patience, 10*time.Millisecond, func(ctx context.Context) error {
		conn, err := dialer.DialContext(ctx, "tcp", "127.0.0.1:"+ports[0])
		if err == nil {
			_ = conn.Close()
		}
		return err
	}))
	return "https://127.0.0.1:" + ports[0]
}

// large is the size of what is large, in bytes.
const large = 3 << 20

// behindServers answers as the model's name says.
func behindServers(w http.ResponseWriter, r *http.Request) {
	_, rest, _ := bytes.Cut(r.Body.(harness.ReadBody).Whole, []byte(`"model":"`))
	model, _, _ := bytes.Cut(rest, []byte(`"`))
	switch string(model) {
	case "stream":
		w.Header().Set("Content-Type", "text/event-stream")
		for range 300 {
			_, _ = io.WriteString(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n")
			_ = http.NewResponseController(w).Flush()
		}
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
	case "large":
		harness.Answers(200, strings.Replace(harness.WholeAnswer, `"hi"`, `"`+strings.Repeat("a", large)+`"`, 1))(w, r)
	case "endless":
		harness.BeginAndWait(w, r)
	default:
		harness.Answers(200, harness.WholeAnswer)(w, r)
	}
}

// askFor asks for a model; unlike the relay's own Ask it may be called beside the test's goroutine.
func askFor(ctx context.Context, r *harness.Relay, model, says string) (status int, text string, err error) {
	response, err := r.Post(ctx, "/v1/chat/completions",
		fmt.Sprintf(`{"model":%q,"stream":%t,"messages":[{"role":"user","content":%q}]}`, model, model == "stream" || model == "endless", says))
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	all, err := io.ReadAll(response.Body)
	return response.StatusCode, string(all), err
}

// TestServersThatPeopleRunAnswerCrowdsOverHTTP2 is for what they do and no imitation thinks of: how they say goodbye in the middle of a crowd,
// refuse what is too much, and give back windows.
func TestServersThatPeopleRunAnswerCrowdsOverHTTP2(t *testing.T) {
	harness.Long(t)
	for _, s := range realServers {
		t.Run(s.name, func(t *testing.T) {
			u := harness.StartUpstream(t, behindServers, func(u *harness.Upstream) { u.Forgets = true; u.Start() })
			at := startRealServer(t, s, u)
			r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: openai, http: 2, base_url: %q, keys: [sk-upstream-secret], models: [small, stream, large, endless]}\n", at),
				harness.WithEnv("RETRY_TIMES", "0"), func(c *harness.RelayConfig) { c.Roots.AddCert(harness.Certificate().Leaf) })
			together := func(n int, one func(n int)) {
				var calls sync.WaitGroup
				for i := range n {
					calls.Go(func() { one(i) })
				}
				calls.Wait()
			}
			together(200, func(int) {
				for range 3 {
					if status, text, err := askFor(context.Background(), r, "small", "hi"); status != 200 || err != nil {
						t.Errorf("one of a crowd: %d %s %v", status, text, err)
					}
				}
			})
			together(40, func(int) {
				if status, text, err := askFor(context.Background(), r, "stream", "hi"); status != 200 || err != nil || strings.Count(text, `"hi"`) != 300 || !strings.Contains(text, "[DONE]") {
					t.Errorf("a stream: %d, %d bytes, %v", status, len(text), err)
				}
			})
			together(6, func(int) {
				if status, text, err := askFor(context.Background(), r, "large", strings.Repeat("b", large)); status != 200 || err != nil || len(text) < large {
					t.Errorf("large in both directions: %d, %d bytes, %v", status, len(text), err)
				}
			})
			ctx, leave := context.WithCancel(context.Background())
			var left sync.WaitGroup
			for range 40 {
				left.Go(func() { _, _, _ = askFor(ctx, r, "endless", "hi") })
			}
			r.Eventually("streams that have begun", func() bool { return u.Open.Load() == 40 })
			leave()
			left.Wait()
			r.Eventually("the upstream to know that they left", func() bool { return u.Open.Load() == 0 })
			if status, text, err := askFor(context.Background(), r, "small", "hi"); status != 200 || err != nil {
				t.Errorf("behind those who left: %d %s %v", status, text, err)
			}
			r.RequireQuiet(harness.AmongOthers)
		})
	}
}
