package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// The names of the subjects in the report.
const (
	direct    = "direct"
	relayName = "relay"
	bareName  = "ReverseProxy"
	nginxName = "nginx"
)

const (
	clientKey  = "sk-bench-0123456789abcdef"
	adminToken = "bench-admin-token"
)

// peer is a proxy that somebody else has started.
type peer struct {
	name, url, key string
	pid            int // 0: its CPU and memory are not measured
}

// subject is what calls go through.
type subject struct {
	name string
	endpoint
	*subjectProcess        // nil: direct, or a peer without a process id
	profiles        string // where /debug/pprof/ is; empty: nowhere
}

// world is what subjects are started in.
type world struct {
	settings
	work     string // directory
	cores    cores
	upstream *subjectProcess
	sink     *subjectProcess
	at, sunk string // their addresses
	overTLS  string // the upstream's other one, where it speaks HTTP/2
}

func (w *world) self(name, role, address, cores string, environment ...string) (*subjectProcess, error) {
	binary, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := []string{"-role", role, "-address", address}
	if role != sinkRole {
		args = append(args, "-tls-address", w.overTLS)
	}
	return start(name, w.work, cores, environment, binary, args...)
}

// open starts what is not measured.
func (w *world) open(ctx context.Context) (err error) {
	if err := pin(os.Getpid(), w.cores.load); err != nil {
		return err
	}
	if w.at = w.settings.upstream; w.at == "" {
		if w.at, err = freeAddress(); err != nil {
			return err
		}
	}
	if w.sunk, err = freeAddress(); err != nil {
		return err
	}
	if w.overTLS, err = freeAddress(); err != nil {
		return err
	}
	if err := writeCertificate(w.work); err != nil {
		return err
	}
	if w.upstream, err = w.self("the upstream", upstreamRole, w.at, w.cores.load, "GOGC=400"); err != nil {
		return err
	}
	if w.sink, err = w.self("the sink", sinkRole, w.sunk, w.cores.load); err != nil {
		return err
	}
	return errors.Join(w.upstream.ready(ctx, w.at), w.sink.ready(ctx, w.sunk))
}

func (w *world) close() {
	w.upstream.stop()
	w.sink.stop()
}

// relayConfig is the configuration of the costs: a channel for each wire format and each way over TLS, one token.
func (w *world) relayConfig() string {
	return fmt.Sprintf(`channels:
  - {name: same, type: openai, base_url: "%[1]s", keys: [sk-up], models: ["%[2]s*"]}
  - {name: converted, type: anthropic, base_url: "%[1]s", keys: [sk-up], models: ["%[3]s*"]}
  - {name: %[6]s, type: openai, http: 1, base_url: "%[5]s", keys: [sk-up], models: ["%[6]s-*"]}
  - {name: %[7]s, type: openai, base_url: "%[5]s", keys: [sk-up], models: ["%[7]s-*"]}
tokens:
  - {name: bench, key: %[4]s}
`, "http://"+w.at, viaOpenAI, viaAnthropic, clientKey, "https://"+w.overTLS, overHTTP1.name, overHTTP2.name)
}

func (w *world) startRelay(ctx context.Context, config string) (*subject, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	_, port, _ := strings.Cut(address, ":")
	file := filepath.Join(w.work, "channels-"+port+".yaml") // one each: a relay reads its own again when it changes
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	p, err := start("the relay", w.work, w.cores.subject, []string{
		"GOMAXPROCS=1", "PORT=" + port, "CONFIG_FILE=" + file, "ADMIN_TOKEN=" + adminToken, "SHUTDOWN_TIMEOUT=1s", "SSL_CERT_FILE=" + filepath.Join(w.work, certificateFile),
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + w.sunk, "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "OTEL_METRIC_EXPORT_INTERVAL=10000",
	}, w.relay)
	if err != nil {
		return nil, err
	}
	s := &subject{name: relayName, endpoint: endpoint{address: address, key: clientKey}, subjectProcess: p, profiles: "http://" + address + "/debug/pprof/"}
	return s, s.settled(ctx)
}

func (w *world) startBare(ctx context.Context) (*subject, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	p, err := w.self("the ReverseProxy", "http://"+w.at, address, w.cores.subject, "GOMAXPROCS=1", "SSL_CERT_FILE="+filepath.Join(w.work, certificateFile))
	if err != nil {
		return nil, err
	}
	s := &subject{name: bareName, endpoint: endpoint{address: address, key: clientKey}, subjectProcess: p, profiles: "http://" + address + "/debug/pprof/"}
	return s, s.settled(ctx)
}

func (w *world) startNginx(ctx context.Context) (*subject, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	user := ""
	if os.Getuid() == 0 {
		user = "user root;" // the worker writes below a directory of ours
	}
	file := filepath.Join(w.work, "nginx.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, `daemon off; worker_processes 1; worker_rlimit_nofile 65536; pid nginx.pid; error_log stderr crit; %[1]s
events { worker_connections 60000; }
http {
  access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  client_max_body_size 64m; keepalive_requests 1000000000;
  upstream bench { server %[2]s; keepalive 256; keepalive_requests 1000000000; }
  upstream secure { server %[4]s; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen %[3]s backlog=8192;
    location / { proxy_pass http://bench; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }
    location /%[5]s/ {
      proxy_pass https://secure/; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
      proxy_ssl_verify on; proxy_ssl_trusted_certificate %[6]s; proxy_ssl_name 127.0.0.1; proxy_ssl_protocols TLSv1.2 TLSv1.3;
    }
  }
}
`, user, w.at, address, w.overTLS, overHTTP1.name, certificateFile), 0o600); err != nil {
		return nil, err
	}
	p, err := start(nginxName, w.work, w.cores.subject, nil, w.nginx, "-p", w.work, "-c", file, "-e", "stderr")
	if err != nil {
		return nil, err
	}
	s := &subject{name: nginxName, endpoint: endpoint{address: address, key: clientKey}, subjectProcess: p}
	return s, s.settled(ctx)
}

// settled waits until the subject listens, and stops it if it does not.
func (s *subject) settled(ctx context.Context) error {
	if err := s.ready(ctx, s.address); err != nil {
		s.stop()
		return err
	}
	return nil
}

func (w *world) direct() *subject {
	return &subject{name: direct, endpoint: endpoint{address: w.at, key: clientKey}}
}

func (w *world) peerOf(p peer) (*subject, error) {
	at, err := url.Parse(p.url)
	if err != nil {
		return nil, err
	}
	s := &subject{name: p.name, endpoint: endpoint{address: at.Host, prefix: at.Path, key: p.key}}
	if at.Port() == "" {
		s.address += ":80"
	}
	if p.pid == 0 {
		return s, nil
	}
	s.subjectProcess = &subjectProcess{name: p.name, pid: p.pid}
	return s, pin(p.pid, w.cores.subject)
}

// cpuClock is nil where the CPU is not known.
func (s *subject) cpuClock() func() float64 {
	if s.subjectProcess == nil {
		return nil
	}
	return s.cpu
}

// heap is what a Go program says of its memory after a collection.
type heap struct {
	inUse, stacks      float64 // bytes; what goroutines stand on is not in the heap
	allocated, objects float64 // bytes and objects, ever
	collecting         float64 // seconds of CPU, ever
}

// emptied is the heap after a second collection: what lies in pools outlives the first.
func (s *subject) emptied(ctx context.Context) (heap, error) {
	if h, err := s.heap(ctx); err != nil {
		return h, err
	}
	return s.heap(ctx)
}

func (s *subject) heap(ctx context.Context) (heap, error) {
	var h heap
	text, err := s.readProfile(ctx, "heap?gc=1&debug=1", 0)
	if err != nil {
		return h, err
	}
	for name, to := range map[string]*float64{
		"# HeapAlloc = ": &h.inUse, "# Stack = ": &h.stacks, "# TotalAlloc = ": &h.allocated, "# Mallocs = ": &h.objects,
		"# GCCPUFraction = ": &h.collecting,
	} {
		_, rest, _ := strings.Cut(string(text), name)
		line, _, _ := strings.Cut(rest, "\n")
		value, _, _ := strings.Cut(line, " ") // of stacks, what is in use stands before what there is
		if *to, err = strconv.ParseFloat(value, 64); err != nil {
			return h, fmt.Errorf("the heap profile of %s does not say %q", s.name, name)
		}
	}
	// It was the share, up to this collection, of what GOMAXPROCS=1 could have used since the start.
	h.collecting *= time.Since(s.began).Seconds()
	return h, nil
}
