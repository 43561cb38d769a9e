package store

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEveryGoroutineOfAnOpenDatabaseIsAccountedFor(t *testing.T) {
	each(t, func(t *testing.T, target Target) {
		before := runtime.NumGoroutine()
		balances := func(s *Store, when string) {
			require.Eventually(t, func() bool { return int64(runtime.NumGoroutine()-before-waiter) == s.Goroutines() }, 30*time.Second, time.Millisecond, when)
		}
		s := opened(t, target)
		balances(s, "it is open, and nobody has asked")
		tablesOf(t, s)
		balances(s, "somebody has read")
		s.Reopen(errors.New("it is away"))
		require.Zero(t, s.Goroutines())
		balances(s, "it is away")
		require.NoError(t, s.Ready(context.Background()))
		balances(s, "it is back")
		require.NotZero(t, s.Goroutines())
		var none *Store
		require.Zero(t, none.Goroutines())
	})
}

// waiter is the goroutine that require.Eventually looks from.
const waiter = 1
