package failover

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/testbed/sdktest"
)

// What becomes of a stream that fails after its client has seen a part of it: an honest error, and no second answer behind the
// first. No scenario in this file asks a fallback yet.

func TestAStreamThatFailsInItsMiddleIsAnHonestErrorAndNoTextComesTwice(t *testing.T) {
	for _, c := range []struct {
		name     string
		answer   func(d sdktest.Dialect) sdktest.Turn
		words    int
		timeouts string
		outcome  string
	}{
		{"cut after 40 of 60 words", func(sdktest.Dialect) sdktest.Turn {
			return sdktest.Turn{Text: sixtyWords()[:40], Fault: sdktest.BreaksOff}
		}, 40, "", "upstream_reset"},
		{"ended in good order after 40 of 60 words", func(sdktest.Dialect) sdktest.Turn {
			return sdktest.Turn{Text: sixtyWords()[:40], Fault: sdktest.EndsShort}
		}, 40, "", "upstream_truncated"},
		{"silent after 20 of 60 words", func(sdktest.Dialect) sdktest.Turn {
			return sdktest.Turn{Text: sixtyWords()[:20], Fault: sdktest.FallsSilent}
		}, 20, "idle: 300ms", "idle_timeout"},
		{"an overload after 20 of 60 words", func(sdktest.Dialect) sdktest.Turn {
			return sdktest.Turn{Text: sixtyWords()[:20], Fault: sdktest.ReportsError}
		}, 20, "", "upstream_error_event"},
		{"a malformed chunk after 10 of 60 words", malformedAfterTen, 10, "", "upstream_malformed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
				t.Parallel()
				p := newPair(t, d, newFlaky(t, d, nil, c.answer(d)), c.timeouts)
				var pieces []string
				text, err := s.Ask(sdktest.Question{Relay: p.Relay, OnText: func(piece string) { pieces = append(pieces, piece) }})
				require.Error(t, err, "the SDK takes %q for a whole answer", text)
				assert.Equal(t, strings.Join(sixtyWords()[:c.words], ""), strings.Join(pieces, ""), "what had come, once")
				p.requireAsked(t, 1, 0)
				assert.Equal(t, []string{c.outcome}, p.Outcomes(1))
			})
		})
	}
}

// malformedAfterTen is a stream whose eleventh word is spoilt on its way, and that goes on as if nothing had been.
func malformedAfterTen(d sdktest.Dialect) sdktest.Turn {
	content, ending := d.Events(sdktest.Turn{Text: sixtyWords()}, nil)
	for i, e := range content {
		if strings.Contains(e, "word-10") {
			content[i] = e[:strings.Index(e, "word-10")] + "\n\n"
		}
	}
	return sdktest.Turn{RawSSE: append(content, ending...)}
}

// TestWhatAFallbackWouldRefuseIsNotWhatTheClientIsTold has a fallback that takes no conversation that ends with the assistant's
// own words: were the call continued there, the client would have to be told of the cut all the same.
func TestWhatAFallbackWouldRefuseIsNotWhatTheClientIsTold(t *testing.T) {
	sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
		t.Parallel()
		p := newPair(t, d, newFlaky(t, d, nil, sdktest.Turn{Text: sixtyWords()[:40], Fault: sdktest.BreaksOff}), "")
		const prefill = "This model does not support assistant message prefill."
		p.fallback.meet = meetsWith(d, 0, sdktest.Refusal{Status: 400, Kind: "invalid_request_error", Message: prefill})
		text, err := s.Ask(sdktest.Question{Relay: p.Relay, OnText: func(string) {}})
		require.Error(t, err)
		assert.Equal(t, strings.Join(sixtyWords()[:40], ""), text)
		assert.NotContains(t, err.Error(), prefill)
		assert.Contains(t, err.Error(), "the connection to the upstream broke")
	})
}

// TestAWholeAnswerThatFailsInItsMiddleIsTheFallbacks: nobody has seen any of it.
func TestAWholeAnswerThatFailsInItsMiddleIsTheFallbacks(t *testing.T) {
	for name, c := range map[string]struct {
		answer   func(d sdktest.Dialect) sdktest.Turn
		timeouts string
	}{
		"cut":                       {func(sdktest.Dialect) sdktest.Turn { return sdktest.Turn{Text: sixtyWords(), Fault: sdktest.BreaksOff} }, ""},
		"ended short in good order": {func(sdktest.Dialect) sdktest.Turn { return sdktest.Turn{Text: sixtyWords(), Fault: sdktest.EndsShort} }, ""},
		"silent": {func(sdktest.Dialect) sdktest.Turn {
			return sdktest.Turn{Text: sixtyWords(), Fault: sdktest.FallsSilent}
		}, "header: 1s"},
		"malformed": {func(d sdktest.Dialect) sdktest.Turn {
			return sdktest.Turn{Raw: strings.Replace(d.Whole(sdktest.Turn{Text: sixtyWords()}), "word-30", "word\"30", 1)}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
				t.Parallel()
				p := newPair(t, d, newFlaky(t, d, nil, c.answer(d)), c.timeouts)
				p.requireRescued(t, s.Ask)
				p.requireAsked(t, 1, 1)
			})
		})
	}
}

// TestACompleteStreamWithoutItsTerminatorIsComplete: every choice has its end reason and the body ended in good order, which is
// what the contract calls complete. The SDKs are content, so the terminator was written.
func TestACompleteStreamWithoutItsTerminatorIsComplete(t *testing.T) {
	sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
		t.Parallel()
		content, ending := d.Events(sdktest.Turn{Text: sixtyWords()}, nil)
		p := newPair(t, d, newFlaky(t, d, nil, sdktest.Turn{RawSSE: append(content, ending[:len(ending)-1]...)}), "")
		text, err := s.Ask(sdktest.Question{Relay: p.Relay, OnText: func(string) {}})
		require.NoError(t, err)
		assert.Equal(t, theWholeAnswer(), text)
		p.requireAsked(t, 1, 0)
	})
}
