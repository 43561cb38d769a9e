package telemetry

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// everything is a channel that serves every model and names some.
func everything(name string, models ...string) Configured {
	return Configured{Name: name, Provider: "openai", Models: models, Serves: func(string) bool { return true }}
}

// attempted are the series of attempts in one collection: when each began, by "channel model".
func attempted(t *testing.T, m *Metrics) map[string]time.Time {
	t.Helper()
	scopes, err := m.Produce(context.Background())
	require.NoError(t, err)
	began := map[string]time.Time{}
	for _, metric := range scopes[0].Metrics {
		if metric.Name != ChannelAttempts {
			continue
		}
		for _, p := range metric.Data.(metricdata.Sum[int64]).DataPoints {
			began[valueOf(p.Attributes, AttrChannel)+" "+valueOf(p.Attributes, AttrModel)] = p.StartTime
		}
	}
	return began
}

// asked are the models of clients' requests in one collection.
func asked(t *testing.T, m *Metrics) (models []string) {
	t.Helper()
	scopes, err := m.Produce(context.Background())
	require.NoError(t, err)
	for _, metric := range scopes[0].Metrics {
		if metric.Name == RequestDuration {
			for _, p := range metric.Data.(metricdata.Histogram[float64]).DataPoints {
				models = append(models, valueOf(p.Attributes, AttrModel))
			}
		}
	}
	slices.Sort(models)
	return models
}

func valueOf(attributes attribute.Set, key string) string {
	v, _ := attributes.Value(attribute.Key(key))
	return v.AsString()
}

func ended(model string) *Attempt {
	return &Attempt{Operation: "chat", Model: model, Outcome: "completed", Duration: time.Second}
}

func TestMadeUpNamesDoNotHideTheModelsThatTheConfigurationNames(t *testing.T) {
	m := New(500)
	channels := m.Configure([]Configured{everything("a", "listed", strings.Repeat("long", 100)), everything("b")})
	for i := range 600 {
		name := fmt.Sprintf("made-up-%d", i)
		channels[0].Attempt(ended(name))
		m.Request(&Request{Operation: "chat", Model: name, Known: true, Outcome: "completed"})
	}
	require.Equal(t, int64(2*100), m.folded.n.Load())
	for _, name := range []string{"listed", strings.Repeat("long", 100)} {
		channels[0].Attempt(ended(name))
		channels[1].Attempt(ended(name)) // a glob of its own covers it
		m.Request(&Request{Operation: "chat", Model: name, Known: true, Outcome: "completed"})
		require.Contains(t, attempted(t, m), "a "+name)
		require.Contains(t, attempted(t, m), "b "+name)
		require.Contains(t, asked(t, m), name)
	}
	require.Equal(t, int64(2*100), m.folded.n.Load())

	m.Configure([]Configured{everything("a", "made-up-7", "made-up-599", "late"), everything("b")}) // and one that comes later
	channels[0].Attempt(ended("late"))
	channels[0].Attempt(ended("made-up-599"))
	channels[0].Attempt(ended("new-1")) // there is the place that made-up-7 had
	channels[0].Attempt(ended("new-2"))
	began := attempted(t, m)
	for _, name := range []string{"late", "made-up-7", "made-up-599", "new-1"} {
		require.Contains(t, began, "a "+name)
	}
	require.NotContains(t, began, "a new-2")
}

func TestNamesThatNobodyServesTakeNoPlace(t *testing.T) {
	m := New(2)
	c := m.Configure([]Configured{everything("a")})[0]
	for i := range 100 {
		unknown := &Attempt{Operation: "chat", Model: fmt.Sprintf("nonsense-%d", i), Outcome: "upstream_status", ErrorType: "404", Status: 404}
		c.Attempt(unknown)
		unknown.Status, unknown.ErrorType, unknown.Unserved = 400, "400", true // as others say it
		c.Attempt(unknown)
		m.Request(&Request{Operation: "chat", Model: unknown.Model, Known: true, Outcome: "upstream_status", ErrorType: "404", Status: 404})
		m.Request(&Request{Operation: "chat", Model: unknown.Model, Known: true, Outcome: "rejected", Rejected: "limit", Status: 429})
	}
	require.Zero(t, m.folded.n.Load(), "they are not too many, they are none")
	for _, name := range []string{"one", "two"} {
		c.Attempt(ended(name))
		m.Request(&Request{Operation: "chat", Model: name, Known: true, Outcome: "completed", Status: 200})
	}
	c.Attempt(&Attempt{Operation: "chat", Model: "one", Outcome: "upstream_status", ErrorType: "404", Status: 404})
	require.ElementsMatch(t, []string{"a " + OtherModel, "a one", "a two"}, slices.Collect(keysOf(attempted(t, m))))
	require.Equal(t, []string{OtherModel, OtherModel, "one", "two"}, asked(t, m))
}

func keysOf[V any](of map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key := range of {
			if !yield(key) {
				return
			}
		}
	}
}

func TestTheSeriesOfAChannelEndWhenItHasLeftTheConfiguration(t *testing.T) {
	m, busy := New(10), true
	gone := everything("gone", "x")
	gone.Busy = func() bool { return busy }
	recorder := m.Configure([]Configured{everything("stays", "x"), gone})[1]
	recorder.Attempt(ended("x"))
	m.Channel("stays", "openai").Attempt(ended("x"))
	first := attempted(t, m)["gone x"]
	require.NotZero(t, first)

	m.Configure([]Configured{everything("stays", "x")})
	for range 3 {
		require.Contains(t, attempted(t, m), "gone x", "one of its calls is open")
	}
	busy = false
	require.Contains(t, attempted(t, m), "gone x", "the last of it is exported")
	for range 3 {
		require.NotContains(t, attempted(t, m), "gone x")
		require.Contains(t, attempted(t, m), "stays x")
	}
	require.Len(t, m.channels, 1)

	again := m.Configure([]Configured{everything("stays", "x"), gone})[1]
	require.NotSame(t, recorder, again)
	again.Attempt(ended("x"))
	require.Less(t, first, attempted(t, m)["gone x"], "the series that comes back is a new one, and says since when it counts")
}

func TestAChannelThatComesBackAtOnceGoesOnCounting(t *testing.T) {
	m := New(10)
	recorder := m.Configure([]Configured{everything("a", "x")})[0]
	recorder.Attempt(ended("x"))
	began := attempted(t, m)["a x"]
	m.Configure(nil)
	require.Same(t, recorder, m.Configure([]Configured{everything("a", "x")})[0])
	for range 3 {
		require.Equal(t, began, attempted(t, m)["a x"])
	}
}

func TestTheSeriesOfAModelEndWhenNothingServesIt(t *testing.T) {
	m := New(10)
	named := Configured{Name: "a", Provider: "openai", Models: []string{"x", "y"}, Serves: func(model string) bool { return model == "x" || model == "y" }}
	c := m.Configure([]Configured{named})[0]
	for _, model := range named.Models {
		c.Attempt(ended(model))
		m.Request(&Request{Operation: "chat", Model: model, Known: true, Outcome: "completed"})
	}
	named.Models = named.Models[:1]
	m.Configure([]Configured{named})
	require.Contains(t, attempted(t, m), "a y", "the last of it is exported")
	require.Equal(t, []string{"a x"}, slices.Collect(keysOf(attempted(t, m))))
	require.Equal(t, []string{"x"}, asked(t, m))
}

func TestReloadsWithoutEndLeaveNothingBehind(t *testing.T) {
	for _, collected := range []bool{true, false} { // a pull endpoint may have nobody who pulls
		m := New(500)
		for i := range 10_000 {
			c := m.Configure([]Configured{everything(fmt.Sprintf("channel-%d", i), fmt.Sprintf("named-%d", i)), everything("stays", fmt.Sprintf("named-%d", i))})
			for _, channel := range c {
				channel.Attempt(ended(fmt.Sprintf("named-%d", i)))
				m.Request(&Request{Operation: "chat", Model: fmt.Sprintf("named-%d", i), Known: true, Outcome: "completed"})
			}
			if collected {
				_, _ = m.Produce(context.Background())
			}
		}
		require.LessOrEqual(t, len(m.channels), 2*mostUncollected+4)
		require.LessOrEqual(t, len(m.requests.all()), 2*mostUncollected+4)
		require.LessOrEqual(t, len(m.channels[channelIdentity{"stays", "openai"}].attempts.all()), 2*mostUncollected+4)
	}
}

func TestAnUpstreamCannotMakeSeriesOfStatuses(t *testing.T) {
	m := New(10)
	c := m.Configure([]Configured{everything("a", "x"), everything("b", "x")})
	for _, channel := range c {
		for status := 300; status < 600; status++ {
			errorType := fmt.Sprint(status)
			channel.Attempt(&Attempt{Operation: "chat", Model: "x", Outcome: "upstream_status", ErrorType: errorType, Status: status})
			m.Request(&Request{Operation: "chat", Model: "x", Known: true, Outcome: "upstream_status", ErrorType: errorType, Status: 502})
			m.HTTP(HTTP{Method: "POST", Route: "/v1/chat/completions", Status: 502, ErrorType: errorType})
		}
		channel.Attempt(&Attempt{Operation: "chat", Model: "x", Outcome: "idle_timeout", ErrorType: "idle_timeout"})
		require.Len(t, channel.attempts.all(), mostStatuses+2)
	}
	require.Len(t, m.requests.all(), mostStatuses+1)
	require.Len(t, m.http.all(), mostStatuses+1)
}

func TestATableIsOneForAllWhoUseItAtOnce(t *testing.T) {
	var table table[int, *int]
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 2000 {
				key := i % 300
				v, ok := table.get(key)
				if !ok {
					v, ok = table.add(key, 200, func() *int { return &key })
				}
				if ok && *v != key {
					t.Errorf("%d instead of %d", *v, key)
				}
				if i%500 == 0 {
					table.keep(func(key int) bool { return key < 250 })
				}
			}
		})
	}
	all.Wait()
	require.LessOrEqual(t, len(table.all()), 200)
}

func TestWhatATableHasDroppedIsNotFoundByWhoAskedForItLast(t *testing.T) {
	var table table[string, int]
	for i, key := range []string{"stays", "goes"} {
		table.add(key, 0, func() int { return i })
	}
	table.all()
	for i, key := range []string{"stays", "goes", "goes"} {
		value, ok := table.get(key)
		require.True(t, ok)
		require.Equal(t, min(i, 1), value)
	}
	last := table.last.Load()
	table.keep(func(key string) bool { return key == "stays" })
	table.last.Store(last) // by one who was in the middle of it
	_, ok := table.get("goes")
	require.False(t, ok)
	_, ok = table.get("stays")
	require.True(t, ok)
	table.add("goes", 0, func() int { return 2 })
	value, ok := table.get("goes")
	require.True(t, ok)
	require.Equal(t, 2, value)
}

// TestManySeriesAreNotCopiedAgainAndAgain: an upstream makes up statuses, and each makes a series.
func TestManySeriesAreNotCopiedAgainAndAgain(t *testing.T) {
	var table table[int, int]
	allocs := testing.AllocsPerRun(1, func() {
		for i := range 100_000 {
			table.add(i, 0, func() int { return i })
		}
	})
	require.Less(t, allocs, 10_000.0)
	require.Len(t, table.all(), 100_000)
}

// spent are the series of a counter of money or of attempts by channel and model, in one collection.
func spent(t *testing.T, m *Metrics, name string) map[string]float64 {
	t.Helper()
	scopes, err := m.Produce(context.Background())
	require.NoError(t, err)
	by := map[string]float64{}
	for _, metric := range scopes[0].Metrics {
		if metric.Name != name {
			continue
		}
		switch of := metric.Data.(type) {
		case metricdata.Sum[float64]:
			for _, p := range of.DataPoints {
				by[valueOf(p.Attributes, AttrChannel)+" "+valueOf(p.Attributes, AttrModel)] += p.Value
			}
		case metricdata.Sum[int64]:
			for _, p := range of.DataPoints {
				by[valueOf(p.Attributes, AttrChannel)+" "+valueOf(p.Attributes, AttrModel)] += float64(p.Value)
			}
		}
	}
	return by
}

func TestSpendIsToldByChannelAndModelWithinTheBoundOfModelsAndEndsWithThem(t *testing.T) {
	m := New(2)
	named := everything("a", "x", "y")
	c := m.Configure([]Configured{named, everything("b")})
	costs := func(of *Channel, model string, nano int64, unpriced bool) {
		of.Attempt(&Attempt{Operation: "chat", Model: model, Outcome: "completed", Spend: Spend{Nano: nano, Unpriced: unpriced}})
	}
	costs(c[0], "x", 1_500_000_000, false)
	costs(c[0], "x", 500_000_000, true)
	costs(c[0], "y", 3_000_000_000, true)
	for i := range 5 { // two of them have a place
		costs(c[1], fmt.Sprintf("made-up-%d", i), 1_000_000_000, true)
	}
	require.Equal(t, map[string]float64{"a x": 2, "a y": 3, "b made-up-0": 1, "b made-up-1": 1, "b _other": 3}, spent(t, m, Cost))
	require.Equal(t, map[string]float64{"a x": 1, "a y": 1, "b made-up-0": 1, "b made-up-1": 1, "b _other": 3}, spent(t, m, RequestsUnpriced))

	named.Models, named.Serves = named.Models[:1], func(model string) bool { return model == "x" }
	m.Configure([]Configured{named, everything("b")})
	require.Contains(t, spent(t, m, Cost), "a y", "the last of it is exported")
	for _, name := range []string{Cost, RequestsUnpriced} {
		by := spent(t, m, name)
		require.Contains(t, by, "a x")
		require.NotContains(t, by, "a y")
	}
}
