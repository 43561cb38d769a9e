package channel

import (
	"bytes"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/config"
	"one-api/relay/provider"
)

// TestACallThatDoesNotEndWhenItIsToldToIsCountedAsUnexplained holds a call open that was told to end: nothing in the relay
// does so, and this is what would show if something did.
func TestACallThatDoesNotEndWhenItIsToldToIsCountedAsUnexplained(t *testing.T) {
	log := &logged{}
	p := NewPool(PoolOptions{
		Providers: map[string]Type{"plain": {Lanes: plain{}.lanes, Provider: provider.Provider{Name: "plain"}}}, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	defer p.Close()
	p.Apply([]config.Channel{testChannel("stuck")})
	slot, refusal := p.Set().Begin(&SelectRequest{Caller: Caller{AllGroups: true}, Model: "m"})
	require.Nil(t, refusal)
	x := occupy(slot)
	expected := p.ExpectedGoroutines()

	now := time.Now()
	p.lookForOverdue(now)
	require.Zero(t, p.Overdue(), "nobody has told it")
	p.Set().Get("stuck").Cut()
	p.lookForOverdue(now.Add(overdueAfter / 2))
	require.Zero(t, p.Overdue(), "it may still be at it")
	late := time.Now().Add(overdueAfter + time.Minute)
	p.lookForOverdue(late)
	require.EqualValues(t, 1, p.Overdue())
	require.Equal(t, expected-1, p.ExpectedGoroutines())
	require.Contains(t, log.String(), "channel=stuck calls=1")

	x.leave()
	p.lookForOverdue(late.Add(time.Minute))
	require.Zero(t, p.Overdue())
	require.Equal(t, expected, p.ExpectedGoroutines())
}

// logged is a log that may be read while it is written.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
