package failover

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
)

// The failover tests judge the relay as an independent benchmark of gateways does: from the client's side, through the official
// SDKs, by what an answer says and how long it took; from the providers' side by how often each was asked, and when.

// sixtyWords is the answer of every provider that is well, in the pieces that it is streamed in.
func sixtyWords() (pieces []string) {
	for i := range 60 {
		pieces = append(pieces, fmt.Sprintf("word-%02d ", i))
	}
	return pieces
}

func theWholeAnswer() string { return strings.Join(sixtyWords(), "") }

// flaky is a provider whose first requests meet with a fault.
type flaky struct {
	*sdktest.Provider
	meet func(n int, w http.ResponseWriter, r *http.Request) (met bool)

	mu      sync.Mutex
	arrived []time.Time
}

// newFlaky starts one. meet is told which request it is, from 1 on, and says whether it has dealt with it; those that it has
// not are answered as the turn says.
func newFlaky(t *testing.T, d sdktest.Dialect, meet func(n int, w http.ResponseWriter, r *http.Request) bool, answer sdktest.Turn) *flaky {
	t.Helper()
	f := &flaky{Provider: &sdktest.Provider{Dialect: d, Turns: []sdktest.Turn{answer}}, meet: meet}
	f.Upstream = harness.NewUpstream(t, false, f.handle)
	return f
}

func (f *flaky) handle(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.arrived = append(f.arrived, time.Now())
	n := len(f.arrived)
	f.mu.Unlock()
	if f.meet == nil || !f.meet(n, w, r) {
		f.Serve(w, r)
	}
}

// asked is when the provider was asked.
func (f *flaky) asked() []time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]time.Time(nil), f.arrived...)
}

// meetsWith makes the first requests meet with an error in the words of the provider's dialect; times 0: all of them.
func meetsWith(d sdktest.Dialect, times int, refused sdktest.Refusal, header ...string) func(int, http.ResponseWriter, *http.Request) bool {
	p := &sdktest.Provider{Dialect: d}
	return func(n int, w http.ResponseWriter, _ *http.Request) bool {
		if times > 0 && n > times {
			return false
		}
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		p.Fail(w, &refused)
		return true
	}
}

// resets breaks the first connections with a reset before anything of an answer has been sent.
func resets(times int) func(int, http.ResponseWriter, *http.Request) bool {
	return func(n int, w http.ResponseWriter, _ *http.Request) bool {
		if n > times {
			return false
		}
		harness.ResetTCP(w)
		return true
	}
}

// isSilent never answers.
func isSilent(_ int, _ http.ResponseWriter, r *http.Request) bool {
	<-r.Context().Done()
	return true
}

// pair is a relay in front of a provider with a fault and, behind that, one that is well.
type pair struct {
	*harness.Relay
	primary, fallback *flaky // fallback nil: there is none
}

// newPair makes both providers speak d.
func newPair(t *testing.T, d sdktest.Dialect, primary *flaky, timeouts string, options ...harness.RelayOption) *pair {
	t.Helper()
	p := &pair{primary: primary, fallback: newFlaky(t, d, nil, sdktest.Turn{Text: sixtyWords()})}
	p.Relay = harness.StartRelay(t, "channels:\n"+primary.Channel("primary", 10, timeouts)+p.fallback.Channel("fallback", 0, ""), options...)
	return p
}

// alone makes the provider with the fault the only one.
func alone(t *testing.T, primary *flaky, timeouts string, options ...harness.RelayOption) *pair {
	t.Helper()
	return &pair{Relay: harness.StartRelay(t, "channels:\n"+primary.Channel("primary", 10, timeouts), options...), primary: primary}
}

// requireAsked checks how often each provider was asked.
func (p *pair) requireAsked(t *testing.T, primary, fallback int) {
	t.Helper()
	assert.Len(t, p.primary.asked(), primary, "requests to the primary")
	if p.fallback != nil {
		assert.Len(t, p.fallback.asked(), fallback, "requests to the fallback")
	}
}

// requireRescued asks and wants the whole answer.
func (p *pair) requireRescued(t *testing.T, ask func(sdktest.Question) (string, error)) {
	t.Helper()
	text, err := ask(sdktest.Question{Relay: p.Relay})
	require.NoError(t, err)
	require.Equal(t, theWholeAnswer(), text)
}

// requireAlive is what has to be true after every fault: the relay serves the next call.
func (p *pair) requireAlive(t *testing.T, s sdktest.Sdk) {
	t.Helper()
	if p.fallback != nil {
		p.requireRescued(t, s.Ask)
	}
	require.Eventually(t, func() bool { return p.Server.Pool().InFlight() == 0 && p.Server.Pool().OpenBodies() == 0 }, harness.Patience, time.Millisecond)
}
