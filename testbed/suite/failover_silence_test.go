package suite

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// How long a client waits for a provider that says nothing is what first_token and header say, and never what the provider
// would have taken.

// unhurried is what scheduling may add to a wait on a busy machine. What it is told from is a wait for a clock that is not set: the
// others are minutes long.
const unhurried = patience / 2

func TestASilentProviderCostsTheTimeThatItWasGivenAndNoMore(t *testing.T) {
	long(t)
	const wait = time.Second // in which the provider is asked, on a busy machine too
	everyWay(t, func(t *testing.T, s sdk, d dialect) {
		t.Parallel()
		bothForms(t, s, func(t *testing.T, ask func(question) (string, error)) {
			p := newPair(t, d, newFlaky(t, d, isSilent, turn{}), "header: 1s, first_token: 1s")
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
	long(t)
	const wait = time.Second // in which the provider is asked, on a busy machine too
	everyWay(t, func(t *testing.T, s sdk, d dialect) {
		t.Parallel()
		slow := make(chan struct{})
		defer close(slow)
		primary := newFlaky(t, d, nil, turn{rawSSE: []string{": OPENROUTER PROCESSING\n\n"}, wait: slow})
		p := newPair(t, d, primary, "first_token: 1s")
		began := time.Now()
		text, err := s.ask(question{relay: p.testRelay, onText: func(string) {}})
		took := time.Since(began)
		require.NoError(t, err)
		assert.Equal(t, theWholeAnswer(), text)
		assert.GreaterOrEqual(t, took, wait)
		assert.Less(t, took, wait+unhurried)
		p.requireAsked(t, 1, 1)
		assert.Equal(t, []string{"first_token_timeout", "completed"}, p.outcomes(2))
	})
}

// TestAKeepAliveToTheClientCommitsToNoProvider: the status has gone when the fallback is asked.
func TestAKeepAliveToTheClientCommitsToNoProvider(t *testing.T) {
	long(t)
	everyWay(t, func(t *testing.T, s sdk, d dialect) {
		t.Parallel()
		p := newPair(t, d, newFlaky(t, d, isSilent, turn{}), "first_token: 1s", withEnv("KEEPALIVE_INTERVAL", "50ms"))
		text, err := s.ask(question{relay: p.testRelay, onText: func(string) {}})
		require.NoError(t, err)
		assert.Equal(t, theWholeAnswer(), text)
		p.requireAsked(t, 1, 1)
	})
}
