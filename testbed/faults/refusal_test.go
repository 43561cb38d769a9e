package faults

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/breaker"
	"one-api/relay/outcome"
	"one-api/testbed/harness"
)

// F11: limits, refused keys, and refusals that are about the request.

func TestALimitedUpstreamSaysHowLongToWait(t *testing.T) {
	harness.Long(t)
	harness.InMatrix(t, "F11")
	cases := map[string]struct {
		header      func(http.Header)
		least, most int // seconds that the client is told
	}{
		"in seconds":      {func(h http.Header) { h.Set("Retry-After", "7") }, 7, 7},
		"as a date":       {func(h http.Header) { h.Set("Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)) }, 3000, 3600},
		"in milliseconds": {func(h http.Header) { h.Set("Retry-After-Ms", "1500"); h.Set("Retry-After", "9") }, 2, 2},
		"not at all":      {func(http.Header) {}, 1, 1},
		"senselessly":     {func(h http.Header) { h.Set("Retry-After", "soon") }, 1, 1},
	}
	all := mishaps{}
	for name, tc := range cases {
		all[name] = mishap{handle: func(_ harness.Variant, w http.ResponseWriter, r *http.Request) {
			tc.header(w.Header())
			w.WriteHeader(http.StatusTooManyRequests)
			harness.Say(w, harness.VoiceFor(r).Complaint("rate_limit_error", "rate_limit_exceeded", harness.Complained))
		}, ending: harness.Ending{Outcome: outcome.UpstreamStatus, Status: http.StatusTooManyRequests, Message: harness.Complained}}
	}
	all.inEveryVariant(t, plan{waits: true}, func(t *testing.T, s *scene, all map[string]harness.Heard) {
		for _, w := range s.ways {
			if s.Second {
				continue
			}
			seconds, err := strconv.Atoi(all[w.Name].Header.Get("Retry-After"))
			require.NoError(t, err)
			require.GreaterOrEqual(t, seconds, cases[w.About].least, w.About)
			require.LessOrEqual(t, seconds, cases[w.About].most, w.About)
		}
	})
}

// TestALimitedChannelIsLeftAloneUntilItsTimeIsOver calls again, at once.
func TestALimitedChannelIsLeftAloneUntilItsTimeIsOver(t *testing.T) {
	harness.InMatrix(t, "F11")
	harness.InEveryVariant(t, nil, func(t *testing.T, v harness.Variant) {
		s := newScene(t, v, plan{handle: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(http.StatusTooManyRequests)
		}})
		s.callAll(context.Background(), harness.Ear{})
		again := s.callAll(context.Background(), harness.Ear{})
		s.quiet()
		require.Equal(t, int64(len(harness.Ways)), s.faulty.Requests.Load(), "once each")
		for _, w := range harness.Ways {
			if v.Second {
				w.RequireAnswer(t, v, again[w.Name], harness.FromHealthy)
				continue
			}
			w.RequireError(t, again[w.Name], harness.Ending{Status: http.StatusTooManyRequests, Code: "channels_busy"})
			seconds, err := strconv.Atoi(again[w.Name].Header.Get("Retry-After"))
			require.NoError(t, err)
			require.InDelta(t, 110, seconds, 10)
			// The first call's end is recorded behind its answer, so the two may be recorded in either order.
			ends := s.endsOf(w.Name)
			require.Len(t, ends, 2)
			require.ElementsMatch(t, []outcome.Outcome{outcome.UpstreamStatus, outcome.Rejected}, []outcome.Outcome{ends[0].Outcome, ends[1].Outcome})
		}
	})
}

// TestAKeyThatIsRefusedRestsAndTheOtherOneServes refuses one of two keys, wherever the rotation begins.
func TestAKeyThatIsRefusedRestsAndTheOtherOneServes(t *testing.T) {
	harness.InMatrix(t, "F11")
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			harness.InEveryVariant(t, func(v harness.Variant) bool { return !v.Second }, func(t *testing.T, v harness.Variant) {
				var mu sync.Mutex
				used := map[string]int{} // how often each key was, for all channels
				s := newScene(t, v, plan{keys: "sk-up-bad, sk-up-good", handle: func(w http.ResponseWriter, r *http.Request) {
					key := r.Header.Get("Authorization") + r.Header.Get("X-Api-Key")
					mu.Lock()
					used[key]++
					mu.Unlock()
					if key == "Bearer sk-up-bad" || key == "sk-up-bad" {
						w.WriteHeader(status)
						harness.Say(w, harness.VoiceFor(r).Complaint("authentication_error", "invalid_api_key", "Incorrect API key provided: sk-up-bad."))
						return
					}
					v.Answer(w, r, harness.FromFaulty)
				}})
				const rounds = 4
				for range rounds {
					all := s.callAll(context.Background(), harness.Ear{})
					for _, w := range harness.Ways {
						s.requireDiscreet(t, all[w.Name])
						w.RequireAnswer(t, v, all[w.Name], harness.FromFaulty)
					}
				}
				s.quiet()
				mu.Lock()
				defer mu.Unlock()
				require.Equal(t, 3, used["Bearer sk-up-bad"], "once by each channel that sends keys so")
				require.Equal(t, 2, used["sk-up-bad"])
				for _, w := range harness.Ways {
					require.Equal(t, breaker.KeyCounts{Usable: 1, Refused: 1}, s.Server.Pool().Set().Get(w.Name).Snapshot(time.Now()).Keys)
					require.Len(t, s.endsOf(w.Name), rounds)
				}
				require.NotContains(t, s.Log.String(), "sk-up-")
			})
		})
	}
}

// TestARefusedKeyIsTheOperatorsBusiness has no other key and no other channel.
func TestARefusedKeyIsTheOperatorsBusiness(t *testing.T) {
	harness.InMatrix(t, "F11")
	all := mishaps{}
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		all[strconv.Itoa(status)] = mishap{handle: func(_ harness.Variant, w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			harness.Say(w, harness.VoiceFor(r).Complaint("authentication_error", "invalid_api_key", "Incorrect API key provided: sk-up-a."))
		}, ending: harness.Ending{
			Outcome: outcome.UpstreamStatus, Status: http.StatusBadGateway, Code: "upstream_refused_credentials",
			Message: "the upstream refused the relay's credentials",
		}}
	}
	all.inEveryVariant(t, plan{})
}

// TestARefusalThatIsAboutTheRequestIsFinal: no other channel is asked what would be refused there as well.
func TestARefusalThatIsAboutTheRequestIsFinal(t *testing.T) {
	harness.InMatrix(t, "F11")
	all := mishaps{}
	for name, tc := range map[string]struct {
		status              int
		kind, code, message string
	}{
		"the context is too long":   {http.StatusBadRequest, "invalid_request_error", "context_length_exceeded", "prompt is too long: 200001 tokens > 200000 maximum"},
		"the content is filtered":   {http.StatusBadRequest, "invalid_request_error", "content_filter", "The response was filtered."},
		"the request is too large":  {http.StatusRequestEntityTooLarge, "request_too_large", "", "Request exceeds the maximum size."},
		"a field is wrong":          {http.StatusUnprocessableEntity, "invalid_request_error", "", "temperature: too high"},
		"the prompt is not allowed": {http.StatusUnavailableForLegalReasons, "invalid_request_error", "", "Not here."},
	} {
		all[name] = mishap{handle: func(_ harness.Variant, w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(tc.status)
			harness.Say(w, harness.VoiceFor(r).Complaint(tc.kind, tc.code, tc.message))
		}, ending: harness.Ending{Outcome: outcome.UpstreamStatus, Status: tc.status, Message: tc.message, Final: true}}
	}
	all.inEveryVariant(t, plan{}, func(t *testing.T, s *scene, _ map[string]harness.Heard) {
		for _, w := range s.ways {
			s.requireUnharmed(t, w.Name)
		}
	})
}

// TestXAIsWordOnAPromptIsFinal has the same status, 403, as its word on a key.
func TestXAIsWordOnAPromptIsFinal(t *testing.T) {
	harness.InMatrix(t, "F11")
	w := harness.Ways[len(harness.Ways)-1]
	harness.InEveryVariant(t, nil, func(t *testing.T, v harness.Variant) {
		s := newScene(t, v, plan{handle: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			harness.Say(w, `{"code":"The caller does not have permission to execute the specified operation","error":"Content violates usage guidelines. Team: 11111111-2222-3333-4444-555555555555, API key ID: 99999999-2222-3333-4444-555555555555, Model: grok-4, Failed check: SAFETY_CHECK_TYPE_BIO"}`)
		}})
		h := s.call(context.Background(), w, harness.Ear{})
		s.quiet()
		s.requireEndingOf(t, w, h, harness.Ending{
			Outcome: outcome.UpstreamStatus, Status: http.StatusForbidden, Code: "content_policy_violation", Final: true,
			Message: "Content violates usage guidelines. Model: grok-4",
		})
		require.NotContains(t, h.Text, "11111111")
		s.requireUnharmed(t, w.Name)
	})
}

func TestXAIsWordOnAKeyIsTheOperatorsBusiness(t *testing.T) {
	harness.InMatrix(t, "F11")
	w := harness.Ways[len(harness.Ways)-1]
	harness.InEveryVariant(t, nil, func(t *testing.T, v harness.Variant) {
		s := newScene(t, v, plan{handle: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			harness.Say(w, `{"code":"permission-denied","error":"Your API key is blocked."}`)
		}})
		h := s.call(context.Background(), w, harness.Ear{})
		s.quiet()
		s.requireEndingOf(t, w, h, harness.Ending{Outcome: outcome.UpstreamStatus, Status: http.StatusBadGateway, Code: "upstream_refused_credentials"})
		require.Equal(t, 1, s.Server.Pool().Set().Get(w.Name).Snapshot(time.Now()).Keys.Refused)
	})
}
