package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	clientKey   = "sk-check-0123456789abcdef" // CHECK_KEY in bundle.env
	callTimeout = 30 * time.Second
)

// call is one request of the load: what is asked, and what its client got.
type call struct {
	id, model string
	messages  bool // POST /v1/messages instead of /v1/chat/completions
	stream    bool
	leaves    bool // after the first event
	patient   bool // without a bound: it is held
	do        map[string]behaviour

	status     int  // 0: no answer
	finished   bool // the answer was complete, in its client's eyes
	errorEvent bool // the stream ended with an error's event
	spoke      func()
}

// lanes is the load. Calls of one lane follow each other, lanes run side by side.
func lanes(part string) [][]call {
	n := 0
	lane := func(times int, calls ...call) (out []call) {
		for range times {
			for _, c := range calls {
				n++
				c.id = fmt.Sprintf("%s-%d", part, n)
				out = append(out, c)
			}
		}
		return out
	}
	flaky := func(does behaviour) call {
		return call{model: "check-flaky", stream: true, do: map[string]behaviour{"flaky": does}}
	}
	failover := func(does behaviour) call {
		return call{model: "check-failover", stream: true, do: map[string]behaviour{"failing": does}}
	}
	return [][]call{
		lane(10, call{model: "check-openai", stream: true}, call{model: "check-openai"}),
		lane(6, call{model: "check-claude", stream: true, messages: true}, call{model: "check-claude", messages: true},
			call{model: "check-claude", stream: true}, call{model: "check-claude"}),
		lane(2, call{model: "check-slow", stream: true}),
		// Never three failures in a row: the monitors of these two channels are to stay up for now.
		lane(3, flaky(failure), flaky(healthy), flaky(reset), flaky(healthy), flaky(truncated), flaky(healthy)),
		lane(3, failover(failure), failover(healthy), failover(reset), failover(healthy)),
		lane(3, call{model: "check-holding", stream: true, leaves: true, do: map[string]behaviour{"holding": held}}),
	}
}

// load makes all calls and returns them with what they got.
func (b *bundle) load(ctx context.Context, all [][]call) []call {
	var done []call
	var mu sync.Mutex
	var running sync.WaitGroup
	for _, lane := range all {
		running.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for _, c := range lane {
				c.make(ctx, client, b)
				mu.Lock()
				done = append(done, c)
				mu.Unlock()
			}
		})
	}
	running.Wait()
	return done
}

// make makes the call and notes what its client got.
func (c *call) make(ctx context.Context, client *http.Client, b *bundle) {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	if !c.patient {
		late := time.AfterFunc(callTimeout, leave)
		defer late.Stop()
	}
	path := "/v1/chat/completions"
	if c.messages {
		path = "/v1/messages"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url("one-api", path), strings.NewReader(c.text()))
	if err != nil {
		return
	}
	request.Header.Set("Content-Type", "application/json")
	if c.messages {
		request.Header.Set("X-Api-Key", clientKey)
		request.Header.Set("Anthropic-Version", "2023-06-01")
	} else {
		request.Header.Set("Authorization", "Bearer "+clientKey)
	}
	response, err := client.Do(request)
	if err != nil {
		return
	}
	defer func() { _ = response.Body.Close() }()
	c.status = response.StatusCode
	c.read(bufio.NewScanner(response.Body))
}

// read reads an answer, or its events.
func (c *call) read(lines *bufio.Scanner) {
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.Contains(line, "word "):
			if !c.stream {
				c.finished = c.status == http.StatusOK
				continue
			}
			if c.spoke != nil {
				c.spoke()
				c.spoke = nil
			}
			if c.leaves {
				return
			}
		case line == "data: [DONE]", strings.Contains(line, `"type":"message_stop"`):
			c.finished = true
		case strings.HasPrefix(line, "data: ") && strings.Contains(line, `"error"`):
			c.errorEvent = true
		}
	}
}

func (c *call) text() string {
	order, _ := json.Marshal(instruction{c.id, c.do}) // of strings only
	text, _ := json.Marshal(map[string]any{
		"model": c.model, "stream": c.stream, "max_tokens": 64, "messages": []map[string]string{{"role": "user", "content": string(order)}},
	})
	return string(text)
}
