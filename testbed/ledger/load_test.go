package ledger

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// The clients' keys: of the calls whose cost providers say, of those with guesses among them, and one with a budget.
const (
	knownKey   = "sk-known-0123456789abcdef"
	guessedKey = "sk-guessed-0123456789abcdef"
	poorKey    = "sk-poor-0123456789abcdef"
)

// poorCalls is how many calls the budget is good for.
const poorCalls = 12

// load is calls whose cost is known, and what has been seen of them.
type load struct {
	t      *testing.T
	relay  *relay
	left   sync.Map
	number atomic.Int64
	killed atomic.Bool // the relay was: what is under way fails

	mu   sync.Mutex
	made []made
}

// lateMoment is how long before a kill the calls were answered of which nothing need be remembered: 100 ms on a machine that has nothing
// else to do.
const lateMoment = 1500 * time.Millisecond

// made is a call whose client has been answered, or has left.
type made struct {
	id     string
	kind   *kind
	well   bool // it was a good call of that kind's channels
	answer time.Time
	took   time.Duration
}

// rows is what is to be remembered of it.
func (m *made) rows() []row {
	if m.well {
		return []row{good(m.kind.first)}
	}
	return m.kind.rows
}

func newLoad(t *testing.T, binary string, env ...string) *load {
	l := &load{t: t}
	at := map[string]*provider{}
	for name, dialect := range dialects {
		at[name] = newProvider(t, dialect, acts(), &l.left)
	}
	yaml := channels(at) + prices + fmt.Sprintf("tokens:\n  - {name: known, key: %s}\n  - {name: guessed, key: %s}\n  - {name: poor, key: %s, budget: {usd: %.9f, per: total}}\n",
		knownKey, guessedKey, poorKey, float64(poorCalls*known("openai"))/1e9)
	l.relay = newRelay(t, binary, yaml, env...)
	return l
}

// rounds makes calls of every kind at once, n times one after the other. Behind each call come two good ones on the same channels, so
// that these are not passed over for what they do.
func (l *load) rounds(n int) {
	var all sync.WaitGroup
	for i := range kinds {
		all.Go(func() {
			for range n {
				if l.killed.Load() {
					return
				}
				l.call(&kinds[i], false)
				l.call(&kinds[i], true)
				l.call(&kinds[i], true)
			}
		})
	}
	all.Wait()
}

func (l *load) call(k *kind, well bool) {
	number := int(l.number.Add(1))
	text, leaves := k.name, k.leaves && !well
	if well {
		text = "well"
	}
	path, body := k.request(number, text)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.relay.url+path, strings.NewReader(body))
	if !assert.NoError(l.t, err) {
		return
	}
	key := knownKey
	if k.guessed {
		key = guessedKey
	}
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	began := time.Now()
	response, err := l.relay.client.Do(request)
	if err != nil {
		assert.True(l.t, l.killed.Load(), "%s: %v", k.name, err)
		return
	}
	if leaves {
		err = l.leaves(response.Body, cancel, number)
	} else {
		_, err = io.Copy(io.Discard, response.Body)
	}
	_ = response.Body.Close()
	want := http.StatusOK
	if k.status != 0 && !well {
		want = k.status
	}
	if err != nil {
		assert.True(l.t, l.killed.Load(), "%s: %v", k.name, err)
		return
	}
	assert.Equal(l.t, want, response.StatusCode, k.name)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made = append(l.made, made{response.Header.Get("X-Oneapi-Request-Id"), k, well, time.Now(), time.Since(began)})
}

// leaves reads the first piece of an answer, and leaves.
func (l *load) leaves(body io.Reader, cancel func(), number int) error {
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Once") {
			cancel()
			left, _ := l.left.LoadOrStore(number, make(chan struct{}))
			close(left.(chan struct{}))
			return nil
		}
	}
	return errors.Join(io.ErrUnexpectedEOF, lines.Err())
}

// untilAway makes calls until the relay says that its database takes nothing.
func (l *load) untilAway(database *database) {
	l.t.Helper()
	says := func() bool { return strings.Contains(l.relay.log.String(), "takes no rows") }
	for range 100 {
		l.rounds(1)
		if says() {
			return
		}
		if database.waits(l.relay) > 0 { // it may be given ten seconds for a transaction
			l.eventually("the database has not taken what it was given, or has", func() bool { return says() || database.waits(l.relay) == 0 })
		}
	}
	l.t.Fatalf("the database takes everything: %s", l.relay.log)
}

// requireNobodyWaits makes calls that begin and end while the database is away. One that waited for it would take the two seconds that
// it is given.
func (l *load) requireNobodyWaits() {
	l.t.Helper()
	before := l.answered()
	l.rounds(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	var took []time.Duration
	for _, m := range l.made[before:] {
		took = append(took, m.took)
	}
	slices.Sort(took)
	l.t.Logf("while the database is away half of %d calls take %v at the most, and all %v", len(took), took[len(took)/2], took[len(took)-1])
	require.Len(l.t, took, 3*len(kinds), "nobody fails")
	require.Less(l.t, took[len(took)/2], 1500*time.Millisecond)
}

// answered is how many calls have been.
func (l *load) answered() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.made)
}

func (l *load) eventually(what string, condition func() bool) {
	l.t.Helper()
	if !assert.Eventually(l.t, condition, harness.Patience, 10*time.Millisecond, what) {
		l.t.Fatalf("%s", l.relay.log)
	}
}

// spend makes many calls at once that together are dearer than the budget, and then calls until it is spent. The budget is passed by no
// more than what the calls then open cost beyond what they reserve, which is nothing here, and the last one.
func (l *load) spend() {
	l.t.Helper()
	answered := atomic.Int64{}
	spend := func() (spent bool) {
		got, spent := l.spendsOnce()
		if got {
			answered.Add(1)
		}
		return spent
	}
	var all sync.WaitGroup
	for range 60 {
		all.Go(func() { spend() })
	}
	all.Wait()
	l.eventually("the budget is spent", spend)
	require.GreaterOrEqual(l.t, answered.Load(), int64(poorCalls))
	require.LessOrEqual(l.t, answered.Load(), int64(poorCalls+1))
	l.requirePoor(int(answered.Load()))
}

// spendsOnce makes one of them. spent: there is nothing left, and nothing of what others have reserved will be.
func (l *load) spendsOnce() (answered, spent bool) {
	body := fmt.Sprintf(`{"model":"whole","max_tokens":7,"messages":[{"role":"user","content":"call %d: well"}]}`, l.number.Add(1))
	request, err := http.NewRequest(http.MethodPost, l.relay.url+"/v1/chat/completions", strings.NewReader(body))
	if !assert.NoError(l.t, err) {
		return false, false
	}
	request.Header.Set("Authorization", "Bearer "+poorKey)
	request.Header.Set("Content-Type", "application/json")
	response, err := l.relay.client.Do(request)
	if !assert.NoError(l.t, err) {
		return false, false
	}
	text, err := io.ReadAll(response.Body)
	assert.NoError(l.t, errors.Join(err, response.Body.Close()))
	if response.StatusCode != http.StatusOK {
		assert.Equal(l.t, http.StatusTooManyRequests, response.StatusCode)
		assert.Contains(l.t, string(text), "insufficient_quota")
	}
	return response.StatusCode == http.StatusOK, response.Header.Get("X-Should-Retry") == "false"
}

// requirePoor checks what the key with the budget has spent, and that there is no more.
func (l *load) requirePoor(calls int) {
	l.t.Helper()
	want := nano(int64(calls) * known("openai"))
	l.eventually("what was spent is remembered", func() bool {
		by, ok := l.relay.usage()
		return ok && by["poor"].CostUSD == want && by["poor"].Requests == int64(calls)
	})
	var token struct {
		SpentUSD nano `json:"spent_usd"`
	}
	require.Equal(l.t, http.StatusOK, l.relay.ask("/api/token/poor", &token))
	require.Equal(l.t, want, token.SpentUSD)
}

// check compares what is remembered with what was. killed is when the relay was, if it was: of what was answered just before, and of what
// a client had left, nothing need be there then.
func (l *load) check(database *database, killed time.Time) {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var sums [2]used
	found, missing := 0, time.Duration(0)
	if killed.IsZero() {
		l.eventually("all of it has been written", func() bool {
			by, ok := l.relay.usage()
			return ok && by["known"].Requests+by["guessed"].Requests >= int64(len(l.made))
		})
	} else {
		l.eventually("what there is has been written", func() bool {
			_, ok := l.relay.usage()
			return ok && database.waits(l.relay) == 0
		})
	}
	for i := range l.made {
		m := &l.made[i]
		var is logged
		switch status := l.relay.ask("/api/requests/"+m.id, &is); {
		case status == http.StatusOK:
		case status == http.StatusNotFound && !killed.IsZero() && (killed.Sub(m.answer) < lateMoment || m.kind.leaves && !m.well):
			if !m.kind.leaves || m.well {
				missing = max(missing, killed.Sub(m.answer))
			}
			continue
		default:
			require.Equal(l.t, http.StatusOK, status, "%s of %s, answered at %s", m.id, m.kind.name, m.answer)
		}
		found++
		l.checkRows(m, &is, &sums[number(m.kind.guessed)])
	}
	by, ok := l.relay.usage()
	require.True(l.t, ok)
	if killed.IsZero() {
		for i, token := range []string{"known", "guessed"} {
			sums[i].Token = token
			require.Equal(l.t, sums[i], by[token])
		}
	}
	require.Zero(l.t, by["known"].Estimated)
	l.t.Logf("%d calls made, %d remembered, the others of the last %v: %+v", len(l.made), found, missing.Round(time.Millisecond), by)
	database.requireBalanced(l.t)
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (l *load) checkRows(m *made, is *logged, sum *used) {
	l.t.Helper()
	rows := m.rows()
	require.Len(l.t, is.Attempts, len(rows), "%s: %+v", m.kind.name, is)
	for i, want := range rows {
		a := &is.Attempts[i]
		require.Equal(l.t, []any{m.kind.name + "-" + want.dialect, want.source}, []any{a.Channel, a.Source}, "%s, well: %v, %+v", m.kind.name, m.well, is)
		require.Contains(l.t, strings.Split(want.outcome, " or "), a.Outcome, "%s, well: %v, %+v", m.kind.name, m.well, is)
		require.False(l.t, a.Unpriced)
		if want.cost >= 0 {
			require.EqualValues(l.t, want.cost, a.CostUSD, "%s: %+v", m.kind.name, is)
		} else {
			require.Positive(l.t, a.InputTokens, m.kind.name)
			require.GreaterOrEqual(l.t, a.OutputTokens, int64(len(pieces)), m.kind.name)
			require.EqualValues(l.t, cost(want.dialect, a.InputTokens-a.CachedTokens-a.CacheWriteTokens, a.CachedTokens, a.CacheWriteTokens, a.OutputTokens), a.CostUSD, "%s: %+v", m.kind.name, is)
			if want.dialect == "anthropic" {
				require.EqualValues(l.t, 25, a.InputTokens, "it has said that at the beginning")
			}
			sum.Estimated++
		}
		sum.Attempts++
		sum.CostUSD += a.CostUSD
		sum.ChargeUSD += a.ChargeUSD
	}
	sum.Requests++
}
