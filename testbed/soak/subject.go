package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"one-api/testbed/internal/process"
)

// subject is the process under test: the relay, or the old way.
type subject struct {
	name    string
	url     string
	metrics string // where Prometheus would scrape; empty: nowhere
	process *process.Process
	output  *process.Tail
	admin   *http.Client
	heap    atomic.Int64 // bytes in use after the newest collection
}

// start starts a subject, and waits until it serves.
func start(ctx context.Context, s *subject, work, binary string, environment []string, args ...string) (*subject, error) {
	s.output = &process.Tail{}
	s.admin = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
	var err error
	if s.process, err = process.Start(process.Options{Name: s.name, Work: work, Environment: environment, Output: s.output}, binary, args...); err != nil {
		return nil, err
	}
	if err := s.process.Ready(ctx, 30*time.Second, 50*time.Millisecond, s.takeHeap); err != nil {
		_ = s.stop(0) // why is in the error
		return nil, err
	}
	return s, nil
}

// stop ends it, at the latest after patience with force. nil: it ended well by itself.
func (s *subject) stop(patience time.Duration) error {
	defer s.admin.CloseIdleConnections()
	return s.process.Stop(patience)
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
