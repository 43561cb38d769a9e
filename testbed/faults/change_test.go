package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay"
	"one-api/relay/outcome"
	"one-api/testbed/harness"
)

// TestAChangeInTheMiddleOfACrowdEndsNobodysCall has half of the crowd in the middle of a stream and the other half in the middle
// of a whole answer when the change comes. They end as they began: at the upstream that has begun to answer, with all of it.
func TestAChangeInTheMiddleOfACrowdEndsNobodysCall(t *testing.T) {
	harness.Long(t)
	harness.InMatrix(t, "F13")
	changes := map[string]func(t *testing.T, s *scene){
		"other keys, priorities and clocks": func(t *testing.T, s *scene) {
			s.reload(t, rekeyed(s.yaml))
			s.requireNext(t, http.StatusOK)
		},
		"the channels are gone": func(t *testing.T, s *scene) {
			s.reload(t, fmt.Sprintf("channels:\n  - {name: other, type: openai, base_url: %q, keys: [sk-up-x], models: [other]}\n", s.faulty.URL))
			s.requireNext(t, http.StatusNotFound)
		},
		"twenty reloads in a row": func(t *testing.T, s *scene) {
			for i := range 20 {
				if i%2 == 0 {
					s.reload(t, rekeyed(s.yaml))
				} else {
					s.reload(t, s.yaml)
				}
				s.requireNext(t, http.StatusOK)
			}
		},
		"the channels are disabled and enabled": func(t *testing.T, s *scene) {
			status := http.StatusServiceUnavailable
			if s.Second {
				status = http.StatusOK
			}
			s.switchAll(t, "disable")
			s.requireNext(t, status)
			s.switchAll(t, "enable")
			s.requireNext(t, http.StatusOK)
		},
		"the relay stops and waits for them": func(t *testing.T, s *scene) {
			s.Stop()
			require.Eventually(t, func() bool {
				status, _ := s.Get("/api/monitor/health")
				return status == http.StatusServiceUnavailable
			}, harness.Patience, time.Millisecond, "draining")
			s.requireNext(t, http.StatusServiceUnavailable)
		},
	}
	// Both kinds of answers are in each crowd.
	harness.InSomeVariantsOneOf(t, slices.Sorted(maps.Keys(changes)), harness.Whole, func(t *testing.T, v harness.Variant, change string) {
		c := newCrowd(t, v, harness.WithEnv("ADMIN_TOKEN", harness.AdminToken))
		c.during(func() {
			changes[change](t, c.scene)
			c.goOn()
		})
		c.quiet()
		for _, h := range c.heard {
			h.way.RequireAnswer(t, h.v, h.Heard, harness.FromFaulty)
		}
		c.requireEnds(t, outcome.Completed)
	})
}

// TestACrowdThatOutlastsTheShutdownIsToldSo ends the calls that have not ended when SHUTDOWN_TIMEOUT is over.
func TestACrowdThatOutlastsTheShutdownIsToldSo(t *testing.T) {
	harness.Long(t)
	harness.InMatrix(t, "F13")
	harness.InSomeVariants(t, func(v harness.Variant) bool { return !v.Stream && !v.Second }, func(t *testing.T, v harness.Variant) {
		c := newCrowd(t, v, harness.WithEnv("SHUTDOWN_TIMEOUT", "0.1"))
		c.during(c.Stop)
		err := <-c.Ended
		c.Ended <- err // for the harness
		require.ErrorIs(t, err, relay.ErrCut)
		c.quiet()
		told := harness.Ending{Status: http.StatusServiceUnavailable, Code: "shutdown"}
		for _, h := range c.heard {
			require.NoError(t, h.Err)
			if h.v.Stream {
				requireCut(h.way, t, h.Heard, told)
			} else {
				h.way.RequireError(t, h.Heard, told)
			}
		}
		c.requireEnds(t, outcome.Shutdown)
	})
}

// calls are a scene that is called by a crowd, each way by as many.
type calls struct {
	*scene
	hold  chan struct{}
	heard []crowdHeard
}

type crowdHeard struct {
	harness.Heard
	way harness.Way
	v   harness.Variant
}

// crowdOf is how many they are. Large requests are fewer, or they would be a test of the memory for them, and so are they all where
// the tests are to be quick.
func crowdOf(v harness.Variant) int {
	if v.Large || harness.Thorough() < harness.EveryOne {
		return harness.Crowd / 5
	}
	return harness.Crowd
}

func newCrowd(t *testing.T, v harness.Variant, options ...harness.RelayOption) *calls {
	t.Helper()
	c := &calls{hold: make(chan struct{}), heard: make([]crowdHeard, crowdOf(v))}
	c.scene = newScene(t, v, plan{options: options, timeouts: "connect: 5m", handle: func(w http.ResponseWriter, r *http.Request) {
		v := v.AsIn(r)
		text := harness.VoiceFor(r).Whole(harness.FromFaulty)
		v.Header(w)
		if v.Stream {
			text = harness.VoiceFor(r).Opening(harness.FromFaulty) + harness.VoiceFor(r).Closing()
		}
		// The client is to have heard of a stream by the time that it stops.
		half := strings.Index(text, harness.FromFaulty) + len(harness.FromFaulty)
		half += strings.Index(text[half:], "}") + 1
		if v.Stream {
			half = len(harness.VoiceFor(r).Opening(harness.FromFaulty))
		}
		harness.Say(w, text[:half])
		select {
		case <-c.hold:
			harness.Say(w, text[half:])
		case <-r.Context().Done():
		}
	}})
	c.crowded = true
	// A crowd that finds no HTTP/2 connection makes one for each call, and the race detector takes its time over TLS.
	c.requireNext(t, http.StatusOK)
	return c
}

func (c *calls) goOn() { close(c.hold) }

// during makes the crowd's calls, and does something when all of them are in the middle of their answers. It returns when they
// have ended.
func (c *calls) during(do func()) {
	c.T.Helper()
	var clients sync.WaitGroup
	var began sync.Map
	for i := range c.heard {
		h := &c.heard[i]
		h.way, h.v = c.ways[i%len(c.ways)], c.Variant
		h.v.Stream = i/len(c.ways)%2 == 0
		c.called.Store(h.way.Name, true)
		clients.Go(func() {
			h.Heard = hear(c.Relay, context.Background(), h.way, h.v, harness.Ear{Told: func(_ harness.Way, soFar string) {
				if strings.Contains(soFar, harness.FromFaulty) {
					began.Store(i, true)
				}
			}})
		})
	}
	streams := 0
	for i := range c.heard {
		if c.heard[i].v.Stream {
			streams++
		}
	}
	telling := func() (n int) {
		began.Range(func(any, any) bool { n++; return true })
		return n
	}
	c.Eventually(fmt.Sprintf("%d are in the middle of a stream, of %d in all", streams, len(c.heard)), func() bool {
		return telling() == streams && c.faulty.Open.Load() == int64(len(c.heard)) && c.Server.Pool().OpenBodies() == int64(len(c.heard))
	})
	do()
	clients.Wait()
}

// requireEnds is for the crowd's calls among all that were recorded.
func (c *calls) requireEnds(t *testing.T, want outcome.Outcome) {
	t.Helper()
	first := map[string]bool{}
	for _, h := range c.heard {
		first[h.Header.Get("X-Oneapi-Request-Id")] = true
	}
	require.Len(t, first, len(c.heard), "each call has an id of its own")
	ended := 0
	for _, end := range c.RequestEnds() {
		if first[end.RequestID] {
			require.Equal(t, want, end.Outcome)
			ended++
		}
	}
	require.Len(t, c.heard, ended)
	attempts := 0
	for _, a := range c.Recorded() {
		if first[a.RequestID] && a.Outcome == want {
			require.False(t, strings.HasSuffix(a.Channel.Name, "-ahead"))
			attempts++
		}
	}
	require.Len(t, c.heard, attempts)
}

// reload puts a configuration in the file's place, and reads it.
func (s *scene) reload(t *testing.T, yaml string) {
	t.Helper()
	yaml += "\ntokens:\n  - {name: test, key: " + harness.Key + "}\n"
	require.NoError(t, os.WriteFile(s.File+".new", []byte(yaml), 0o600))
	require.NoError(t, os.Rename(s.File+".new", s.File)) // the relay looks at the file by itself, too
	require.NoError(t, s.Server.Reload())
}

// rekeyed has other keys, other priorities in the same order, and other clocks: the last make other transports.
func rekeyed(yaml string) string {
	return strings.NewReplacer("sk-up-", "sk-up-new-", "priority: 10,", "priority: 11,", "connect: 5m", "connect: 6m").Replace(yaml)
}

func (s *scene) switchAll(t *testing.T, how string) {
	t.Helper()
	for _, w := range s.ways {
		request, err := http.NewRequest(http.MethodPost, s.URL+"/api/channel/"+w.Name+"/"+how, nil)
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+harness.AdminToken)
		response, err := s.Client.Do(request)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(t, errors.Join(err, response.Body.Close()))
		require.Equal(t, http.StatusOK, response.StatusCode)
	}
}

// requireNext makes one more call of every way while the crowd waits. What is asked of an upstream now waits like the crowd, so
// that a good answer is known by its beginning, and its client leaves then.
func (s *scene) requireNext(t *testing.T, status int) {
	t.Helper()
	for _, w := range s.ways {
		ctx, leave := context.WithCancel(context.Background())
		h := hear(s.Relay, ctx, w, harness.Variant{Stream: true}, harness.Ear{Told: func(harness.Way, string) { leave() }})
		leave()
		require.Equal(t, status, h.Status, h.Text)
	}
}
