package http2

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	xhttp2 "golang.org/x/net/http2"
)

func TestSettingsThatChangeHoldForWhatIsOpen(t *testing.T) {
	window := make(chan struct{})
	_, p := talking(t, func(c *talker) {
		c.settings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 10}, xhttp2.Setting{ID: xhttp2.SettingHeaderTableSize, Val: 0})
		id := c.request()
		c.answer(id)
		got := 0
		c.until(func(f xhttp2.Frame) bool {
			d, ok := f.(*xhttp2.DataFrame)
			if !ok {
				return false
			}
			switch got += len(d.Data()); got {
			case 10:
				c.settings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 25}) // 15 more
			case 25:
				_ = c.WriteWindowUpdate(d.StreamID, 100)
			}
			if d.StreamEnded() {
				c.answer(d.StreamID)
				close(window)
			}
			return d.StreamEnded()
		})
		c.gone()
	})
	_, _, err := ask(p, hello) // by now its settings are known
	require.NoError(t, err)
	r := hello
	r.Body = []byte(strings.Repeat("x", 50))
	_, body, err := ask(p, r)
	require.NoError(t, err)
	require.Equal(t, `{"b":2}`, body)
	<-window
}

// TestANewConnectionTakesAsManyCallsAsTheOnesBeforeUntilItHasSaidMore: what comes before a server's settings, and is too much for it, is
// refused, and a crowd that is refused three times has lost.
func TestANewConnectionTakesAsManyCallsAsTheOnesBeforeUntilItHasSaidMore(t *testing.T) {
	says := make(chan struct{})
	_, p := talking(t, func(c *talker) {
		if c.nth > 1 {
			<-says
		}
		c.settings(xhttp2.Setting{ID: xhttp2.SettingMaxConcurrentStreams, Val: 2})
		for id := c.request(); id != 0 && c.nth > 1; id = c.request() {
			c.answer(id)
		}
	})
	_, _, err := p.Do(&on{}, hello) // by then its settings are known
	require.Error(t, err)
	var calls sync.WaitGroup
	calls.Go(func() {
		_, body, err := ask(p, hello)
		if err != nil || body != `{"b":2}` {
			t.Errorf("%v: %q", err, body)
		}
	})
	var second, third *conn
	require.Eventually(t, func() bool { second = p.take(0); return second != nil }, 30*time.Second, time.Millisecond)
	third = p.take(0)
	close(says)
	calls.Wait()
	second.unreserve()
	if third != nil {
		third.unreserve()
	}
	require.Nil(t, third, "a third call on a connection to a server that takes two")
}

func TestNoMoreStreamsAreOpenedThanTheServerTakes(t *testing.T) {
	var open, most atomic.Int64
	s, p := talking(t, func(c *talker) {
		c.settings(xhttp2.Setting{ID: xhttp2.SettingMaxConcurrentStreams, Val: 2})
		first := c.request()
		c.answer(first)
		var waiting []uint32
		for {
			id := c.request()
			if id == 0 {
				return
			}
			waiting = append(waiting, id)
			n := open.Add(1)
			most.Store(max(most.Load(), int64(len(waiting))))
			if n == 6 || len(waiting) > 2 {
				for _, id := range waiting {
					c.answer(id)
				}
			}
			if n < 6 && len(waiting) == 2 {
				require.Eventually(t, func() bool { return open.Load() == 6 }, 30*time.Second, time.Millisecond)
				for _, id := range waiting {
					c.answer(id)
				}
				waiting = nil
			}
		}
	})
	_, _, err := ask(p, hello)
	require.NoError(t, err)
	_ = s
	var calls sync.WaitGroup
	for range 2 {
		calls.Go(func() {
			if _, _, err := ask(p, hello); err != nil {
				t.Errorf("%v", err)
			}
		})
	}
	require.Eventually(t, func() bool { return open.Load() == 2 }, 30*time.Second, time.Millisecond)
	require.Nil(t, p.take(0), "it is full")
	open.Store(6)
	calls.Wait()
	require.EqualValues(t, 2, most.Load())
}

func TestAPingIsAnsweredWhileNobodyCallsAndOneThatIsNotEndsTheConnection(t *testing.T) {
	pinged, silent := make(chan struct{}), make(chan struct{})
	s, p := talking(t, func(c *talker) {
		c.settings()
		c.answer(c.request())
		if c.nth > 1 {
			c.gone()
			return
		}
		_ = c.WritePing(false, [8]byte{1, 2, 3})
		c.until(func(f xhttp2.Frame) bool {
			ping, ok := f.(*xhttp2.PingFrame)
			return ok && ping.IsAck() && ping.Data == [8]byte{1, 2, 3}
		})
		close(pinged)
		c.request()
		c.until(func(f xhttp2.Frame) bool { // and it says nothing
			_, ok := f.(*xhttp2.PingFrame)
			return ok
		})
		close(silent)
		c.gone()
	})
	_, _, err := ask(p, hello)
	require.NoError(t, err)
	<-pinged
	ended := make(chan error)
	go func() {
		_, _, err := ask(p, hello)
		ended <- err
	}()
	require.Eventually(t, func() bool {
		c := p.take(0)
		defer c.unreserve()
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.streams) == 1 && c.window == standardWindow // what the server says to the request's body is the last of it
	}, 30*time.Second, time.Millisecond)
	now := time.Now()
	p.Trim(now, 1)
	p.Trim(now.Add(29*time.Second), 1)
	p.Trim(now.Add(30*time.Second), 1)
	<-silent
	p.Trim(now.Add(44*time.Second), 1)
	require.EqualValues(t, 1, p.Open.Load())
	p.Trim(now.Add(45*time.Second), 1)
	require.NoError(t, <-ended, "what was on a used connection is asked once more")
	require.EqualValues(t, 2, s.conns.Load())
}

func TestStreamsThatAreGivenUpCountUntilTheServerHasAnswered(t *testing.T) {
	resets, goOn := make(chan bool), make(chan struct{})
	_, p := talking(t, func(c *talker) {
		c.settings(xhttp2.Setting{ID: xhttp2.SettingMaxConcurrentStreams, Val: 1})
		c.answer(c.request())
		c.request()
		var ping *xhttp2.PingFrame
		c.until(func(f xhttp2.Frame) bool {
			if r, ok := f.(*xhttp2.RSTStreamFrame); ok {
				resets <- r.ErrCode == xhttp2.ErrCodeCancel
			}
			var ok bool
			ping, ok = f.(*xhttp2.PingFrame)
			return ok
		})
		<-goOn
		_ = c.WritePing(true, ping.Data)
		c.answer(c.request())
		c.gone()
	})
	_, _, err := ask(p, hello)
	require.NoError(t, err)
	l := &on{}
	ended := make(chan error)
	go func() {
		_, _, err := p.Do(l, hello)
		ended <- err
	}()
	require.Eventually(t, func() bool { return full(p) }, 30*time.Second, time.Millisecond)
	l.end()
	require.ErrorIs(t, <-ended, errEnded)
	require.True(t, <-resets)
	require.Nil(t, p.take(0), "the server may still be busy with it")
	close(goOn)
	require.Eventually(t, func() bool { return !full(p) }, 30*time.Second, time.Millisecond)
	_, _, err = ask(p, hello)
	require.NoError(t, err)
	require.EqualValues(t, 1, p.Open.Load())
}

// full reports whether no connection takes another call.
func full(p *Pool) bool {
	c := p.take(0)
	if c != nil {
		c.unreserve()
	}
	return c == nil
}

func TestAServerThatReadsNothingHoldsUpNoCallThatIsEnded(t *testing.T) {
	hold := make(chan struct{})
	_, p := talking(t, func(c *talker) {
		c.settings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 1<<31 - 1})
		_ = c.WriteWindowUpdate(0, 1<<30)
		c.answer(c.request())
		<-hold
	})
	_, _, err := ask(p, hello)
	require.NoError(t, err)
	r := hello
	r.Body = make([]byte, 32<<20)
	l := &on{}
	ended := make(chan error)
	go func() {
		_, _, err := p.Do(l, r)
		ended <- err
	}()
	require.Eventually(t, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.conns) == 1 && p.conns[0].wire.waiting() > roomy
	}, 30*time.Second, time.Millisecond)
	require.EqualValues(t, 1, p.Aside.Load(), "one goroutine waits for the socket")
	p.mu.Lock()
	require.Less(t, p.conns[0].wire.waiting(), crowded)
	p.mu.Unlock()
	l.end()
	require.ErrorIs(t, <-ended, errEnded)
	close(hold)
}

func TestAServerThatTakesNothingLosesItsConnection(t *testing.T) {
	hold := make(chan struct{})
	_, p := talking(t, func(c *talker) {
		c.settings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 1<<31 - 1})
		_ = c.WriteWindowUpdate(0, 1<<30)
		c.until(func(f xhttp2.Frame) bool { return f.Header().Type == xhttp2.FrameHeaders })
		<-hold
	})
	defer close(hold)
	p.WriteTimeout = 50 * time.Millisecond
	r := hello
	r.Body = make([]byte, 32<<20)
	_, connected, err := p.Do(&on{}, r)
	require.Error(t, err)
	require.True(t, connected)
	require.False(t, errors.Is(err, errEnded))
}

func TestCallsThatNeedAConnectionAtOnceWaitForTheSame(t *testing.T) {
	s, p := talking(t, func(c *talker) {
		c.settings()
		for id := c.request(); id != 0; id = c.request() {
			c.answer(id)
		}
	})
	var calls sync.WaitGroup
	for range 50 {
		calls.Go(func() {
			if _, _, err := ask(p, hello); err != nil {
				t.Errorf("%v", err)
			}
		})
	}
	calls.Wait()
	require.EqualValues(t, 1, s.conns.Load())
}

func TestAnAttemptToConnectEndsWithTheLastCallThatWaitsForIt(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	accepted, ended := make(chan struct{}), make(chan error)
	go func() {
		conn, err := listener.Accept()
		close(accepted)
		if err == nil {
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.Close()
		}
		ended <- err
	}()
	p := poolTo(t, listener.Addr().String(), &tls.Config{MinVersion: tls.VersionTLS12})
	l, calls := [2]on{}, make(chan error)
	for i := range l {
		go func() {
			_, connected, err := p.Do(&l[i], hello)
			if connected {
				t.Error("nobody was connected")
			}
			calls <- err
		}()
	}
	<-accepted
	require.Eventually(t, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.dials) == 1 && p.dials[0].waiting == 2
	}, 30*time.Second, time.Millisecond)
	l[0].end()
	require.Error(t, <-calls)
	require.EqualValues(t, 1, p.Aside.Load(), "the other one waits on")
	l[1].end()
	require.Error(t, <-calls)
	require.NoError(t, <-ended)
	require.NoError(t, listener.Close())
}
