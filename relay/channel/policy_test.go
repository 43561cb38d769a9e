package channel

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/breaker"
	"one-api/relay/config"
	"one-api/relay/outcome"
)

// leastBusy is a policy that somebody might write: the candidate with the fewest calls in flight, whatever its priority.
type leastBusy struct{}

func (leastBusy) Select(from Candidates) (least *Channel) {
	for c := range from.All() {
		if least == nil || c.InFlight() < least.InFlight() {
			least = c
		}
	}
	return least
}

func TestAnotherPolicyIsOneMethod(t *testing.T) {
	p := NewPool(PoolOptions{
		Providers: map[string]Type{"plain": {Lanes: plain{}.lanes, Provider: plainProvider}}, Log: slog.New(slog.DiscardHandler), Policy: leastBusy{},
	})
	defer p.Close()
	full := func(c *config.Channel) { c.MaxConcurrent = 2 }
	p.Apply([]config.Channel{
		testChannel("first", func(c *config.Channel) { c.Priority = 1 }, full), testChannel("second", full),
		testChannel("others'", func(c *config.Channel) { c.Groups = []string{"vip"} }), testChannel("off", func(c *config.Channel) { c.Disabled = true }),
	})
	var names []string
	for range 5 {
		slot, refusal := p.Set().Begin(want())
		if refusal != nil {
			names = append(names, string(refusal.Reason))
			continue
		}
		names = append(names, slot.Channel.Name)
		defer occupy(slot).leave()
	}
	assert.Equal(t, []string{"first", "second", "first", "second", string(outcome.OverLimit)}, names)
	w := want(func(w *SelectRequest) { w.Model = "nobody's" })
	_, refusal := p.Set().Begin(w)
	require.NotNil(t, refusal)
}

func TestTheOperatorIsToldOnceOfAChannelThatIsPassedOverAndOfAKeyThatIsRefusedAndWhenTheyAreBack(t *testing.T) {
	var said bytes.Buffer
	now := time.Now()
	p := NewPool(PoolOptions{
		Providers: map[string]Type{"plain": {Lanes: plain{}.lanes, Provider: plainProvider}}, Log: slog.New(slog.NewTextHandler(&said, nil)),
		Now: func() time.Time { return now },
	})
	defer p.Close()
	p.Apply([]config.Channel{testChannel("a", func(c *config.Channel) { c.Keys = []string{"secret-1", "secret-2"} })})
	ends := func(o outcome.Outcome, class outcome.Class) {
		slot, refusal := p.Set().Begin(want())
		require.Nil(t, refusal)
		call := occupy(slot)
		r := Result{Channel: slot.Channel, Key: slot.Key, Outcome: o, Class: class, Sent: true, RequestID: "r1"}
		if o != outcome.Completed {
			r.Failure = &outcome.Failure{Outcome: o, Class: class, Detail: "no such key as secret-1 or secret-2"}
		}
		call.Conclude(&r)
		slot.Channel.Leave(&call.call)
	}
	for range 2 * breaker.FailuresToCool {
		ends(outcome.ConnectFailed, outcome.ClassNone)
	}
	assert.Equal(t, 1, strings.Count(said.String(), "a channel is passed over"), said.String())
	now = now.Add(time.Minute)
	ends(outcome.Completed, outcome.ClassNone)
	assert.Equal(t, 1, strings.Count(said.String(), "a channel is in use again"))

	said.Reset()
	ends(outcome.UpstreamStatus, outcome.ClassKeyRefused)
	assert.Equal(t, 1, strings.Count(said.String(), "a key was refused and rests"), said.String())
	assert.Contains(t, said.String(), "of=2 request_id=r1")
	assert.NotContains(t, said.String(), "secret-")
	p.Set().Get("a").SetDisabled(false)
	assert.Equal(t, 1, strings.Count(said.String(), "a key that was refused works again"))
}
