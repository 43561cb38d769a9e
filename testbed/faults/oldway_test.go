package faults

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"one-api/testbed/harness"
)

// leavers is how many clients leave in the middle of their streams.
const leavers = 50

// TestTheOldWayOfWritingAnAdaptorLeaksAndTheDoorCannot does the same to both: clients read the first event and leave.
func TestTheOldWayOfWritingAnAdaptorLeaksAndTheDoorCannot(t *testing.T) {
	harness.InMatrix(t, "F1")
	v := harness.Variant{Stream: true}
	t.Run("the old way", func(t *testing.T) {
		goOn := make(chan struct{})
		u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
			v.Begin(w, r, harness.FromFaulty)
			select {
			case <-goOn: // it says what it has left to say, to whoever listens
				harness.Say(w, harness.VoiceFor(r).More("and more")+harness.VoiceFor(r).Closing())
			case <-r.Context().Done():
			}
		})
		old := &oldWay{upstream: u.URL + path(harness.Ways[0])}
		front := httptest.NewServer(old)
		then := goleak.IgnoreCurrent()
		hearAndLeave(t, front.URL+path(harness.Ways[0]))

		require.Eventually(t, func() bool { return old.serving.Load() == 0 }, harness.Patience, time.Millisecond, "the handlers have returned")
		require.Equal(t, int64(leavers), u.Open.Load(), "and yet nobody told the upstream")
		close(goOn)
		require.Eventually(t, func() bool { return u.Open.Load() == 0 }, harness.Patience, time.Millisecond)
		u.CloseClientConnections()
		require.Equal(t, int64(leavers), old.producing.Load(), "it has ended by itself, and still their producers wait")
		leaked := goleak.Find(then)
		require.Error(t, leaked)
		require.Equal(t, leavers, strings.Count(leaked.Error(), ".(*oldWay).ServeHTTP in goroutine"), "as goleak would have told")

		old.release() // what no process that has this bug can do
		front.Close()
		require.Eventually(t, func() bool { return old.producing.Load() == 0 }, harness.Patience, time.Millisecond)
	})
	t.Run("through the door", func(t *testing.T) {
		s := newScene(t, v, plan{handle: func(w http.ResponseWriter, r *http.Request) {
			v.Begin(w, r, harness.FromFaulty)
			<-r.Context().Done() // it says nothing any more: that the clients have left, it learns from the relay
		}})
		hearAndLeave(t, s.URL+path(harness.Ways[0]))
		s.quiet()
		require.Len(t, s.outcomesOf(harness.Ways[0].Name), leavers)
	})
}

// hearAndLeave makes the clients' calls. Each one leaves when it has heard the upstream.
func hearAndLeave(t *testing.T, url string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	var clients sync.WaitGroup
	var heard atomic.Int64
	for range leavers {
		clients.Go(func() {
			ctx, leave := context.WithCancel(context.Background())
			defer leave()
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(`{"model":"openai","stream":true,"messages":[]}`))
			if err != nil {
				return
			}
			request.Header.Set("Authorization", "Bearer "+harness.Key)
			response, err := client.Do(request)
			if err != nil {
				return
			}
			defer func() { _ = response.Body.Close() }()
			for lines := bufio.NewScanner(response.Body); lines.Scan(); {
				if strings.Contains(lines.Text(), harness.FromFaulty) {
					heard.Add(1)
					return
				}
			}
		})
	}
	clients.Wait()
	require.Equal(t, int64(leavers), heard.Load())
}

// oldWay is how the adaptors of the fork were written that this relay replaces: a request that knows nothing of the client, a
// goroutine that reads the answer and hands it over, line by line and unbuffered, to a handler that stops listening when the
// client leaves. It is kept here, and only here, to show what the tests of this package would have found.
type oldWay struct {
	upstream  string
	client    http.Client
	serving   atomic.Int64
	producing atomic.Int64

	mu      sync.Mutex
	streams []oldStream
}

type oldStream struct {
	dataChan chan string
	stopChan chan bool
}

func (o *oldWay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.serving.Add(1)
	defer o.serving.Add(-1)
	body, _ := io.ReadAll(r.Body)
	request, err := http.NewRequest(http.MethodPost, o.upstream, strings.NewReader(string(body)))
	if err != nil {
		return
	}
	response, err := o.client.Do(request)
	if err != nil {
		return
	}
	stream := oldStream{make(chan string), make(chan bool)}
	o.mu.Lock()
	o.streams = append(o.streams, stream)
	o.mu.Unlock()
	go func() {
		o.producing.Add(1)
		defer o.producing.Add(-1)
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			stream.dataChan <- lines.Text()
		}
		stream.stopChan <- true
	}()
	for {
		select {
		case data := <-stream.dataChan:
			harness.Say(w, data+"\n")
		case <-stream.stopChan:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// release takes what the producers still have to hand over.
func (o *oldWay) release() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, stream := range o.streams {
		for ended := false; !ended; {
			select {
			case <-stream.dataChan:
			case ended = <-stream.stopChan:
			}
		}
	}
	o.client.CloseIdleConnections()
}
