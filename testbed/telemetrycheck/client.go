package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

// callTimeout bounds a call whatever happens: the relay's own clocks are far below it.
const callTimeout = 20 * time.Second

func newClient() *http.Client { return &http.Client{Transport: &http.Transport{}} }

// asker asks the endpoints of the stack.
var asker = &http.Client{Timeout: callTimeout}

// get reads a URL.
func get(ctx context.Context, url string) (status int, body []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	response, err := asker.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err = io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

// make makes the call and notes what its client got.
func (c *call) make(ctx context.Context, client *http.Client, r *relay, m *meeting) {
	ctx, leave := context.WithTimeout(ctx, callTimeout)
	defer leave()
	if c.leaves == leavesSoon {
		go func() {
			select {
			case <-m.arrived:
				leave()
			case <-ctx.Done():
			}
		}()
	}
	began := time.Now()
	defer func() { c.ended, c.duration = time.Now(), time.Since(began) }()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url("/v1/chat/completions"), strings.NewReader(c.text()))
	if err != nil {
		return
	}
	key := clientKey
	if c.key != "" {
		key = c.key
	}
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return
	}
	defer func() { _ = response.Body.Close() }()
	c.status = response.StatusCode
	if !c.stream || c.status != http.StatusOK {
		_, err := io.Copy(io.Discard, response.Body)
		c.finished = err == nil && c.status == http.StatusOK
		return
	}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		data, isData := strings.CutPrefix(lines.Text(), "data: ")
		switch {
		case !isData:
		case data == "[DONE]":
			c.finished = true
		case strings.Contains(data, `"content"`):
			if c.events++; c.events == 1 {
				c.first = time.Since(began)
			}
			if c.events == brokenEvents {
				m.readOnce.Do(func() { close(m.read) })
			}
			if c.events == 3 && c.leaves == leavesMid {
				return
			}
		}
	}
}

func (c *call) text() string {
	if c.body != "" {
		return c.body
	}
	order, _ := json.Marshal(instruction{c.id, c.do}) // of strings only
	text, _ := json.Marshal(map[string]any{
		"model": c.model, "stream": c.stream, "messages": []map[string]string{{"role": "user", "content": string(order)}},
	})
	return string(text)
}
