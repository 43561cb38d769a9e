package failover

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
)

// How long a client waits for a provider that says nothing is what first_token and header say, and never what the provider
// would have taken.

// unhurried is what scheduling may add to a wait on a busy machine. What it is told from is a wait for a clock that is not set: the
// others are minutes long.
const unhurried = harness.Patience / 2

func TestASilentProviderCostsTheTimeThatItWasGivenAndNoMore(t *testing.T) {
	harness.Long(t)
	const wait = time.Second // in which the provider is asked, on a busy machine too
	sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
		t.Parallel()
		sdktest.BothForms(t, s, func(t *testing.T, ask func(sdktest.Question) (string, error)) {
			p := newPair(t, d, newFlaky(t, d, isSilent, sdktest.Turn{}), "header: 1s, first_token: 1s")
			began := time.Now()
			p.requireRescued(t, ask)
			took := time.Since(began)
			assert.GreaterOrEqual(t, took, wait)
			assert.Less(t, took, wait+unhurried)
			p.requireAsked(t, 1, 1)
			p.requireAlive(t, s)
		})
	})
}

// TestASlowFirstTokenCostsTheTimeThatItWasGivenAndNoMore has the header at once and then nothing for a long time.
func TestASlowFirstTokenCostsTheTimeThatItWasGivenAndNoMore(t *testing.T) {
	harness.Long(t)
	const wait = time.Second // in which the provider is asked, on a busy machine too
	sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
		t.Parallel()
		slow := make(chan struct{})
		defer close(slow)
		primary := newFlaky(t, d, nil, sdktest.Turn{RawSSE: []string{": OPENROUTER PROCESSING\n\n"}, Wait: slow})
		p := newPair(t, d, primary, "first_token: 1s")
		began := time.Now()
		text, err := s.Ask(sdktest.Question{Relay: p.Relay, OnText: func(string) {}})
		took := time.Since(began)
		require.NoError(t, err)
		assert.Equal(t, theWholeAnswer(), text)
		assert.GreaterOrEqual(t, took, wait)
		assert.Less(t, took, wait+unhurried)
		p.requireAsked(t, 1, 1)
		assert.Equal(t, []string{"first_token_timeout", "completed"}, p.Outcomes(2))
	})
}

// TestAKeepAliveToTheClientCommitsToNoProvider: the status has gone when the fallback is asked.
func TestAKeepAliveToTheClientCommitsToNoProvider(t *testing.T) {
	harness.Long(t)
	sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
		t.Parallel()
		p := newPair(t, d, newFlaky(t, d, isSilent, sdktest.Turn{}), "first_token: 1s", harness.WithEnv("KEEPALIVE_INTERVAL", "50ms"))
		text, err := s.Ask(sdktest.Question{Relay: p.Relay, OnText: func(string) {}})
		require.NoError(t, err)
		assert.Equal(t, theWholeAnswer(), text)
		p.requireAsked(t, 1, 1)
	})
}
