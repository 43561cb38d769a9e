package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// subject is the process under test: the relay, or the old way.
type subject struct {
	name    string
	url     string
	metrics string // where Prometheus would scrape; empty: nowhere
	command *exec.Cmd
	output  *tail
	ended   chan struct{} // closed when it has
	exit    error         // how, once it has
	admin   *http.Client
	heap    atomic.Int64 // bytes in use after the newest collection
}

// start starts a subject, and waits until it serves. It gets no environment but what is given: the caller's keys and OTEL_*
// would change what is measured.
func start(ctx context.Context, s *subject, work, binary string, environment []string, args ...string) (*subject, error) {
	s.output, s.ended = &tail{}, make(chan struct{})
	s.admin = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
	s.command = exec.Command(binary, args...)
	s.command.Dir, s.command.Stdout, s.command.Stderr = work, s.output, s.output
	s.command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + work, "TMPDIR=" + work}, environment...)
	if err := s.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", s.name, err)
	}
	go func() {
		s.exit = s.command.Wait()
		close(s.ended)
	}()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		if err := s.takeHeap(ctx); err == nil {
			return s, nil
		}
		select {
		case <-s.ended:
			return nil, fmt.Errorf("%s ended at once:\n%s", s.name, s.output)
		case <-ctx.Done():
			_ = s.stop(0)
			return nil, fmt.Errorf("%s is not ready:\n%s", s.name, s.output)
		default:
			waitFor(ctx, 50*time.Millisecond)
		}
	}
}

// stop ends it, at the latest after patience with force. nil: it ended well by itself.
func (s *subject) stop(patience time.Duration) error {
	_ = s.command.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	late := time.NewTimer(patience)
	defer late.Stop()
	defer s.admin.CloseIdleConnections()
	select {
	case <-s.ended:
		return s.exit
	case <-late.C:
		_ = s.command.Process.Kill()
		<-s.ended
		return errors.New("it had to be killed")
	}
}

func (s *subject) get(ctx context.Context, path string) ([]byte, error) {
	return s.ask(ctx, http.MethodGet, s.url+path)
}

func (s *subject) post(ctx context.Context, path string) error {
	_, err := s.ask(ctx, http.MethodPost, s.url+path)
	return err
}

func (s *subject) ask(ctx context.Context, method, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, err
	}
	token := monitorToken
	if method == http.MethodPost || strings.Contains(url, "/debug/") {
		token = adminToken
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := s.admin.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status %d", url, response.StatusCode)
	}
	return text, err
}

// tail keeps the end of what a process says, and counts the lines that should not be there.
type tail struct {
	mu     sync.Mutex
	text   []byte
	panics int
}

const longestTail = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.panics += bytes.Count(p, []byte("panic"))
	t.text = append(t.text, p...)
	if n := len(t.text) - longestTail; n > longestTail { // not for every line
		t.text = append(t.text[:0], t.text[n:]...)
	}
	return len(p), nil
}

// panicked is how many lines spoke of a panic.
func (t *tail) panicked() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.panics
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text[max(0, len(t.text)-longestTail):])
}

// portsTried keeps one port from being found twice before it is in use.
var portsTried atomic.Int64

// freePorts finds ports that nobody listens on. They are taken from below the range that most systems give to outgoing
// connections, so that none of those is on one when the process that it is meant for begins to listen.
func freePorts(n int) ([]string, error) {
	const first, last = 18000, 30000
	var ports []string
	for len(ports) < n {
		port := first + os.Getpid()%7000 + int(portsTried.Add(1))
		if port >= last {
			return nil, errors.New("there are no free ports")
		}
		listener, err := net.Listen("tcp", ":"+strconv.Itoa(port)) // as the relay does, on all addresses
		if err != nil {
			continue
		}
		_ = listener.Close()
		ports = append(ports, strconv.Itoa(port))
	}
	return ports, nil
}
