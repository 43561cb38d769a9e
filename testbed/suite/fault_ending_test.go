package suite

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/channel"
	"one-api/relay/outcome"
	"one-api/relay/wire"
)

// ending is what a fault leads to.
type ending struct {
	outcome outcome.Outcome // of the attempt that fails; Completed: it does not, and the client gets its answer
	status  int             // what the client is told where no other channel answers
	code    string          // the error's code, for OpenAI's clients; empty: any
	message string          // a part of the error's message
	header  map[string]string
	unsent  bool // nothing was sent to the upstream
	final   bool // no other channel is asked
	shaped  bool // the answer is no clean text: it is passed on with the liberties that its upstream took
	silent  bool // the answer has no text
	cut     bool // a stream has begun by then: it ends with an error, and is not taken up by another channel
}

// requireEnding is the end of a case: nothing is left, every attempt and every request was recorded once and as what it was, and
// every client got a whole answer or an honest error.
func (s *scene) requireEnding(t *testing.T, all map[string]heard, want ending) {
	t.Helper()
	s.quiet()
	for _, w := range s.ways {
		t.Run(w.name, func(t *testing.T) { s.requireEndingOf(t, w, all[w.name], want) })
	}
}

// requireEndings is requireEnding for several cases, by their names.
func (s *scene) requireEndings(t *testing.T, all map[string]heard, want map[string]ending) {
	t.Helper()
	s.quiet()
	for _, w := range s.ways {
		t.Run(w.name, func(t *testing.T) { s.requireEndingOf(t, w, all[w.name], want[w.of]) })
	}
}

func (s *scene) requireEndingOf(t *testing.T, w way, h heard, want ending) {
	t.Helper()
	require.NoError(t, h.err)
	s.requireDiscreet(t, h)
	ended, second := want.outcome, []outcome.Outcome(nil)
	switch {
	case want.outcome == outcome.Completed && want.shaped:
		w.requireAnswerInEvents(t, h)
	case want.outcome == outcome.Completed && want.silent:
		w.requireEnd(t, s.variant, h)
	case want.outcome == outcome.Completed:
		w.requireAnswer(t, s.variant, h, fromFaulty)
	case want.cut && s.stream:
		w.requireCut(t, h, want)
	case s.second && !want.final:
		w.requireAnswer(t, s.variant, h, fromHealthy)
		ended, second = outcome.Completed, []outcome.Outcome{outcome.Completed}
	default:
		w.requireError(t, h, want)
	}
	tries := s.triesAt(w, want)
	require.Equal(t, slices.Repeat([]outcome.Outcome{want.outcome}, tries), s.outcomesOf(w.name), "attempts at the channel that fails")
	require.Equal(t, second, s.outcomesOf(w.second()), "attempts at the second channel")
	s.requireAhead(t, w)
	ends := s.endsOf(w.name)
	require.Len(t, ends, 1)
	require.Equal(t, ended, ends[0].Outcome)
	sent := tries
	if want.unsent {
		sent = 0
	}
	require.Equal(t, s.attemptsAhead()+sent+len(second), ends[0].Asked())
	require.Equal(t, h.status, ends[0].Status)
}

// triesAt is how often the channel that fails is asked: once more, where no other channel is left, after a fault that may pass.
func (s *scene) triesAt(w way, want ending) int {
	for _, a := range s.recorded() {
		if a.Channel.Name == w.name && !s.second && (!want.cut || !s.stream) && a.Transient(false) {
			return 2
		}
	}
	return 1
}

// requireAhead is for the channel before the one that fails, where there is one: it was asked once, and refused.
func (s *scene) requireAhead(t *testing.T, w way) {
	t.Helper()
	require.Len(t, s.outcomesOf(w.ahead()), s.attemptsAhead())
	for _, as := range s.outcomesOf(w.ahead()) {
		require.Equal(t, outcome.UpstreamStatus, as)
	}
}

// attemptsAhead is how many attempts a call makes before it comes to the channel that fails.
func (s *scene) attemptsAhead() int {
	if s.last {
		return 1
	}
	return 0
}

// requireDiscreet looks for what only the operator may know.
func (s *scene) requireDiscreet(t *testing.T, h heard) {
	t.Helper()
	require.NotContains(t, h.text, "sk-up-")
	for _, u := range s.upstreams() {
		require.NotContains(t, h.text, u.Listener.Addr().String())
	}
}

// requireAnswer is for an answer that is complete in the client's format.
func (w way) requireAnswer(t *testing.T, v variant, h heard, text string) {
	t.Helper()
	require.Equal(t, 1, strings.Count(h.text, text), h.text)
	w.requireEnd(t, v, h)
}

// requireEnd is for an answer that has come to its end, whatever it says.
func (w way) requireEnd(t *testing.T, v variant, h heard) {
	t.Helper()
	require.Equal(t, http.StatusOK, h.status, h.text)
	require.NotContains(t, h.text, "error")
	if !v.stream {
		var object map[string]any
		require.NoError(t, json.Unmarshal([]byte(h.text), &object), h.text)
		return
	}
	require.Contains(t, h.header.Get("Content-Type"), "text/event-stream")
	require.True(t, strings.HasSuffix(h.text, w.terminator()), h.text)
	require.Equal(t, 1, strings.Count(h.text, w.terminator()), h.text)
}

// requireAnswerInEvents is for a stream that is complete, as a parser sees it.
func (w way) requireAnswerInEvents(t *testing.T, h heard) {
	t.Helper()
	require.Equal(t, http.StatusOK, h.status)
	require.Contains(t, h.header.Get("Content-Type"), "text/event-stream")
	all := dataIn(t, h.text)
	require.NotEmpty(t, all)
	require.Equal(t, w.lastData(), all[len(all)-1], "the stream's last event is not its end")
	require.NotContains(t, all[:len(all)-1], w.lastData())
}

// lastData is the data of the terminator.
func (w way) lastData() string {
	_, data, _ := strings.Cut(strings.TrimSpace(w.terminator()), "data: ")
	return data
}

func (w way) terminator() string { return voice{w.client == wire.Anthropic}.terminator() }

// requireError is for an error that is the whole answer.
func (w way) requireError(t *testing.T, h heard, want ending) {
	t.Helper()
	require.Equal(t, want.status, h.status, h.text)
	require.Contains(t, h.header.Get("Content-Type"), "application/json")
	for name, value := range want.header {
		require.Equal(t, value, h.header.Get(name), name)
	}
	w.requireErrorObject(t, h, h.text, want)
}

// requireCut is for a stream that broke: its last event says so, and nothing says that it is complete.
func (w way) requireCut(t *testing.T, h heard, want ending) {
	t.Helper()
	require.Equal(t, http.StatusOK, h.status, h.text)
	require.Equal(t, 1, strings.Count(h.text, fromFaulty), h.text)
	require.NotContains(t, h.text, fromHealthy)
	require.NotContains(t, h.text, w.terminator())
	blocks := strings.Split(strings.TrimSuffix(h.text, "\n\n"), "\n\n")
	last := blocks[len(blocks)-1]
	if w.client == wire.Anthropic {
		require.True(t, strings.HasPrefix(last, "event: error\ndata: "), last)
		last = strings.TrimPrefix(last, "event: error\n")
	}
	require.True(t, strings.HasPrefix(last, "data: "), last)
	require.Equal(t, 1, strings.Count(h.text, `"error":{`), h.text)
	w.requireErrorObject(t, h, strings.TrimPrefix(last, "data: "), want)
}

func (w way) requireErrorObject(t *testing.T, h heard, text string, want ending) {
	t.Helper()
	var object struct {
		Type  string
		Error struct {
			Type, Message string
			Code          *string
		}
	}
	require.NoError(t, json.Unmarshal([]byte(text), &object), text)
	require.NotEmpty(t, object.Error.Type, text)
	require.Contains(t, object.Error.Message, want.message)
	require.True(t, strings.HasSuffix(object.Error.Message, " (request id: "+h.header.Get("X-Oneapi-Request-Id")+")"), text)
	if w.client == wire.Anthropic {
		require.Equal(t, "error", object.Type, text)
		return
	}
	if want.code != "" {
		require.NotNil(t, object.Error.Code, text)
		require.Equal(t, want.code, *object.Error.Code)
	}
}

// requireUnharmed is for a channel that is not to blame: a call that its client gave up says nothing about it.
func (s *scene) requireUnharmed(t *testing.T, name string) {
	t.Helper()
	snapshot := s.server.Pool().Set().Get(name).Snapshot(time.Now())
	require.Equal(t, channel.Healthy, snapshot.State)
	require.Zero(t, snapshot.ConsecutiveFailures)
	require.Nil(t, snapshot.LastFailure)
	require.Equal(t, 1, snapshot.Keys.Usable)
}
