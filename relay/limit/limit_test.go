package limit

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/config"
)

// clock is a time that a test sets.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newTest(t *testing.T, c *config.Config) (*Keeper, *Set, *clock) {
	t.Helper()
	at := &clock{time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)} // a Monday
	k := NewKeeper(time.UTC, at.now)
	return k, k.NewSet(c), at
}

func one(limits config.Limits, budget config.Budget) *config.Config {
	return &config.Config{Tokens: []config.Token{{Name: "t", Groups: []string{"default"}, Limits: limits, Budget: budget}}}
}

// atCost is a price of one nano-dollar a token.
func atCost(input, output int64) int64 { return input + output }

func TestATokenWithoutLimitsIsNotLookedAt(t *testing.T) {
	_, s, _ := newTest(t, &config.Config{Tokens: []config.Token{{Name: "t"}}})
	assert.Nil(t, s.Of("t"))
	assert.Nil(t, (*Set)(nil).Of("t"))
	(*Reservation)(nil).Leave(1, 1, 1)
	assert.True(t, (*Reservation)(nil).Grow(&Ask{}))
}

func TestRequestsInAnyMinuteAreExact(t *testing.T) {
	_, s, at := newTest(t, one(config.Limits{RPM: 3}, config.Budget{}))
	b := s.Of("t")
	enter := func() *Over {
		c, over := b.Enter(&Ask{})
		c.Leave(0, 0, 0)
		return over
	}
	for range 3 {
		require.Nil(t, enter())
		at.at = at.at.Add(10 * time.Second)
	}
	over := enter()
	require.NotNil(t, over)
	assert.Equal(t, Over{Limit: Requests, Scope: OfToken, Name: "t", Limits: config.Limits{RPM: 3}, Used: 3, Most: 3, Wait: 30 * time.Second}, *over)
	requests, tokens, reset, _ := b.Left(OfToken, "t")
	assert.Equal(t, []int64{0, -1}, []int64{requests, tokens})
	assert.Equal(t, 50*time.Second, reset)
	at.at = at.at.Add(30*time.Second - time.Nanosecond)
	assert.NotNil(t, enter(), "a refused one does not count, and the first still does")
	at.at = at.at.Add(time.Nanosecond)
	assert.Nil(t, enter())
	assert.NotNil(t, enter())
}

func TestTokensAMinuteAreReservedAndThenCounted(t *testing.T) {
	_, s, at := newTest(t, one(config.Limits{TPM: 1000}, config.Budget{}))
	b := s.Of("t")
	first, over := b.Enter(&Ask{Input: 500})
	require.Nil(t, over)
	_, over = b.Enter(&Ask{Input: 500})
	require.NotNil(t, over, "756 are reserved, and 756 more would be too many")
	assert.Equal(t, Tokens, over.Limit)
	first.Leave(600, 100, 0)
	second, over := b.Enter(&Ask{Input: 100})
	require.Nil(t, over)
	second.Leave(400, 250, 0)
	_, over = b.Enter(&Ask{Input: 100})
	require.NotNil(t, over)
	assert.Equal(t, int64(1000), over.Used)
	assert.InDelta(t, 60, over.Wait.Seconds(), 2)
	at.at = at.at.Add(62 * time.Second)
	alone, over := b.Enter(&Ask{Input: 100_000})
	require.Nil(t, over, "one that is alone is let through: how much it takes is only a guess")
	_, over = b.Enter(&Ask{})
	assert.NotNil(t, over)
	alone.Leave(1, 1, 0)
}

func TestABudgetIsPassedByNoMoreThanWhatOneCallTakesBeyondItsReservation(t *testing.T) {
	_, s, at := newTest(t, one(config.Limits{}, config.Budget{Nano: 10_000, Per: config.PerDay}))
	b := s.Of("t")
	require.True(t, b.Money)
	var mu sync.Mutex
	admitted, most := 0, int64(0)
	open := atomic.Int64{}
	var all sync.WaitGroup
	for range 500 {
		all.Go(func() {
			mu.Lock() // the clock is not made for many
			c, over := b.Enter(&Ask{Model: "m", Input: 744, Price: atCost})
			mu.Unlock()
			if over != nil {
				assert.Equal(t, Budget, over.Limit)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			admitted++
			most = max(most, open.Add(1))
			c.Leave(1000, 256, 1000)
			open.Add(-1)
		})
	}
	all.Wait()
	s.Budgets(func(u Used) {
		assert.Equal(t, Used{OfToken, "t", 10_000, 0, 10_000, config.PerDay}, u)
	})
	assert.Equal(t, 10, admitted)
	_, over := b.Enter(&Ask{Price: atCost})
	require.NotNil(t, over)
	assert.Equal(t, 12*time.Hour, over.Wait, "until midnight")
	at.at = at.at.Add(12 * time.Hour)
	c, over := b.Enter(&Ask{Price: atCost})
	require.Nil(t, over)
	c.Leave(1, 1, 1)
}

func TestNothingStaysReserved(t *testing.T) {
	k, s, _ := newTest(t, &config.Config{
		Tokens: []config.Token{{Name: "t", Groups: []string{"a", "b"}, Limits: config.Limits{RPM: 1000, TPM: 1_000_000, Concurrent: 10}}, {Name: "u", Groups: []string{"b"}}},
		Groups: map[string]config.Group{"a": {Limits: config.Limits{Concurrent: 2}}, "b": {Budget: config.Budget{Nano: 1000, Per: config.PerTotal}}},
		Limits: config.Limits{Concurrent: 5}, Budget: config.Budget{Nano: 1_000_000, Per: config.PerWeek},
	})
	b := s.Of("t")
	first, over := b.Enter(&Ask{Price: atCost})
	require.Nil(t, over)
	for range 100 {
		_, over = b.Enter(&Ask{Input: 5000, Price: atCost}) // over the budget of a group
		require.NotNil(t, over)
		require.Equal(t, OfGroup, over.Scope)
	}
	other, over := s.Of("u").Enter(&Ask{Price: atCost})
	require.Nil(t, over)
	first.Leave(10, 5, 10)
	other.Leave(10, 5, 10)
	for _, m := range k.meters {
		assert.Zero(t, m.open, m.named)
		assert.Zero(t, m.reserved, m.named)
		assert.Zero(t, m.purse.reserved, m.named)
	}
	assert.Equal(t, int64(20), k.meters[named{OfAll, ""}].purse.spent)
	assert.Equal(t, int64(20), k.meters[named{OfGroup, "b"}].purse.spent)
}

func TestCountsOutliveReloadsByName(t *testing.T) {
	c := one(config.Limits{RPM: 2}, config.Budget{Nano: 100, Per: config.PerMonth})
	k, s, _ := newTest(t, c)
	open, over := s.Of("t").Enter(&Ask{})
	require.Nil(t, over)
	c = one(config.Limits{RPM: 2, Concurrent: 5}, config.Budget{Nano: 200, Per: config.PerMonth})
	s = k.NewSet(c)
	_, over = s.Of("t").Enter(&Ask{})
	require.Nil(t, over)
	_, over = s.Of("t").Enter(&Ask{})
	require.NotNil(t, over)
	open.Leave(0, 0, 50)
	s.Budgets(func(u Used) { assert.Equal(t, int64(50), u.Spent) })
	k.NewSet(&config.Config{})
	assert.Empty(t, k.meters)
}

func TestBudgetsBeginWithWhatTheLedgerKnows(t *testing.T) {
	spent := []Spent{
		{"t", "", 0, 1}, {"t", "", 20261101, 10}, {"t", "", 20261129, 100}, {"t", "", 20261130, 1000}, {"u", "", 20261130, 5}, {"gone", "", 20261130, 7},
		{"", "Ann", 0, 10000}, {"", "Bob", 0, 90000},
	}
	for per, want := range map[config.Period]map[Scope]int64{
		config.PerDay:   {OfToken: 1000, OfOwner: 1005, OfGroup: 1005, OfAll: 1012},
		config.PerWeek:  {OfToken: 1000, OfOwner: 1005, OfGroup: 1005, OfAll: 1012},
		config.PerMonth: {OfToken: 1110, OfOwner: 1115, OfGroup: 1115, OfAll: 1122},
		config.PerTotal: {OfToken: 1111, OfOwner: 11116, OfGroup: 1116, OfAll: 1123},
	} {
		budget := config.Budget{Nano: 1_000_000, Per: per}
		c := &config.Config{
			Tokens: []config.Token{{Name: "t", Groups: []string{"g"}, Budget: budget, Owner: "Ann"}, {Name: "u", Groups: []string{"g"}, Owner: "Ann"}},
			Groups: map[string]config.Group{"g": {Budget: budget}}, Budget: budget, Owners: map[string]config.Owner{"Ann": {Budget: budget}},
		}
		k, s, _ := newTest(t, c)
		k.Begin(c, spent)
		k.Begin(c, spent) // again changes nothing
		got := map[Scope]int64{}
		s.Budgets(func(u Used) { got[u.Scope] = u.Spent })
		assert.Equal(t, want, got, per)
	}
}

func TestALargerModelIsMadeOnlyIfTheBudgetAdmitsIt(t *testing.T) {
	_, s, _ := newTest(t, one(config.Limits{}, config.Budget{Nano: 1000, Per: config.PerTotal}))
	b := s.Of("t")
	other, over := b.Enter(&Ask{Input: 44, Price: atCost})
	require.Nil(t, over)
	c, over := b.Enter(&Ask{Input: 44, Price: atCost})
	require.Nil(t, over)
	assert.False(t, c.Grow(&Ask{Input: 1000, Price: atCost}), "300 of the rest are another's")
	other.Leave(0, 0, 0)
	assert.True(t, c.Grow(&Ask{Input: 700, Price: atCost}))
	c.Leave(5, 5, 5)
	s.Budgets(func(u Used) { assert.Equal(t, []int64{5, 0}, []int64{u.Spent, u.Reserved}) })
}

func TestWhatAModelPutsOutIsLearntByToken(t *testing.T) {
	_, s, _ := newTest(t, one(config.Limits{TPM: 1_000_000}, config.Budget{}))
	b := s.Of("t")
	reserved := func(a Ask) int64 {
		c, over := b.Enter(&a)
		require.Nil(t, over)
		defer c.Leave(0, 0, 0)
		return c.tokens
	}
	assert.Equal(t, int64(10+256), reserved(Ask{Model: "m", Input: 10}))
	assert.Equal(t, int64(10+20), reserved(Ask{Model: "m", Input: 10, MaxOutput: 20}))
	assert.Equal(t, int64(10+3*256), reserved(Ask{Model: "m", Input: 10, Choices: 3}))
	for i := range 100 {
		c, _ := b.Enter(&Ask{Model: "m"})
		c.Leave(0, int64(1000+i), 0)
	}
	learnt := reserved(Ask{Model: "m"})
	assert.Greater(t, learnt, int64(1090))
	assert.Less(t, learnt, int64(1100))
	assert.Equal(t, int64(256), reserved(Ask{Model: "other"}))
	assert.Equal(t, int64(500), reserved(Ask{Model: "m", MaxOutput: 500}))
}

func TestWeeksBeginOnMondayAndMonthsOnTheirFirst(t *testing.T) {
	zone, err := time.LoadLocation("Asia/Shanghai")
	require.NoError(t, err)
	k := NewKeeper(zone, time.Now)
	at := time.Date(2026, 11, 29, 17, 0, 0, 0, time.UTC) // Monday, 1 o'clock, there
	assert.Equal(t, 20261130, k.firstDay(config.PerWeek, at))
	assert.Equal(t, 20261130, k.firstDay(config.PerDay, at))
	assert.Equal(t, 20261101, k.firstDay(config.PerMonth, at))
	assert.Equal(t, 0, k.firstDay(config.PerTotal, at))
	assert.Equal(t, time.Date(2026, 12, 7, 0, 0, 0, 0, zone), k.periodEnd(config.PerWeek, at))
	assert.True(t, k.periodEnd(config.PerTotal, at).IsZero())
}

func TestACallOfATokenWithLimitsAllocatesNothing(t *testing.T) {
	_, s, _ := newTest(t, one(config.Limits{RPM: 1_000_000, TPM: 1_000_000_000, Concurrent: 10}, config.Budget{Nano: 1 << 60, Per: config.PerDay}))
	b := s.Of("t")
	ask := Ask{Model: "m", Input: 10, Price: atCost}
	for range 2000 { // its ring has grown by then
		c, _ := b.Enter(&ask)
		c.Leave(10, 5, 1)
	}
	assert.Less(t, testing.AllocsPerRun(1000, func() {
		c, _ := b.Enter(&ask)
		c.Leave(10, 5, 1)
	}), 0.1)
}

func BenchmarkEnterAndLeave(b *testing.B) {
	at := time.Now()
	k := NewKeeper(time.UTC, func() time.Time { return at })
	s := k.NewSet(&config.Config{
		Tokens: []config.Token{{Name: "t", Groups: []string{"default"}, Limits: config.Limits{TPM: 1 << 30, Concurrent: 10}, Budget: config.Budget{Nano: 1 << 60, Per: config.PerDay}}},
		Groups: map[string]config.Group{"default": {Budget: config.Budget{Nano: 1 << 60, Per: config.PerDay}}},
	})
	bounds := s.Of("t")
	ask := Ask{Model: "m", Input: 10, Price: atCost}
	b.ReportAllocs()
	for b.Loop() {
		c, _ := bounds.Enter(&ask)
		c.Leave(10, 5, 1)
	}
}

func TestAllTokensOfAnOwnerShareItsBudget(t *testing.T) {
	c := &config.Config{
		Tokens: []config.Token{{Name: "t", Owner: "Ann"}, {Name: "u", Owner: "Ann"}, {Name: "v", Owner: "Bob"}, {Name: "w"}},
		Owners: map[string]config.Owner{"Ann": {Budget: config.Budget{Nano: 100, Per: config.PerTotal}}},
	}
	_, s, _ := newTest(t, c)
	require.Nil(t, s.Of("v"), "of another owner nothing is said")
	require.Nil(t, s.Of("w"), "and nobody's tokens are not one owner's")
	call, over := s.Of("t").Enter(&Ask{})
	require.Nil(t, over)
	call.Leave(0, 0, 100)
	for _, name := range []string{"t", "u"} {
		_, over = s.Of(name).Enter(&Ask{Input: 1, Price: atCost})
		require.NotNil(t, over)
		require.Equal(t, Over{Limit: Budget, Scope: OfOwner, Name: "Ann", Used: 100, Most: 100, Per: config.PerTotal}, *over)
	}
}

func TestWhatIsReservedIsWhatOpenCallsHoldAndAPhantomIsSeen(t *testing.T) {
	k, s, _ := newTest(t, one(config.Limits{TPM: 100000, Concurrent: 10}, config.Budget{Nano: 1e6}))
	b := s.Of("t")
	inFlight := func(ids ...string) func(func(string)) {
		return func(visit func(string)) {
			for _, id := range ids {
				visit(id)
			}
		}
	}
	var calls []*Reservation
	for _, id := range []string{"a", "b", "c"} {
		c, over := b.Enter(&Ask{ID: id, Input: 10, Price: atCost})
		require.Nil(t, over)
		calls = append(calls, c)
	}
	assert.Zero(t, k.Balance(inFlight("a", "b", "c", "d")))
	require.True(t, calls[1].Grow(&Ask{Model: "larger", Input: 10, Price: func(i, o int64) int64 { return 9 * (i + o) }}))
	assert.Zero(t, k.Balance(inFlight("a", "b", "c")))
	assert.EqualValues(t, 1, k.Balance(inFlight("a", "c")), "b is over, and still holds something")
	calls[1].Leave(1, 1, 1)
	assert.Zero(t, k.Balance(inFlight("a", "c")))
	calls[0].Leave(1, 1, 1)
	calls[2].Leave(1, 1, 1)
	assert.Zero(t, k.Balance(inFlight()))
	b.levels[0].meter.purse.reserved += 7
	assert.EqualValues(t, 7, k.Balance(inFlight()), "as if somebody had settled too little")
}

func TestTheBalanceIsRightWhileCallsComeAndGo(t *testing.T) {
	k, s, _ := newTest(t, one(config.Limits{TPM: 1e9}, config.Budget{Nano: 1e12}))
	b := s.Of("t")
	var mu sync.Mutex
	flights := map[string]bool{}
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 500 {
				id := string(rune('a'+worker)) + string(rune('0'+i%10)) + time.Duration(i).String()
				mu.Lock()
				flights[id] = true
				mu.Unlock()
				c, _ := b.Enter(&Ask{ID: id, Input: 10, Price: atCost})
				c.Leave(10, 5, 15)
				mu.Lock()
				delete(flights, id)
				mu.Unlock()
			}
		})
	}
	for range 200 {
		require.Zero(t, k.Balance(func(visit func(string)) {
			mu.Lock()
			defer mu.Unlock()
			for id := range flights {
				visit(id)
			}
		}))
	}
	all.Wait()
}
