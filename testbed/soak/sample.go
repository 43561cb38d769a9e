package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// sample is what a subject holds at a moment.
type sample struct {
	requests    float64 // that have ended by then
	seconds     float64 // since the load began
	calls       float64 // that clients are waiting for
	goroutines  float64
	unexplained float64 // goroutines that the relay's own account does not explain
	inFlight    float64
	openBodies  float64
	rss, heap   float64 // bytes; the heap is what is in use after a collection
	files       float64 // descriptors
}

// take takes a sample, but for the heap, of which the last one that was taken stands.
func (s *subject) take(ctx context.Context) (sample, error) {
	var v sample
	text, err := s.get(ctx, "/api/monitor/health")
	if err != nil {
		return v, err
	}
	var h struct {
		Goroutines  float64 `json:"goroutines"`
		Unexplained float64 `json:"unexplained_goroutines"`
		InFlight    float64 `json:"in_flight"`
		OpenBodies  float64 `json:"open_bodies"`
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return v, err
	}
	v.goroutines, v.unexplained, v.inFlight, v.openBodies = h.Goroutines, h.Unexplained, h.InFlight, h.OpenBodies
	v.heap = float64(s.heap.Load())
	v.rss, v.files, err = ofProcess(s.process.PID())
	return v, err
}

// takeHeap collects the heap and takes down what is left: what a running process has not yet collected says nothing. On a busy
// machine that takes its time, so it has a pace of its own.
func (s *subject) takeHeap(ctx context.Context) error {
	text, err := s.get(ctx, "/debug/pprof/heap?gc=1&debug=1")
	if err != nil {
		return err
	}
	bytes, err := heapInUse(text)
	if err == nil {
		s.heap.Store(int64(bytes))
	}
	return err
}

// heapInUse finds runtime.MemStats.HeapAlloc at the end of a heap profile as text.
func heapInUse(profile []byte) (float64, error) {
	const name = "# HeapAlloc = "
	at := bytes.LastIndex(profile, []byte(name))
	if at < 0 {
		return 0, fmt.Errorf("the heap profile does not say %q", name)
	}
	value, _, _ := strings.Cut(string(profile[at+len(name):]), "\n")
	return strconv.ParseFloat(value, 64)
}

// ofProcess reads Linux' /proc.
func ofProcess(pid int) (rss, files float64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, 0, fmt.Errorf("a soak needs Linux' /proc: %w", err)
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, 0, fmt.Errorf("/proc/%d/statm says %q", pid, text)
	}
	pages, err := strconv.ParseFloat(fields[1], 64)
	if err != nil {
		return 0, 0, err
	}
	descriptors, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return pages * float64(os.Getpagesize()), float64(len(descriptors)), err
}

// account is what the relay itself has counted.
type account struct {
	requests, attempts map[string]float64 // by outcome
	rejected           map[string]float64 // by reason
}

func (a account) total(counts map[string]float64) (sum float64) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

// takeAccount scrapes the relay as Prometheus would.
func (s *subject) takeAccount(ctx context.Context) (account, error) {
	text, err := s.ask(ctx, "GET", s.metrics)
	if err != nil {
		return account{}, err
	}
	return parseAccount(string(text))
}

func parseAccount(text string) (account, error) {
	a := account{requests: map[string]float64{}, attempts: map[string]float64{}, rejected: map[string]float64{}}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		series, number, ok := strings.Cut(lines.Text(), "} ")
		name, labels, _ := strings.Cut(series, "{")
		var to map[string]float64
		var by string
		switch name {
		case "relay_request_attempts_count":
			to, by = a.requests, "relay_outcome"
		case "relay_channel_attempts_total":
			to, by = a.attempts, "relay_outcome"
		case "relay_requests_rejected_total":
			to, by = a.rejected, "reason"
		}
		if !ok || to == nil {
			continue
		}
		value, err := strconv.ParseFloat(strings.Fields(number)[0], 64)
		if err != nil {
			return a, fmt.Errorf("%s: %w", name, err)
		}
		_, rest, _ := strings.Cut(labels, by+`="`)
		label, _, _ := strings.Cut(rest, `"`)
		to[label] += value
	}
	if len(a.requests) == 0 || len(a.attempts) == 0 {
		return a, fmt.Errorf("the relay's metrics count no requests")
	}
	return a, nil
}
