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

func TestWhatAServerMaySayIsUnderstoodAndWhatNotEndsTheCall(t *testing.T) {
	const good = `{"b":2}`
	for name, tc := range map[string]struct {
		talk func(c *talker, id uint32)
		body string // that is read, whatever the error
		err  string // a part of it; empty: none
	}{
		"an answer": {func(c *talker, id uint32) { c.answer(id) }, good, ""},
		"an answer, padded": {func(c *talker, id uint32) {
			c.header(id, false, ":status", "200")
			_ = c.WriteDataPadded(id, true, []byte(good), make([]byte, 100))
		}, good, ""},
		"a header in pieces":   {func(c *talker, id uint32) { inPieces(c, id, 3); c.data(id, true, good) }, good, ""},
		"a header in too many": {func(c *talker, id uint32) { inPieces(c, id, maxContinuations+2) }, "", "header without an end"},
		"a trailer": {func(c *talker, id uint32) {
			c.header(id, false, ":status", "200")
			c.data(id, false, good)
			c.header(id, true, "x-trailer", "1")
		}, good, ""},
		"a trailer that does not end": {func(c *talker, id uint32) {
			c.header(id, false, ":status", "200")
			c.data(id, false, good)
			c.header(id, false, "x-trailer", "1")
		}, good, "malformed"},
		"interim answers": {func(c *talker, id uint32) {
			for range maxInterim {
				c.header(id, false, ":status", "103", "link", "<a>")
			}
			c.answer(id)
		}, good, ""},
		"too many interim answers": {func(c *talker, id uint32) {
			for range maxInterim + 1 {
				c.header(id, false, ":status", "103", "link", "<a>")
			}
		}, "", "malformed"},
		"switching protocols":        {func(c *talker, id uint32) { c.header(id, false, ":status", "101") }, "", "malformed"},
		"an interim answer at last":  {func(c *talker, id uint32) { c.header(id, true, ":status", "103") }, "", "malformed"},
		"no status":                  {func(c *talker, id uint32) { c.header(id, true, "a", "b") }, "", "malformed"},
		"a status that is none":      {func(c *talker, id uint32) { c.header(id, true, ":status", "2xx") }, "", "malformed"},
		"two":                        {func(c *talker, id uint32) { c.header(id, true, ":status", "200", ":status", "200") }, "", "malformed"},
		"a status behind a field":    {func(c *talker, id uint32) { c.header(id, true, "a", "b", ":status", "200") }, "", "malformed"},
		"capitals":                   {func(c *talker, id uint32) { c.header(id, true, ":status", "200", "A", "b") }, "", "malformed"},
		"a line feed":                {func(c *talker, id uint32) { c.header(id, true, ":status", "200", "a", "b\nc") }, "", "malformed"},
		"data before the header":     {func(c *talker, id uint32) { c.data(id, false, "x") }, "", "malformed"},
		"a header that is too large": {tooLarge, "", "header list"},
		"less than its length": {func(c *talker, id uint32) {
			c.header(id, false, ":status", "200", "content-length", "9")
			c.data(id, true, good)
		}, good, "unexpected EOF"},
		"more than its length": {func(c *talker, id uint32) {
			c.header(id, false, ":status", "200", "content-length", "5")
			c.data(id, true, good)
		}, good[:5], "malformed"},
		"a length that is none": {func(c *talker, id uint32) {
			c.header(id, false, ":status", "200", "content-length", "x")
			c.data(id, true, good)
		}, good, ""},
		"a reset": {func(c *talker, id uint32) { _ = c.WriteRSTStream(id, xhttp2.ErrCodeInternal) }, "", "INTERNAL_ERROR"},
		"a reset behind the beginning": {func(c *talker, id uint32) {
			c.header(id, false, ":status", "200")
			c.data(id, false, good)
			_ = c.WriteRSTStream(id, xhttp2.ErrCodeNo)
		}, good, "NO_ERROR"},
		"a reset behind the end": {func(c *talker, id uint32) {
			c.answer(id)
			_ = c.WriteRSTStream(id, xhttp2.ErrCodeCancel)
		}, good, ""},
		"a goodbye, and an answer": {func(c *talker, id uint32) {
			_ = c.WriteGoAway(id, xhttp2.ErrCodeNo, nil)
			c.answer(id)
		}, good, ""},
		"a goodbye in two steps": {func(c *talker, id uint32) {
			_ = c.WriteGoAway(1<<31-1, xhttp2.ErrCodeNo, nil)
			c.header(id, false, ":status", "200")
			_ = c.WriteGoAway(id, xhttp2.ErrCodeNo, nil)
			c.data(id, true, good)
		}, good, ""},
		"a goodbye that disowns what has begun": {func(c *talker, id uint32) {
			c.header(id, false, ":status", "200")
			c.data(id, false, good)
			_ = c.WriteGoAway(0, xhttp2.ErrCodeNo, nil)
		}, good, "refused"},
		"a goodbye, and the end": {func(c *talker, id uint32) {
			_ = c.WriteGoAway(id, xhttp2.ErrCodeEnhanceYourCalm, nil)
			_ = c.Close()
		}, "", "ENHANCE_YOUR_CALM"},
		"the end in the middle": {func(c *talker, id uint32) {
			c.header(id, false, ":status", "200")
			c.data(id, false, good)
			_ = c.Close()
		}, good, "EOF"},
		"a push": {func(c *talker, id uint32) {
			_ = c.WritePushPromise(xhttp2.PushPromiseParam{StreamID: id, PromiseID: 2, EndHeaders: true})
		}, "", "malformed"},
		"a stream that there is not":  {func(c *talker, id uint32) { c.data(id+2, true, "x") }, "", "malformed"},
		"a window that grows by zero": {func(c *talker, id uint32) { _ = c.WriteRawFrame(xhttp2.FrameWindowUpdate, 0, 0, make([]byte, 4)) }, "", "malformed"},
		"a window that is too large":  {func(c *talker, id uint32) { _ = c.WriteWindowUpdate(0, 1<<31-1) }, "", "malformed"},
		"a frame that is too large":   {func(c *talker, id uint32) { _ = c.WriteRawFrame(xhttp2.FrameData, 0, id, make([]byte, largestFrame+1)) }, "", "malformed"},
		"a frame of an extension":     {func(c *talker, id uint32) { _ = c.WriteRawFrame(0xee, 0xff, id, []byte("x")); c.answer(id) }, good, ""},
		"a priority":                  {func(c *talker, id uint32) { _ = c.WritePriority(id, xhttp2.PriorityParam{}); c.answer(id) }, good, ""},
		"a header that does not decode": {func(c *talker, id uint32) {
			_ = c.WriteRawFrame(xhttp2.FrameHeaders, 0x4, id, []byte{0xff, 0xff, 0xff, 0xff, 0xff})
		}, "", "malformed"},
		"something within a header": {func(c *talker, id uint32) {
			_ = c.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: id, BlockFragment: c.fields(":status", "200")})
			_ = c.WritePing(false, [8]byte{})
		}, "", "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			s, p := talking(t, func(c *talker) {
				c.settings()
				for id := c.request(); id != 0; id = c.request() {
					tc.talk(c, id)
				}
			})
			a, body, err := ask(p, hello)
			if tc.err == "" {
				require.NoError(t, err)
				require.Equal(t, 200, a.Status)
			} else {
				require.ErrorContains(t, err, tc.err)
			}
			require.Equal(t, tc.body, body)
			require.EqualValues(t, 1, s.conns.Load(), "it is asked once")
		})
	}
}

// inPieces is a header in n frames.
func inPieces(c *talker, id uint32, n int) {
	block := c.fields(":status", "200", "a", strings.Repeat("x", 2*n))
	_ = c.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: id, BlockFragment: block[:1]})
	for i := 1; i < n-1; i++ {
		_ = c.WriteContinuation(id, false, block[i:i+1])
	}
	_ = c.WriteContinuation(id, true, block[max(1, n-1):])
}

// tooLarge is a header of more than anybody reads.
func tooLarge(c *talker, id uint32) {
	fields := []string{":status", "200"}
	for i := range 9 {
		fields = append(fields, "a"+strings.Repeat("b", i), strings.Repeat("{", 8000))
	}
	block := append([]byte(nil), c.fields(fields...)...)
	_ = c.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: id, BlockFragment: block[:16000]})
	for block = block[16000:]; len(block) > 16000; block = block[16000:] {
		_ = c.WriteContinuation(id, false, block[:16000])
	}
	_ = c.WriteContinuation(id, true, block)
}

// flood sends more than anybody has allowed.
func flood(c *talker, id uint32) {
	for range firstWindow/largestFrame + 1 {
		_ = c.WriteData(id, false, make([]byte, largestFrame))
	}
}

func TestAServerThatSendsMoreThanItMayLosesItsConnection(t *testing.T) {
	_, p := talking(t, func(c *talker) {
		c.settings()
		id := c.request()
		c.header(id, false, ":status", "200")
		flood(c, id)
		c.gone()
	})
	a, _, err := p.Do(&on{}, hello)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return p.Open.Load() == 0 }, 30*time.Second, time.Millisecond)
	_, err = io.ReadAll(a)
	require.ErrorContains(t, err, "malformed")
	require.NoError(t, a.Close())
}

func TestWhatAServerHasNotLookedAtIsSentAgain(t *testing.T) {
	for name, refuse := range map[string]func(c *talker, id uint32){
		"refused":             func(c *talker, id uint32) { _ = c.WriteRSTStream(id, xhttp2.ErrCodeRefusedStream) },
		"behind a goodbye":    func(c *talker, id uint32) { _ = c.WriteGoAway(0, xhttp2.ErrCodeNo, nil) },
		"behind two goodbyes": func(c *talker, id uint32) { _ = c.WriteGoAway(1<<31-1, 0, nil); _ = c.WriteGoAway(0, 0, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int64
			_, p := talking(t, func(c *talker) {
				c.settings()
				for id := c.request(); id != 0; id = c.request() {
					if asked.Add(1) == 1 {
						refuse(c, id)
					} else {
						c.answer(id)
					}
				}
			})
			_, body, err := ask(p, hello)
			require.NoError(t, err)
			require.Equal(t, `{"b":2}`, body)
			require.EqualValues(t, 2, asked.Load())
		})
	}
}

func TestAServerThatRefusesForEverIsAskedThreeTimes(t *testing.T) {
	var asked atomic.Int64
	_, p := talking(t, func(c *talker) {
		c.settings()
		for id := c.request(); id != 0; id = c.request() {
			asked.Add(1)
			_ = c.WriteRSTStream(id, xhttp2.ErrCodeRefusedStream)
		}
	})
	_, connected, err := p.Do(&on{}, hello)
	require.ErrorIs(t, err, errRefused)
	require.True(t, connected)
	require.EqualValues(t, mostTries, asked.Load())
}

func TestAConnectionThatSaysGoodbyeAtOnceIsNotMadeForEver(t *testing.T) {
	s, p := talking(t, func(c *talker) {
		c.settings()
		_ = c.WriteGoAway(0, xhttp2.ErrCodeNo, nil)
		c.gone()
	})
	_, _, err := p.Do(&on{}, hello)
	require.Error(t, err)
	require.LessOrEqual(t, s.conns.Load(), int64(mostConns+mostTries))
}

func TestAUsedConnectionThatDiesBeforeAnAnswerCostsANewOneOnceAndAFreshOneNothing(t *testing.T) {
	for _, dies := range []int64{1, 2} { // how many connections do so
		s, p := talking(t, func(c *talker) {
			c.settings()
			if id := c.request(); id != 0 && c.nth == 1 {
				c.answer(id)
				c.request()
			} else if c.nth > dies {
				c.answer(id)
				c.gone()
			}
		})
		_, _, err := ask(p, hello)
		require.NoError(t, err)
		_, body, err := ask(p, hello)
		require.EqualValues(t, 2, s.conns.Load())
		if dies == 1 {
			require.NoError(t, err)
			require.Equal(t, `{"b":2}`, body)
		} else {
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		}
	}
}

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
