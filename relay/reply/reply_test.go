package reply

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
)

// sink takes a response as net/http does, as far as the writer is concerned.
type sink struct {
	header http.Header
	bytes  int
	status int
}

func (s *sink) Header() http.Header    { return s.header }
func (s *sink) WriteHeader(status int) { s.status = status }
func (s *sink) FlushError() error      { return nil }

func (s *sink) Write(p []byte) (int, error) {
	s.bytes += len(p)
	return len(p), nil
}

func TestAWholeAnswerAllocatesNothingButItsLength(t *testing.T) {
	to, body := &sink{header: make(http.Header, 8)}, make([]byte, 12_345)
	var err error
	var w Writer
	assert.Equal(t, 1.0, testing.AllocsPerRun(100, func() {
		w = Writer{}
		w.Init(to, wire.OpenAI)
		err = w.Whole(body)
	}))
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, to.status)
	assert.Equal(t, http.Header{"Content-Type": {"application/json"}, "Content-Length": {"12345"}, "Date": to.header["Date"]}, to.header)
}

func TestAnEventAllocatesNothing(t *testing.T) {
	to, event := &sink{header: make(http.Header, 8)}, []byte("data: {}\n\n")
	var err error
	var w Writer
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		w = Writer{}
		w.Init(to, wire.OpenAI)
		for range 10 {
			if err = w.Write(event); err == nil {
				err = w.Flush()
			}
		}
	}))
	require.NoError(t, err)
	assert.Equal(t, "text/event-stream", to.header.Get("Content-Type"))
	assert.Equal(t, 101*10*len(event), to.bytes)
}

// Responses share the values of their headers. Whoever sets or adds one gets a value of his own.
func TestWhatIsDoneToTheHeaderOfOneResponseIsNotDoneToAnother(t *testing.T) {
	first, second := &sink{header: http.Header{}}, &sink{header: http.Header{}}
	for _, to := range []*sink{first, second} {
		var w Writer
		w.Init(to, wire.OpenAI)
		require.NoError(t, w.Write([]byte("data: {}\n\n")))
		to.header.Add("Cache-Control", "private")
		to.header.Set("X-Accel-Buffering", "yes")
	}
	assert.Equal(t, []string{"no-cache", "private"}, second.header["Cache-Control"])
	var w Writer
	third := &sink{header: http.Header{}}
	w.Init(third, wire.OpenAI)
	require.NoError(t, w.Write([]byte("data: {}\n\n")))
	delete(third.header, "Date")
	assert.Equal(t, http.Header{"Content-Type": {"text/event-stream"}, "Cache-Control": {"no-cache"}, "X-Accel-Buffering": {"no"}}, third.header)
}

// text is a sink that keeps what it gets.
type text struct {
	sink
	got     bytes.Buffer
	flushed chan struct{} // nil if the test does not look
}

func (s *text) Write(p []byte) (int, error) { return s.got.Write(p) }

func (s *text) FlushError() error {
	if s.flushed != nil {
		s.flushed <- struct{}{}
	}
	return nil
}

func newText() *text { return &text{sink: sink{header: http.Header{}}} }

const role, word = "data: {\"role\"}\n\n", "data: {\"word\"}\n\n"

func TestWhatPromisesNothingIsHeldBackUntilSomethingDoes(t *testing.T) {
	to := newText()
	var w Writer
	w.Init(to, wire.OpenAI)
	for range 2 {
		committed, err := w.Hold([]byte(role))
		require.NoError(t, err)
		assert.False(t, committed)
	}
	assert.False(t, w.Started())
	assert.Zero(t, w.Status())
	assert.Empty(t, to.got.String())
	require.NoError(t, w.Write([]byte(word)))
	assert.True(t, w.Started())
	committed, err := w.Hold([]byte(role))
	require.NoError(t, err)
	assert.True(t, committed, "there is nothing to be won by holding back any more")
	assert.Equal(t, role+role+word+role, to.got.String())
}

func TestWhatWasHeldBackForAChannelThatFailedIsForgotten(t *testing.T) {
	to := newText()
	var w Writer
	w.Init(to, wire.OpenAI)
	_, err := w.Hold([]byte(role))
	require.NoError(t, err)
	w.Drop()
	require.NoError(t, w.Write([]byte(word)))
	assert.Equal(t, word, to.got.String())

	to = newText()
	w = Writer{}
	w.Init(to, wire.OpenAI)
	_, err = w.Hold([]byte(role))
	require.NoError(t, err)
	w.Drop()
	w.Fail(&wire.Error{Status: http.StatusBadGateway, Message: "m"})
	assert.Equal(t, http.StatusBadGateway, to.status)
	assert.NotContains(t, to.got.String(), "role")
}

func TestNoMoreIsHeldBackThanTheBound(t *testing.T) {
	to := newText()
	var w Writer
	w.Init(to, wire.OpenAI)
	sent := 0
	for {
		committed, err := w.Hold([]byte(role))
		require.NoError(t, err)
		sent += len(role)
		require.Equal(t, sent > mostHeld, committed)
		if committed {
			break
		}
	}
	assert.True(t, w.Started())
	assert.Equal(t, sent, to.got.Len(), "all of it is sent then")
}

func TestWhatIsHeldBackIsSentWhenAKeepAliveIsDue(t *testing.T) {
	to := newText()
	to.flushed = make(chan struct{})
	var w Writer
	w.Init(to, wire.OpenAI)
	_, err := w.Hold([]byte(role))
	require.NoError(t, err)
	w.KeepAlive(time.Millisecond)
	<-to.flushed
	assert.True(t, w.Started(), "what was promised is promised")
	<-to.flushed
	go func() { // one more may be on its way
		for range to.flushed {
		}
	}()
	w.Close()
	close(to.flushed)
	assert.True(t, strings.HasPrefix(to.got.String(), role+": ping\n\n"), to.got.String())
}

func TestAnErrorSaysInItsHeaderWhetherAndWhenToTryAgain(t *testing.T) {
	for _, test := range []struct {
		err    wire.Error
		page   bool
		header http.Header
	}{
		{wire.Error{Status: 429}, false, http.Header{"Retry-After": {"1"}}},
		{wire.Error{Status: 503, RetryAfter: 3 * time.Second}, false, http.Header{"Retry-After": {"3"}}},
		{wire.Error{Status: 429, RetryAfter: 1242 * time.Millisecond}, false, http.Header{"Retry-After": {"2"}, "Retry-After-Ms": {"1242"}}},
		{wire.Error{Status: 500, Header: http.Header{"X-Should-Retry": {"false"}}}, false, http.Header{"X-Should-Retry": {"false"}}},
		{
			wire.Error{Status: 429, RetryAfter: 250 * time.Microsecond, Header: http.Header{"X-Ratelimit-Remaining-Tokens": {"0"}, "X-Should-Retry": {"true"}}}, true,
			http.Header{
				"Retry-After": {"1"}, "Retry-After-Ms": {"1"}, "X-Ratelimit-Remaining-Tokens": {"0"}, "X-Should-Retry": {"true"},
				"Access-Control-Expose-Headers": {"Retry-After, Retry-After-Ms, X-Ratelimit-Remaining-Tokens, X-Should-Retry"},
			},
		},
	} {
		to := &sink{header: http.Header{}}
		if test.page {
			to.header.Set("Access-Control-Expose-Headers", "Retry-After")
		}
		before := test.err.Header.Clone()
		var w Writer
		w.Init(to, wire.OpenAI)
		w.Fail(&test.err)
		delete(to.header, "Content-Type")
		delete(to.header, "Content-Length")
		assert.Equal(t, test.header, to.header)
		assert.Equal(t, before, test.err.Header, "it may be told once more")
	}
}

func TestAnAnswersDateIsThatOfItsSecond(t *testing.T) {
	for range 3 {
		before := time.Now().Truncate(time.Second)
		said, err := http.ParseTime(dateAt(now())[0])
		require.NoError(t, err)
		assert.False(t, said.Before(before), "%s is before %s", said, before)
		assert.False(t, said.After(time.Now()))
		latest := latestDate.Load()
		assert.Same(t, &dateAt(latest.until - 1)[0], &latest.value[0], "it is written once a second")
		_ = dateAt(latest.until)
		assert.NotSame(t, latest, latestDate.Load(), "and not kept for longer")
	}
}
