package suite

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
)

// F13: the configuration changes, channels are switched and the relay stops, each in the middle of a crowd of calls.

const adminToken = "admin-test-token"

// TestAChangeInTheMiddleOfACrowdEndsNobodysCall has half of the crowd in the middle of a stream and the other half in the middle
// of a whole answer when the change comes. They end as they began: at the upstream that has begun to answer, with all of it.
func TestAChangeInTheMiddleOfACrowdEndsNobodysCall(t *testing.T) {
	long(t)
	inMatrix(t, "F13")
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
			if s.second {
				status = http.StatusOK
			}
			s.switchAll(t, "disable")
			s.requireNext(t, status)
			s.switchAll(t, "enable")
			s.requireNext(t, http.StatusOK)
		},
		"the relay stops and waits for them": func(t *testing.T, s *scene) {
			s.stop()
			require.Eventually(t, func() bool {
				status, _ := s.get("/api/monitor/health")
				return status == http.StatusServiceUnavailable
			}, patience, time.Millisecond, "draining")
			s.requireNext(t, http.StatusServiceUnavailable)
		},
	}
	// Both kinds of answers are in each crowd.
	inSomeVariantsOneOf(t, slices.Sorted(maps.Keys(changes)), whole, func(t *testing.T, v variant, change string) {
		c := newCrowd(t, v, withEnv("ADMIN_TOKEN", adminToken))
		c.during(func() {
			changes[change](t, c.scene)
			c.goOn()
		})
		c.quiet()
		for _, h := range c.heard {
			h.way.requireAnswer(t, h.v, h.heard, fromFaulty)
		}
		c.requireEnds(t, outcome.Completed)
	})
}

// TestACrowdThatOutlastsTheShutdownIsToldSo ends the calls that have not ended when SHUTDOWN_TIMEOUT is over.
func TestACrowdThatOutlastsTheShutdownIsToldSo(t *testing.T) {
	long(t)
	inMatrix(t, "F13")
	inSomeVariants(t, func(v variant) bool { return !v.stream && !v.second }, func(t *testing.T, v variant) {
		c := newCrowd(t, v, withEnv("SHUTDOWN_TIMEOUT", "0.1"))
		c.during(c.stop)
		err := <-c.ended
		c.ended <- err // for the harness
		require.ErrorIs(t, err, relay.ErrCut)
		c.quiet()
		told := ending{status: http.StatusServiceUnavailable, code: "shutdown"}
		for _, h := range c.heard {
			require.NoError(t, h.err)
			if h.v.stream {
				h.way.requireCut(t, h.heard, told)
			} else {
				h.way.requireError(t, h.heard, told)
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
	heard
	way way
	v   variant
}

// crowdOf is how many they are. Large requests are fewer, or they would be a test of the memory for them, and so are they all where
// the tests are to be quick.
func crowdOf(v variant) int {
	if v.large || thorough() < everyOne {
		return crowd / 5
	}
	return crowd
}

func newCrowd(t *testing.T, v variant, options ...relayOption) *calls {
	t.Helper()
	c := &calls{hold: make(chan struct{}), heard: make([]crowdHeard, crowdOf(v))}
	c.scene = newScene(t, v, plan{options: options, timeouts: "connect: 5m", handle: func(w http.ResponseWriter, r *http.Request) {
		v := v.asIn(r)
		text := voiceFor(r).whole(fromFaulty)
		v.header(w)
		if v.stream {
			text = voiceFor(r).opening(fromFaulty) + voiceFor(r).closing()
		}
		// The client is to have heard of a stream by the time that it stops.
		half := strings.Index(text, fromFaulty) + len(fromFaulty)
		half += strings.Index(text[half:], "}") + 1
		if v.stream {
			half = len(voiceFor(r).opening(fromFaulty))
		}
		say(w, text[:half])
		select {
		case <-c.hold:
			say(w, text[half:])
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
	c.t.Helper()
	var clients sync.WaitGroup
	var began sync.Map
	for i := range c.heard {
		h := &c.heard[i]
		h.way, h.v = c.ways[i%len(c.ways)], c.variant
		h.v.stream = i/len(c.ways)%2 == 0
		c.called.Store(h.way.name, true)
		clients.Go(func() {
			h.heard = c.hear(context.Background(), h.way, h.v, ear{told: func(_ way, soFar string) {
				if strings.Contains(soFar, fromFaulty) {
					began.Store(i, true)
				}
			}})
		})
	}
	streams := 0
	for i := range c.heard {
		if c.heard[i].v.stream {
			streams++
		}
	}
	telling := func() (n int) {
		began.Range(func(any, any) bool { n++; return true })
		return n
	}
	c.eventually(fmt.Sprintf("%d are in the middle of a stream, of %d in all", streams, len(c.heard)), func() bool {
		return telling() == streams && c.faulty.open.Load() == int64(len(c.heard)) && c.server.Pool().OpenBodies() == int64(len(c.heard))
	})
	do()
	clients.Wait()
}

// requireEnds is for the crowd's calls among all that were recorded.
func (c *calls) requireEnds(t *testing.T, want outcome.Outcome) {
	t.Helper()
	first := map[string]bool{}
	for _, h := range c.heard {
		first[h.header.Get("X-Oneapi-Request-Id")] = true
	}
	require.Len(t, first, len(c.heard), "each call has an id of its own")
	ended := 0
	for _, end := range c.requestEnds() {
		if first[end.RequestID] {
			require.Equal(t, want, end.Outcome)
			ended++
		}
	}
	require.Len(t, c.heard, ended)
	attempts := 0
	for _, a := range c.recorded() {
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
	yaml += "\ntokens:\n  - {name: test, key: " + testKey + "}\n"
	require.NoError(t, os.WriteFile(s.file+".new", []byte(yaml), 0o600))
	require.NoError(t, os.Rename(s.file+".new", s.file)) // the relay looks at the file by itself, too
	require.NoError(t, s.server.Reload())
}

// rekeyed has other keys, other priorities in the same order, and other clocks: the last make other transports.
func rekeyed(yaml string) string {
	return strings.NewReplacer("sk-up-", "sk-up-new-", "priority: 10,", "priority: 11,", "connect: 5m", "connect: 6m").Replace(yaml)
}

func (s *scene) switchAll(t *testing.T, how string) {
	t.Helper()
	for _, w := range s.ways {
		request, err := http.NewRequest(http.MethodPost, s.URL+"/api/channel/"+w.name+"/"+how, nil)
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+adminToken)
		response, err := s.client.Do(request)
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
		h := s.hear(ctx, w, variant{stream: true}, ear{told: func(way, string) { leave() }})
		leave()
		require.Equal(t, status, h.status, h.text)
	}
}
