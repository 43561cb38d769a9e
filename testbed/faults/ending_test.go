package faults

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/channel"
	"one-api/relay/outcome"
	"one-api/relay/wire"
	"one-api/testbed/harness"
)

// requireEnding is the end of a case: nothing is left, every attempt and every request was recorded once and as what it was, and
// every client got a whole answer or an honest error.
func (s *scene) requireEnding(t *testing.T, all map[string]harness.Heard, want harness.Ending) {
	t.Helper()
	s.quiet()
	for _, w := range s.ways {
		t.Run(w.Name, func(t *testing.T) { s.requireEndingOf(t, w, all[w.Name], want) })
	}
}

// requireEndings is requireEnding for several cases, by their names.
func (s *scene) requireEndings(t *testing.T, all map[string]harness.Heard, want map[string]harness.Ending) {
	t.Helper()
	s.quiet()
	for _, w := range s.ways {
		t.Run(w.Name, func(t *testing.T) { s.requireEndingOf(t, w, all[w.Name], want[w.Of]) })
	}
}

func (s *scene) requireEndingOf(t *testing.T, w harness.Way, h harness.Heard, want harness.Ending) {
	t.Helper()
	require.NoError(t, h.Err)
	s.requireDiscreet(t, h)
	ended, second := want.Outcome, []outcome.Outcome(nil)
	switch {
	case want.Outcome == outcome.Completed && want.Shaped:
		requireAnswerInEvents(w, t, h)
	case want.Outcome == outcome.Completed && want.Silent:
		w.RequireEnd(t, s.Variant, h)
	case want.Outcome == outcome.Completed:
		w.RequireAnswer(t, s.Variant, h, harness.FromFaulty)
	case want.Cut && s.Stream:
		requireCut(w, t, h, want)
	case s.Second && !want.Final:
		w.RequireAnswer(t, s.Variant, h, harness.FromHealthy)
		ended, second = outcome.Completed, []outcome.Outcome{outcome.Completed}
	default:
		w.RequireError(t, h, want)
	}
	tries := s.triesAt(w, want)
	require.Equal(t, slices.Repeat([]outcome.Outcome{want.Outcome}, tries), s.outcomesOf(w.Name), "attempts at the channel that fails")
	require.Equal(t, second, s.outcomesOf(secondOf(w)), "attempts at the second channel")
	s.requireAhead(t, w)
	ends := s.endsOf(w.Name)
	require.Len(t, ends, 1)
	require.Equal(t, ended, ends[0].Outcome)
	sent := tries
	if want.Unsent {
		sent = 0
	}
	require.Equal(t, s.attemptsAhead()+sent+len(second), ends[0].Asked())
	require.Equal(t, h.Status, ends[0].Status)
}

// triesAt is how often the channel that fails is asked: once more, where no other channel is left, after a fault that may pass.
func (s *scene) triesAt(w harness.Way, want harness.Ending) int {
	for _, a := range s.Recorded() {
		if a.Channel.Name == w.Name && !s.Second && (!want.Cut || !s.Stream) && a.Transient(false) {
			return 2
		}
	}
	return 1
}

// requireAhead is for the channel before the one that fails, where there is one: it was asked once, and refused.
func (s *scene) requireAhead(t *testing.T, w harness.Way) {
	t.Helper()
	require.Len(t, s.outcomesOf(ahead(w)), s.attemptsAhead())
	for _, as := range s.outcomesOf(ahead(w)) {
		require.Equal(t, outcome.UpstreamStatus, as)
	}
}

// attemptsAhead is how many attempts a call makes before it comes to the channel that fails.
func (s *scene) attemptsAhead() int {
	if s.Last {
		return 1
	}
	return 0
}

// requireDiscreet looks for what only the operator may know.
func (s *scene) requireDiscreet(t *testing.T, h harness.Heard) {
	t.Helper()
	require.NotContains(t, h.Text, "sk-up-")
	for _, u := range s.upstreams() {
		require.NotContains(t, h.Text, u.Listener.Addr().String())
	}
}

// requireAnswerInEvents is for a stream that is complete, as a parser sees it.
func requireAnswerInEvents(w harness.Way, t *testing.T, h harness.Heard) {
	t.Helper()
	require.Equal(t, http.StatusOK, h.Status)
	require.Contains(t, h.Header.Get("Content-Type"), "text/event-stream")
	all := dataIn(t, h.Text)
	require.NotEmpty(t, all)
	require.Equal(t, lastData(w), all[len(all)-1], "the stream's last event is not its end")
	require.NotContains(t, all[:len(all)-1], lastData(w))
}

// lastData is the data of the terminator.
func lastData(w harness.Way) string {
	_, data, _ := strings.Cut(strings.TrimSpace(w.Terminator()), "data: ")
	return data
}

// requireCut is for a stream that broke: its last event says so, and nothing says that it is complete.
func requireCut(w harness.Way, t *testing.T, h harness.Heard, want harness.Ending) {
	t.Helper()
	require.Equal(t, http.StatusOK, h.Status, h.Text)
	require.Equal(t, 1, strings.Count(h.Text, harness.FromFaulty), h.Text)
	require.NotContains(t, h.Text, harness.FromHealthy)
	require.NotContains(t, h.Text, w.Terminator())
	blocks := strings.Split(strings.TrimSuffix(h.Text, "\n\n"), "\n\n")
	last := blocks[len(blocks)-1]
	if w.Client == wire.Anthropic {
		require.True(t, strings.HasPrefix(last, "event: error\ndata: "), last)
		last = strings.TrimPrefix(last, "event: error\n")
	}
	require.True(t, strings.HasPrefix(last, "data: "), last)
	require.Equal(t, 1, strings.Count(h.Text, `"error":{`), h.Text)
	w.RequireErrorObject(t, h, strings.TrimPrefix(last, "data: "), want)
}

// requireUnharmed is for a channel that is not to blame: a call that its client gave up says nothing about it.
func (s *scene) requireUnharmed(t *testing.T, name string) {
	t.Helper()
	snapshot := s.Server.Pool().Set().Get(name).Snapshot(time.Now())
	require.Equal(t, channel.Healthy, snapshot.State)
	require.Zero(t, snapshot.ConsecutiveFailures)
	require.Nil(t, snapshot.LastFailure)
	require.Equal(t, 1, snapshot.Keys.Usable)
}
