package http2

import (
	"io"
	"strings"
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
		}, good, "said goodbye before"},
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
		"a stream's that is too large": {func(c *talker, id uint32) {
			_ = c.WriteWindowUpdate(id, 1<<31-1)
		}, "", "malformed"},
		"a stream's that is too large, in the midst of its answer": {func(c *talker, id uint32) {
			c.header(id, false, ":status", "200")
			c.data(id, false, good)
			_ = c.WriteWindowUpdate(id, 1<<31-1)
		}, good, "malformed"},
		"a stream's that is too large, behind its answer": {func(c *talker, id uint32) {
			c.answer(id)
			_ = c.WriteWindowUpdate(id, 1<<31-1)
		}, good, ""},
		"a frame that is too large": {func(c *talker, id uint32) { _ = c.WriteRawFrame(xhttp2.FrameData, 0, id, make([]byte, largestFrame+1)) }, "", "malformed"},
		"a frame of an extension":   {func(c *talker, id uint32) { _ = c.WriteRawFrame(0xee, 0xff, id, []byte("x")); c.answer(id) }, good, ""},
		"a priority":                {func(c *talker, id uint32) { _ = c.WritePriority(id, xhttp2.PriorityParam{}); c.answer(id) }, good, ""},
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

// TestConnectionsThatTakeNothingArePutAway of a server that says so in its settings, and refuses who asks all the same.
func TestConnectionsThatTakeNothingArePutAway(t *testing.T) {
	s, p := talking(t, func(c *talker) {
		c.settings(xhttp2.Setting{ID: xhttp2.SettingMaxConcurrentStreams, Val: 0})
		for id := c.request(); id != 0; id = c.request() {
			_ = c.WriteRSTStream(id, xhttp2.ErrCodeRefusedStream)
		}
	})
	const calls = 5
	for range calls {
		_, _, err := p.Do(&on{}, hello)
		require.Error(t, err)
	}
	require.LessOrEqual(t, s.conns.Load(), int64(calls*(mostConns+mostTries)))
	require.Eventually(t, func() bool { return p.Open.Load() == 0 }, 30*time.Second, time.Millisecond, "nobody waits for one of them")
}
