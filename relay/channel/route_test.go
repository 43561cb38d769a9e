package channel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/config"
	"one-api/relay/outcome"
	"one-api/relay/wire"
)

// seeded makes a set's choices the same in every run. It is for one goroutine at a time from then on.
func seeded(s *Set, seed uint64) (calls *int) {
	r, n := rand.New(rand.NewPCG(seed, 1)), 0
	s.random = func(below int) int { n++; return r.IntN(below) }
	return &n
}

// requireShares checks what was counted with Pearson's chi-squared test, at the value that right shares exceed once in ten
// thousand times (Wilson and Hilferty's approximation).
func requireShares(t *testing.T, shares map[string]int, counted map[string]int) {
	t.Helper()
	runs, whole, statistic := 0, 0, 0.0
	for name, n := range counted {
		require.Contains(t, shares, name)
		runs += n
	}
	for _, share := range shares {
		whole += share
	}
	for name, share := range shares {
		expected := float64(share) / float64(whole) * float64(runs)
		statistic += (float64(counted[name]) - expected) * (float64(counted[name]) - expected) / expected
	}
	if len(shares) > 1 {
		df := float64(len(shares) - 1)
		require.Less(t, statistic, df*math.Pow(1-2/(9*df)+3.719*math.Sqrt(2/(9*df)), 3), "chi-squared, shares %v, counted %v", shares, counted)
	}
}

// scene is channels in all kinds of trouble, and a request that wants one of them.
type scene struct {
	pool *Pool
	want *SelectRequest
}

func (s scene) channels() []*Channel { return s.pool.Set().channels }

func makeScene(t *testing.T, r *rand.Rand) scene {
	oneOf := func(groups ...[]string) []string { return groups[r.IntN(len(groups))] }
	once := func(in int) bool { return r.IntN(in) == 0 }
	p := crowd(t, 1+r.IntN(60), func(_ int, c *config.Channel) {
		c.Priority, c.Weight = r.IntN(3), r.IntN(5)
		c.Groups = oneOf([]string{"a"}, []string{"b"}, []string{"a", "b"}, []string{"c"}, []string{"b", "c", "a"})
		c.Models = oneOf([]string{"m"}, []string{"m"}, []string{"m*"}, []string{"other"}, []string{"m", "*", "?"})
		if once(10) {
			c.ModelMapping = map[string]string{"m": "another"}
		}
		if once(5) {
			c.Type = "embedder"
		}
		if once(4) {
			c.Keys = []string{"k1-" + c.Name, "k2-" + c.Name}
		}
		c.Disabled = once(8)
		c.MaxConcurrent = r.IntN(3)
	})
	s := scene{p, want(func(w *SelectRequest) {
		w.Model = oneOf([]string{"m"}, []string{"m"}, []string{"mm"}, []string{"none"})[0]
		w.Caller.Groups = oneOf([]string{"a"}, []string{"b"}, []string{"a", "b"}, []string{"c", "b", "c"}, []string{"b", "none", "a", "c"}, []string{"none"}, nil)
		w.Caller.AllGroups = once(5)
		if once(3) {
			w.Endpoint = wire.Embeddings
		}
	})}
	trouble, hour := r.IntN(4), time.Hour
	for _, c := range s.channels() {
		if r.IntN(4) < trouble && once(2) {
			c.state.health.Cooldown.Start(time.Now(), hour, false)
		}
		if r.IntN(4) < trouble && once(3) {
			c.state.inFlight.Store(int64(1 + r.IntN(2)))
		}
		for _, k := range c.keys.All() {
			if r.IntN(4) < trouble && once(3) {
				k.Limit(time.Now(), hour, false)
			}
		}
		if r.IntN(4) < trouble && once(3) {
			s.want.Exclude(&Result{Channel: c, Outcome: outcome.UpstreamStatus, Class: []outcome.Class{outcome.ClassServer, outcome.ClassKeyRefused}[r.IntN(2)]})
		}
	}
	return s
}

// usable is the weights of the channels that the contract lets the request go to, found by looking at each of them: those of the
// highest priority at which there is any, and of those that have a weight where some have.
func (s scene) usable() map[string]int {
	for _, how := range tolerances {
		best, weights, weigh := math.MinInt, map[string]int{}, false
		for _, c := range s.channels() {
			if !serves(c, s.want.Model) || !c.serves(s.want.Endpoint) || !s.want.Caller.reaches(c) || !s.want.admits(c, time.Now(), how) {
				continue
			}
			if c.Priority > best {
				best, weights, weigh = c.Priority, map[string]int{}, false
			}
			if c.Priority == best {
				weights[c.Name] = c.Weight
				weigh = weigh || c.Weight > 0
			}
		}
		for name, weight := range weights {
			if weigh && weight == 0 {
				delete(weights, name)
			}
		}
		if len(weights) > 0 {
			return weights
		}
	}
	return nil
}

func serves(c *Channel, model string) bool {
	_, mapped := c.ModelMapping[model]
	return mapped || slices.ContainsFunc(c.Models, func(pattern string) bool { return config.Match(pattern, model) })
}

// status is what Check has to say, found by looking at each channel; 0: nothing.
func (s scene) status() int {
	found, able, reached := false, false, false
	for _, c := range s.channels() {
		if serves(c, s.want.Model) {
			found = true
			if c.serves(s.want.Endpoint) {
				able = true
				reached = reached || s.want.Caller.reaches(c)
			}
		}
	}
	switch {
	case !found, !able:
		return 404
	case !reached:
		return 403
	}
	return 0
}

func TestWhateverTroubleChannelsAreInTheUsableOnesShareTheCallsByWeight(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	refused, weighed := 0, 0
	for i := range 400 {
		s := makeScene(t, r)
		seeded(s.pool.Set(), uint64(i))
		status := 0
		if refusal := s.pool.Set().Check(s.want); refusal != nil {
			status = refusal.Err.Status
		}
		require.Equal(t, s.status(), status, "scene %d", i)

		shares := s.usable()
		if len(shares) == 0 {
			refused++
			_, refusal := s.pool.Set().Begin(s.want)
			require.NotNil(t, refusal, "scene %d", i)
			continue
		}
		counted := map[string]int{}
		for range 20 * len(shares) {
			counted[pick(t, s.pool, s.want)]++
		}
		var weight int
		for _, w := range shares {
			weight += w
		}
		if weight == 0 {
			require.Len(t, counted, 1, "nothing says how often each is to be used")
			require.Subset(t, keysOf(shares), keysOf(counted))
			continue
		}
		weighed++
		requireShares(t, shares, counted)
	}
	require.Greater(t, refused, 30)
	require.Greater(t, weighed, 200)
}

func keysOf(m map[string]int) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

func TestACrowdSharesTheCallsByWeight(t *testing.T) {
	for name, usable := range map[string]int{"all can be used": 100, "most can be used": 80, "few can be used": 8} {
		t.Run(name, func(t *testing.T) {
			p, shares := crowd(t, 100, func(i int, c *config.Channel) { c.Weight = i % 5 }), map[string]int{}
			for i, c := range p.Set().channels {
				switch {
				case i >= usable:
					c.state.health.Cooldown.Start(time.Now(), time.Hour, false)
				case c.Weight > 0:
					shares[c.Name] = c.Weight
				}
			}
			seeded(p.Set(), 3)
			counted := map[string]int{}
			w, now := want(), time.Now()
			for range 20_000 {
				counted[selected(p.Set(), w, now).Name]++
			}
			requireShares(t, shares, counted)
		})
	}
}

func TestOneDrawIsEnoughInAHealthyCrowd(t *testing.T) {
	for name, of := range selections {
		for _, n := range crowds {
			t.Run(fmt.Sprintf("%s, %d channels", name, n), func(t *testing.T) {
				s := crowd(t, n, of.crowd).Set()
				draws := seeded(s, 5)
				const runs = 200
				for range runs {
					require.NotNil(t, selected(s, want(of.want), time.Now()))
				}
				// Two lists have a third of the channels in common, which are drawn twice as often and used every other time.
				require.LessOrEqual(t, *draws, runs*3/2)
			})
		}
	}
}

func TestACrowdIsTriedOneAfterTheOtherUntilNoneIsLeft(t *testing.T) {
	p := crowd(t, 150, func(i int, c *config.Channel) { c.Priority, c.Weight = i/50, i%4 })
	w, last := want(), 2
	for range 150 {
		name := pick(t, p, w)
		c := p.Set().Get(name)
		require.NotNil(t, c, name)
		require.LessOrEqual(t, c.Priority, last)
		last = c.Priority
		for _, before := range w.tried {
			require.NotSame(t, before.channel, c)
		}
		w.Exclude(&Result{Channel: c, Outcome: outcome.ConnectFailed})
	}
	require.Equal(t, "refused: no_channel 503", pick(t, p, w))
}

func TestTheLastPlaceOfAFullCrowdIsFound(t *testing.T) {
	p := crowd(t, 200, func(i int, c *config.Channel) { c.MaxConcurrent, c.Weight = 1, 1+999*(i%2) })
	var open []*occupied
	for range 200 {
		slot, refusal := p.Set().Begin(want())
		require.Nil(t, refusal)
		open = append(open, occupy(slot))
	}
	require.Equal(t, "refused: limit 429", pick(t, p, want()))
	for _, x := range open {
		require.EqualValues(t, 1, x.Channel.state.inFlight.Load())
		x.leave()
	}
}

func TestModelsOfTheSameChannelsShareWhatIsKnownOfThem(t *testing.T) {
	p := crowd(t, 50, func(i int, c *config.Channel) {
		c.Models = []string{"g-*"}
		for m := range 200 {
			c.Models = append(c.Models, fmt.Sprint("m", m))
		}
		if i == 0 {
			c.Models = append(c.Models, "own")
		}
	})
	routes := p.Set().routes
	require.Len(t, routes.named.byModel, 201)
	require.Len(t, routes.named.byChannels, 2)
	require.Same(t, routes.of("m0"), routes.of("m199"))
	require.Same(t, routes.of("m0"), routes.of("g-anything"))
	require.NotSame(t, routes.of("m0"), routes.of("own"))
	require.Nil(t, routes.of("unknown"))
	require.Same(t, &routes.of("m0").all[0], &routes.of("m0").byGroup["default"][0])
}
