package channel

import (
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/breaker"
	"one-api/relay/config"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/provider"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// plain is an adaptor for tests of selection: it serves everything and says nothing.
type plain struct{ only wire.Endpoint }

func (p plain) lanes(*config.Channel) (all lane.Lanes) {
	for endpoint := range all {
		if e := wire.Endpoint(endpoint); p.only == 0 || p.only == e {
			all[e] = p
		}
	}
	return all
}

var plainProvider = provider.Provider{Name: "plain", Auth: provider.Auth{Header: "Authorization"}}

func (plain) Converts() bool { return false }

func (plain) Request(call *lane.Call, _ lane.Destination) (lane.Outgoing, error) {
	return lane.Outgoing{Path: call.Endpoint.Path(), Header: http.Header{}, Body: call.Body}, nil
}

func (plain) Answer(*lane.Call, *lane.Converted) lane.Translator { return plainAnswer{} }

type plainAnswer struct{}

func (plainAnswer) Whole(body []byte) ([]byte, error) { return body, nil }

func (plainAnswer) Event(e sse.Event) (lane.Chunk, error) {
	return lane.Chunk{Out: e.Raw, Content: true, Done: string(e.Data) == "[DONE]"}, nil
}

func (plainAnswer) End() (lane.Chunk, error) { return lane.Chunk{}, outcome.Truncated("no terminator") }

func (plainAnswer) Usage() wire.Usage { return wire.Usage{} }

func (plainAnswer) Complete() bool { return false }

func (plainAnswer) UnknownEnd() string { return "" }

func testChannel(name string, change ...func(*config.Channel)) config.Channel {
	c := config.Channel{
		Name: name, Type: "plain", BaseURL: &url.URL{Scheme: "http", Host: "127.0.0.1:1", Path: "/v1"},
		Keys: []string{"key-of-" + name}, Models: []string{"m"}, Groups: []string{"default"}, Weight: 1,
		Timeouts: config.Timeouts{Connect: time.Second},
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

func testPool(t testing.TB, channels ...config.Channel) *Pool {
	p := NewPool(PoolOptions{
		Providers: map[string]Type{"plain": {Lanes: plain{}.lanes, Provider: plainProvider}, "embedder": {Lanes: plain{only: wire.Embeddings}.lanes, Provider: plainProvider}},
		Log:       slog.New(slog.DiscardHandler),
	})
	p.Apply(channels)
	t.Cleanup(p.Close)
	return p
}

func want(change ...func(*SelectRequest)) *SelectRequest {
	w := &SelectRequest{Caller: Caller{Groups: []string{"default"}}, Endpoint: wire.ChatCompletions, Model: "m"}
	for _, f := range change {
		f(w)
	}
	return w
}

// pick says which channel a request goes to, and ends it there and then.
func pick(t *testing.T, p *Pool, w *SelectRequest) string {
	slot, refusal := p.Set().Begin(w)
	if refusal != nil {
		return "refused: " + string(refusal.Reason) + " " + strconv.Itoa(refusal.Err.Status)
	}
	defer occupy(slot).leave()
	return slot.Channel.Name
}

// occupied is a slot with a call in it.
type occupied struct {
	Slot
	call OpenCall
	told int64
}

func occupy(slot Slot) *occupied {
	o := &occupied{Slot: slot, call: OpenCall{Began: breaker.Moment(slot.Began)}}
	o.call.Ends = o
	o.Open(&o.call)
	return o
}

func (o *occupied) End(error) { o.told = breaker.Moment(time.Now()) }

func (o *occupied) Told() int64 { return o.told }

// leave ends the call before anything was asked.
func (o *occupied) leave() {
	o.Conclude(&Result{Outcome: outcome.ClientGone, Failure: outcome.Gone()})
	o.Channel.Leave(&o.call)
}

func TestTheHighestPriorityIsTakenAndTheNextOneOnlyWhenItIsTried(t *testing.T) {
	p := testPool(t,
		testChannel("low"),
		testChannel("high", func(c *config.Channel) { c.Priority = 10 }),
		testChannel("middle", func(c *config.Channel) { c.Priority = 5 }))
	w := want()
	for _, next := range []string{"high", "middle", "low"} {
		for range 20 {
			require.Equal(t, next, pick(t, p, w))
		}
		w.Exclude(&Result{Channel: p.Set().Get(next), Outcome: outcome.ConnectFailed})
	}
	require.Equal(t, "refused: no_channel 503", pick(t, testPool(t, testChannel("off", func(c *config.Channel) { c.Disabled = true })), want()))
}

func TestWithinOnePriorityWeightsShareTheCalls(t *testing.T) {
	p := testPool(t,
		testChannel("one"),
		testChannel("three", func(c *config.Channel) { c.Weight = 3 }),
		testChannel("none", func(c *config.Channel) { c.Weight = 0 }))
	got := map[string]int{}
	for range 8000 {
		got[pick(t, p, want())]++
	}
	require.InDelta(t, 2000, got["one"], 300)
	require.InDelta(t, 6000, got["three"], 300)
	require.Zero(t, got["none"], "weight 0 is for when there is no other")
	w := want()
	w.Exclude(&Result{Channel: p.Set().Get("one"), Outcome: outcome.ConnectFailed})
	w.Exclude(&Result{Channel: p.Set().Get("three"), Outcome: outcome.ConnectFailed})
	require.Equal(t, "none", pick(t, p, w))
}

func TestAChannelIsReachedThroughItsModelsGlobsMappingsAndGroups(t *testing.T) {
	p := testPool(t,
		testChannel("exact", func(c *config.Channel) { c.Models = []string{"gpt-4o"} }),
		testChannel("glob", func(c *config.Channel) { c.Models = []string{"org/claude-*"} }),
		testChannel("mapped", func(c *config.Channel) { c.Models = nil; c.ModelMapping = map[string]string{"gpt-4": "gpt-4o"} }),
		testChannel("vip", func(c *config.Channel) { c.Models = []string{"o3"}; c.Groups = []string{"vip"} }),
		testChannel("embedder", func(c *config.Channel) { c.Type = "embedder"; c.Models = []string{"embed"} }))
	model := func(m string) *SelectRequest { return want(func(w *SelectRequest) { w.Model = m }) }

	require.Equal(t, "exact", pick(t, p, model("gpt-4o")))
	require.Equal(t, "glob", pick(t, p, model("org/claude-5")))
	require.Equal(t, "mapped", pick(t, p, model("gpt-4")))
	require.Equal(t, "gpt-4o", p.Set().Get("mapped").UpstreamModel("gpt-4"))

	for m, status := range map[string]int{"nope": 404, "o3": 403, "embed": 404} {
		require.Equal(t, status, p.Set().Check(model(m)).Err.Status, m)
	}
	require.Nil(t, p.Set().Check(model("gpt-4o")))
	limited := model("gpt-4o")
	limited.Caller.Allows = &config.Patterns{"gpt-4"}
	require.Equal(t, 403, p.Set().Check(limited).Err.Status)
	everyone := model("o3")
	everyone.Caller = Caller{AllGroups: true}
	require.Equal(t, "vip", pick(t, p, everyone))

	require.Equal(t, []string{"embed", "gpt-4", "gpt-4o"}, p.Set().Models(Caller{Groups: []string{"default"}}))
	require.Equal(t, []string{"gpt-4"}, p.Set().Models(limited.Caller))
}

func TestModelsThatClientsMakeUpAreNotRememberedWithoutEnd(t *testing.T) {
	p := testPool(t, testChannel("any", func(c *config.Channel) { c.Models = []string{"*"} }))
	for i := range maxRemembered + 500 {
		require.Equal(t, "any", pick(t, p, want(func(w *SelectRequest) { w.Model = "made-up-" + strconv.Itoa(i) })))
	}
	remembered := p.Set().routes.remembered
	require.LessOrEqual(t, len(remembered.byModel), maxRemembered)
	require.Len(t, remembered.byChannels, 1, "the same channels serve all of them")
}

func TestAFullChannelIsLeftForTheNextOneAndWhenAllAreFullTheClientIsAskedToWait(t *testing.T) {
	p := testPool(t,
		testChannel("narrow", func(c *config.Channel) { c.Priority = 1; c.MaxConcurrent = 2 }),
		testChannel("wide", func(c *config.Channel) { c.MaxConcurrent = 3 }))
	var mu sync.Mutex
	var open []*occupied
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if slot, refusal := p.Set().Begin(want()); refusal == nil {
				mu.Lock()
				defer mu.Unlock()
				open = append(open, occupy(slot))
			}
		})
	}
	all.Wait()
	require.Len(t, open, 5)
	require.EqualValues(t, 5, p.InFlight())
	_, refusal := p.Set().Begin(want())
	require.Equal(t, 429, refusal.Err.Status)
	require.Equal(t, time.Second, refusal.Err.RetryAfter)
	for _, x := range open {
		x.leave()
	}
	require.Zero(t, p.InFlight())
	require.Equal(t, "narrow", pick(t, p, want()))
}

func TestALimitedChannelAsksForTheTimeThatItsFirstKeyNeeds(t *testing.T) {
	p := testPool(t, testChannel("a", func(c *config.Channel) { c.Keys = []string{"k1", "k2"} }))
	now := time.Now()
	p.Set().Get("a").keys.All()[0].Limit(now, time.Minute, false)
	require.Equal(t, "a", pick(t, p, want()))
	p.Set().Get("a").keys.All()[1].Limit(now, 20*time.Second, false)
	_, refusal := p.Set().Begin(want())
	require.Equal(t, 429, refusal.Err.Status)
	require.InDelta(t, 20, refusal.Err.RetryAfter.Seconds(), 1)
}

func TestAFailingChannelIsPassedOverUnlessItIsTheOnlyOne(t *testing.T) {
	p := testPool(t, testChannel("bad", func(c *config.Channel) { c.Priority = 9 }), testChannel("good"))
	for range breaker.FailuresToCool {
		p.Set().Get("bad").state.health.CountFailure(time.Now(), time.Now(), false)
	}
	for range 50 {
		require.Equal(t, "good", pick(t, p, want()))
	}
	w := want()
	w.Exclude(&Result{Channel: p.Set().Get("good"), Outcome: outcome.UpstreamReset})
	require.Equal(t, "bad", pick(t, p, w), "its error would still tell more than a refusal")
	require.Equal(t, Counts{Total: 2, Healthy: 1, Degraded: 1}, p.Set().Counts(time.Now()))
}

func TestAChannelWhoseKeyFailedIsTriedAgainWithAnotherKeyOnceNoOtherChannelIsLeft(t *testing.T) {
	p := testPool(t, testChannel("keys", func(c *config.Channel) { c.Priority = 9; c.Keys = []string{"k1", "k2"} }), testChannel("other"))
	w := want()
	ch := p.Set().Get("keys")
	ch.keys.All()[0].Refuse(time.Now(), false, breaker.Cause{})
	w.Exclude(&Result{Channel: ch, Outcome: outcome.UpstreamStatus, Class: outcome.ClassKeyRefused})
	require.Equal(t, "other", pick(t, p, w))
	w.Exclude(&Result{Channel: p.Set().Get("other"), Outcome: outcome.UpstreamStatus, Class: outcome.ClassServer})
	require.Equal(t, "keys", pick(t, p, w))
	w.Exclude(&Result{Channel: ch, Outcome: outcome.UpstreamStatus, Class: outcome.ClassServer})
	require.Equal(t, "refused: no_channel 503", pick(t, p, w), "nothing is left")
}

func TestTheOperatorsWordOutlivesAReloadUntilTheFileSaysOtherwise(t *testing.T) {
	p := testPool(t, testChannel("a"))
	p.Set().Get("a").SetDisabled(true)
	require.Equal(t, Disabled, p.Set().Get("a").State(time.Now()))
	p.Apply([]config.Channel{testChannel("a")})
	require.Equal(t, Disabled, p.Set().Get("a").State(time.Now()))
	p.Set().Get("a").SetDisabled(false)
	require.Equal(t, Healthy, p.Set().Get("a").State(time.Now()))
	p.Apply([]config.Channel{testChannel("a", func(c *config.Channel) { c.Disabled = true })})
	require.Equal(t, Disabled, p.Set().Get("a").State(time.Now()))
}

func TestAReloadKeepsWhatAChannelKnowsAndItsConnectionsWhereTheyLeadTheSameWay(t *testing.T) {
	p := testPool(t, testChannel("a"), testChannel("b"))
	before := p.Set()
	before.Get("a").keys.All()[0].Limit(time.Now(), time.Minute, false)
	for range breaker.FailuresToCool {
		before.Get("b").state.health.CountFailure(time.Now(), time.Now(), false)
	}
	slot, _ := before.Begin(want(func(w *SelectRequest) { w.Exclude(&Result{Channel: before.Get("a"), Outcome: outcome.ConnectFailed}) }))
	x := occupy(slot)
	require.Equal(t, "b", x.Channel.Name)

	p.Apply([]config.Channel{
		testChannel("a", func(c *config.Channel) { c.Priority = 3 }),
		testChannel("b", func(c *config.Channel) { c.Proxy = &url.URL{Scheme: "http", Host: "127.0.0.1:2"} }),
	})
	require.Same(t, before.Get("a").Transport, p.Set().Get("a").Transport)
	require.NotSame(t, before.Get("b").Transport, p.Set().Get("b").Transport)
	require.True(t, before.Get("b").Transport.Retired())
	require.Equal(t, Cooling, p.Set().Get("a").State(time.Now()))
	require.Equal(t, Cooling, p.Set().Get("b").State(time.Now()))
	require.EqualValues(t, 1, p.Set().Get("b").state.inFlight.Load())

	p.Apply(nil)
	require.EqualValues(t, 1, p.InFlight(), "a call of a channel that is gone still counts")
	x.leave()
	require.Zero(t, p.InFlight())
}
