package credential

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// asked is a token endpoint on the bubble's clock.
type asked struct {
	*Source
	times   atomic.Int64
	takes   time.Duration
	life    time.Duration
	fails   atomic.Pointer[error]
	running atomic.Int64
	warned  atomic.Int64
}

func newAsked(life, takes time.Duration) *asked {
	a := &asked{life: life, takes: takes}
	a.Source = newSource(func(ctx context.Context) (*Token, error) {
		n := a.times.Add(1)
		select {
		case <-time.After(a.takes):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if fails := a.fails.Load(); fails != nil {
			return nil, *fails
		}
		return newToken(fmt.Sprint("token-", n), a.life), nil
	}, Options{Running: &a.running, Failed: func(error) { a.warned.Add(1) }})
	return a
}

func (a *asked) failsBy(err error) { a.fails.Store(&err) }

func (a *asked) get(t *testing.T) string {
	t.Helper()
	token, err := a.Wait(t.Context())
	require.NoError(t, err)
	return token.Header()[0]
}

func TestAThousandCallsWaitForOneToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsked(time.Hour, time.Second)
		defer a.Retire()
		require.Nil(t, a.Kept())
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() { require.Equal(t, "Bearer token-1", a.get(t)) })
		}
		synctest.Wait()
		require.EqualValues(t, goroutines, a.running.Load())
		all.Wait()
		require.EqualValues(t, 1, a.times.Load())
		synctest.Wait()
		require.Zero(t, a.running.Load())
	})
}

// TestATokenInUseIsRenewedInTime at three quarters of its life, without anybody who waits for it, and not where nobody uses it.
func TestATokenInUseIsRenewedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsked(time.Hour, time.Second)
		defer a.Retire()
		a.get(t)
		for hour := int64(1); hour <= 3; hour++ {
			require.Equal(t, fmt.Sprint("Bearer token-", hour), a.Kept().Header()[0])
			time.Sleep(45 * time.Minute)
			synctest.Wait() // the clock of the renewal has gone off
			require.Equal(t, fmt.Sprint("Bearer token-", hour), a.Kept().Header()[0], "calls go on with the one before")
			time.Sleep(a.takes)
			synctest.Wait()
			require.EqualValues(t, hour+1, a.times.Load())
		}
		time.Sleep(24 * time.Hour) // in which nobody calls
		require.EqualValues(t, 4, a.times.Load())
		require.Nil(t, a.Kept(), "it has expired")
		require.Equal(t, "Bearer token-5", a.get(t))
	})
}

// TestATokenThatIsOldIsRenewedByWhoeverUsesIt once it has been idle when its clock went off.
func TestATokenThatIsOldIsRenewedByWhoeverUsesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsked(time.Hour, time.Second)
		defer a.Retire()
		first, err := a.Wait(t.Context())
		require.NoError(t, err)
		a.used.Store(false)
		time.Sleep(50 * time.Minute)
		require.EqualValues(t, 1, a.times.Load())
		for range 100 {
			require.Equal(t, first, a.Kept())
		}
		time.Sleep(2 * time.Second)
		require.EqualValues(t, 2, a.times.Load())
		require.Equal(t, "Bearer token-2", a.Kept().Header()[0])
	})
}

func TestATokenIsNotShownWhenItIsAboutToExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsked(time.Hour, 0)
		defer a.Retire()
		a.get(t)
		a.failsBy(&Error{Text: "no"})
		time.Sleep(time.Hour - margin - time.Millisecond)
		require.NotNil(t, a.Kept())
		time.Sleep(time.Millisecond)
		require.Nil(t, a.Kept())
	})
}

// TestAFailureIsToldToAllAndNotAskedForAgainAtOnce, and the pause grows.
func TestAFailureIsToldToAllAndNotAskedForAgainAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsked(time.Hour, time.Millisecond)
		defer a.Retire()
		a.failsBy(&Error{Refused: true, Text: "status 401 invalid_client"})
		ask := func() {
			_, err := a.Wait(t.Context())
			var known *Error
			require.ErrorAs(t, err, &known)
			require.True(t, known.Refused)
		}
		for n, pause := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, time.Minute, time.Minute} {
			ask()
			for range 50 {
				ask()
			}
			require.EqualValues(t, n+1, a.times.Load())
			time.Sleep(pause - time.Millisecond)
			ask()
			require.EqualValues(t, n+1, a.times.Load())
			time.Sleep(time.Millisecond)
		}
		a.fails.Store(nil)
		a.get(t)
	})
}

// TestATokenIsUsedToItsEndWhereItCannotBeRenewed, which the operator is told, and a new one is there as soon as it can be had.
func TestATokenIsUsedToItsEndWhereItCannotBeRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsked(time.Hour, time.Millisecond)
		defer a.Retire()
		a.get(t)
		require.NotNil(t, a.Kept())
		a.failsBy(errors.New("Post \"https://login.example/tenant\": refused"))
		for range 5 {
			time.Sleep(10 * time.Minute)
			require.NotNil(t, a.Kept())
		}
		require.Positive(t, a.warned.Load())
		asked := a.times.Load()
		require.Greater(t, asked, int64(3))
		require.Less(t, asked, int64(20), "it is not asked all the time")
		a.fails.Store(nil)
		time.Sleep(2 * time.Minute)
		require.NotEqual(t, "Bearer token-1", a.Kept().Header()[0])
		_, err := a.Wait(t.Context())
		require.NoError(t, err)
	})
}

func TestAnErrorHasNoAddressInIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsked(time.Hour, 0)
		defer a.Retire()
		a.failsBy(errors.New("Post \"https://login.example/my-tenant\": dial tcp 10.0.0.1:443"))
		_, err := a.Wait(t.Context())
		require.EqualError(t, err, "the token endpoint could not be asked: the connection failed")
	})
}

func TestAWaitEndsWithItsCallAndTheTokenComesForTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsked(time.Hour, 5*time.Second)
		defer a.Retire()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := a.Wait(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, "Bearer token-1", a.get(t))
		require.EqualValues(t, 1, a.times.Load())
	})
}

// TestAnEndpointThatNeverAnswersIsGivenUp, so that the next call asks anew.
func TestAnEndpointThatNeverAnswersIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsked(time.Hour, 24*time.Hour)
		defer a.Retire()
		_, err := a.Wait(t.Context())
		require.Error(t, err)
		require.Zero(t, a.running.Load())
	})
}

// TestAReplacedSourceEndsWhatNobodyWaitsFor, and serves those who do.
func TestAReplacedSourceEndsWhatNobodyWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsked(time.Hour, 5*time.Second)
		var waits sync.WaitGroup
		waits.Go(func() { require.Equal(t, "Bearer token-1", a.get(t)) })
		synctest.Wait()
		a.Retire()
		waits.Wait()
		a.Kept()
		time.Sleep(3 * time.Hour)
		require.EqualValues(t, 1, a.times.Load(), "it is not renewed any more")

		require.Equal(t, "Bearer token-2", a.get(t), "a call that still has it is served")

		b := newAsked(time.Hour, 5*time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		waits.Go(func() { _, _ = b.Wait(ctx) })
		synctest.Wait()
		b.Retire()
		cancel()
		waits.Wait()
		synctest.Wait()
		require.Zero(t, b.running.Load())
	})
}

// TestARefusedTokenIsReplaced at once if the upstream has taken it before or it is old, and else not before the next call.
func TestARefusedTokenIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsked(time.Hour, 0)
		defer a.Retire()
		token, err := a.Wait(t.Context())
		require.NoError(t, err)
		require.False(t, a.Refused(token))
		require.Nil(t, a.Kept())
		token, err = a.Wait(t.Context())
		require.NoError(t, err)
		token.Accepted()
		require.True(t, a.Refused(token))
		newer, err := a.Wait(t.Context())
		require.NoError(t, err)
		require.True(t, a.Refused(token))
		require.Equal(t, newer, a.Kept(), "a late refusal says nothing of the newer one")
		time.Sleep(oldEnough)
		require.True(t, a.Refused(newer))
	})
}

func TestAPanicInAFetchIsItsFailure(t *testing.T) {
	s := newSource(func(context.Context) (*Token, error) { panic("secret") }, Options{})
	_, err := s.Wait(t.Context())
	require.EqualError(t, err, "asking for a token failed: string")
	s.Retire()
}

func TestATokenThatIsThereCostsNothing(t *testing.T) {
	s := newSource(func(context.Context) (*Token, error) { return newToken("x", time.Hour), nil }, Options{})
	defer s.Retire()
	_, err := s.Wait(t.Context())
	require.NoError(t, err)
	require.Zero(t, testing.AllocsPerRun(100, func() { s.Kept() }))
}
