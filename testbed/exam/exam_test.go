package exam

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

var hello = standin.Answer{Text: []string{"Good ", "day <&> 世界"}}

func (q surface) asks(text string, stream bool) question {
	return question{turns: []string{q.says(text)}, stream: stream}
}

// TestATextIsAnsweredAndCounted to the token, by the client's usage and in the records.
func TestATextIsAnsweredAndCounted(t *testing.T) {
	everywhere(t, func(t *testing.T, q surface, p provider, stream bool) {
		s := p.stage(t, hello)
		a := q.ask(t, s, q.asks("Hi! <&> 世界", stream))
		require.Nil(t, a.failed, "%v %v", a.failed, s.refused())
		require.Equal(t, "Good day <&> 世界", a.text)
		require.Equal(t, q.ends[0], a.end)
		require.Empty(t, a.calls)
		require.Equal(t, [4]int64{standin.Input, standin.Cached, standin.Output, 0}, [4]int64{a.input, a.cached, a.output, a.reasoning})
		require.Equal(t, []string{"completed"}, s.Outcomes(1))
		require.Equal(t, p.usage, s.Attempt(0).Usage)
		require.Contains(t, s.lastAsked(), "Be brief.")
		require.Len(t, s.asked(), 1)
		require.Empty(t, s.refused())
	})
}

// TestToolsAreCalledInParallelAndStepByStep and their results, and what was thought and signed, are given back.
func TestToolsAreCalledInParallelAndStepByStep(t *testing.T) {
	everywhere(t, func(t *testing.T, q surface, p provider, stream bool) {
		calls := func(one, two string) standin.Answer {
			a := standin.Answer{Text: []string{"I look."}, Calls: []standin.Call{{ID: one, Name: "get_weather", Arguments: []string{`{"ci`, `ty":"Os`, `lo"}`}}, {ID: two, Name: "get_weather", Arguments: []string{`{"city":"Rome \"<&>\""}`}}}}
			if p.thinks {
				a.Thought = "Hm."
			}
			return a
		}
		s := p.stage(t, calls("call_1", "call_2"), calls("call_3", "call_4"), standin.Answer{Text: []string{"Mild."}})
		ask := question{turns: []string{q.says("Oslo and Rome?")}, tools: true, thinks: p.thinks, stream: stream}
		ids := map[string]bool{}
		for step := range 2 {
			a := q.ask(t, s, ask)
			require.Nil(t, a.failed, "%v %v", a.failed, s.refused())
			require.Equal(t, "I look.", a.text)
			require.Equal(t, q.ends[1], a.end)
			require.Len(t, a.calls, 2)
			require.JSONEq(t, `{"city":"Oslo"}`, a.calls[0].arguments)
			require.JSONEq(t, `{"city":"Rome \"<&>\""}`, a.calls[1].arguments)
			for _, c := range a.calls {
				require.Equal(t, "get_weather", c.name)
				require.False(t, ids[c.id], "an id twice")
				ids[c.id] = true
			}
			if p.thinks && (q.name != "chat" || step == 0) { // to whose clients what was thought of old is unsigned, so that the API is told not to think
				require.Equal(t, "Hm.", a.thought)
			}
			ask.turns = append(append(ask.turns, a.keeps...), q.results(a.calls, "10 degrees <&>")...)
		}
		a := q.ask(t, s, ask)
		require.Nil(t, a.failed, "%v %v", a.failed, s.refused())
		require.Equal(t, "Mild.", a.text)
		require.Equal(t, q.ends[0], a.end)
		require.Empty(t, s.refused())
		last := s.lastAsked()
		require.Equal(t, 4, strings.Count(last, "10 degrees"), last)
		require.NotContains(t, last, "sealed")
		require.NotContains(t, last, "oneapi")
		switch {
		case p.signature != "" && q.name != "chat":
			require.Equal(t, 2, strings.Count(last, p.signature), "what it has signed is given back: %s", last)
		case p.name == "gemini":
			require.Equal(t, 2, strings.Count(last, standin.GeminiSignature), last)
		case p.name == "deepseek":
			require.Equal(t, 2, strings.Count(last, "Hm."), last)
		}
		require.Equal(t, []string{"completed", "completed", "completed"}, s.Outcomes(3))
	})
}

// TestACallWithoutArgumentsHasAnEmptyObject and one without a word of text is one.
func TestACallWithoutArgumentsHasAnEmptyObject(t *testing.T) {
	everywhere(t, func(t *testing.T, q surface, p provider, stream bool) {
		s := p.stage(t, standin.Answer{Calls: []standin.Call{{ID: "call_1", Name: "get_weather"}}})
		a := q.ask(t, s, question{turns: []string{q.says("Well?")}, tools: true, must: q.name != "chat" || p.name != "deepseek", stream: stream}) // who refuses it from its own clients
		require.Nil(t, a.failed, "%v %v", a.failed, s.refused())
		require.Empty(t, a.text)
		require.Len(t, a.calls, 1)
		require.JSONEq(t, `{}`, a.calls[0].arguments)
		require.Equal(t, q.ends[1], a.end)
		require.Empty(t, s.refused())
	})
}

// TestAnAnswerByASchemaIsAskedFor as the provider has it, or in words.
func TestAnAnswerByASchemaIsAskedFor(t *testing.T) {
	everywhere(t, func(t *testing.T, q surface, p provider, stream bool) {
		for _, tools := range []bool{false, true} {
			s := p.stage(t, standin.Answer{Text: []string{`{"verdict"`, `:"good"}`}})
			a := q.ask(t, s, question{turns: []string{q.says("Well?")}, schema: true, tools: tools, stream: stream})
			require.Nil(t, a.failed, "%v %v", a.failed, s.refused())
			require.JSONEq(t, `{"verdict":"good"}`, a.text)
			require.Contains(t, s.lastAsked(), "verdict")
			require.Equal(t, !p.schemas && q.name != "chat" || !p.schemas && p.name != "deepseek", strings.Contains(s.lastAsked(), "valid against this JSON schema"), s.lastAsked())
			require.Empty(t, s.refused())
		}
	})
}

// TestPicturesAndDocumentsAreShown to the byte.
func TestPicturesAndDocumentsAreShown(t *testing.T) {
	everywhere(t, func(t *testing.T, q surface, p provider, stream bool) {
		s := p.stage(t, hello)
		a := q.ask(t, s, question{turns: []string{q.shows()}, stream: stream})
		require.Nil(t, a.failed, "%v %v", a.failed, s.refused())
		require.Contains(t, s.lastAsked(), picture)
		require.Contains(t, s.lastAsked(), document)
		require.Empty(t, s.refused())
	})
}

// TestWhatIsThoughtIsToldApart from what is said, and its tokens are in the usage.
func TestWhatIsThoughtIsToldApart(t *testing.T) {
	everywhere(t, func(t *testing.T, q surface, p provider, stream bool) {
		output, reasoning := int64(standin.Output), int64(3)
		figures := map[string]string{`"reasoning_tokens":0`: `"reasoning_tokens":3`}
		switch p.name {
		case "anthropic":
			figures = map[string]string{`"output_tokens":7`: `"output_tokens":7,"output_tokens_details":{"thinking_tokens":3}`}
		case "deepseek":
			figures = map[string]string{`"total_tokens":32,`: `"total_tokens":32,"completion_tokens_details":{"reasoning_tokens":3},`}
		case "gemini":
			output, reasoning = standin.Output+standin.GeminiThoughts, standin.GeminiThoughts
		case "bedrock claude", "bedrock nova":
			reasoning = 0
		}
		answer := hello
		if p.thinks {
			answer.Thought = "Hm."
		}
		s := p.staged(t, figures, answer)
		a := q.ask(t, s, question{turns: []string{q.says("Well?")}, thinks: true, stream: stream})
		require.Nil(t, a.failed, "%v %v", a.failed, s.refused())
		require.Equal(t, "Good day <&> 世界", a.text)
		require.Equal(t, answer.Thought, a.thought)
		require.Equal(t, [4]int64{standin.Input, standin.Cached, output, reasoning}, [4]int64{a.input, a.cached, a.output, a.reasoning})
		require.Empty(t, s.refused())
		s.Outcomes(1)
		require.Equal(t, reasoning, s.Attempt(0).Usage.Reasoning)
		require.Equal(t, output, s.Attempt(0).Usage.Output())
	})
}

// TestWhyAnAnswerEndsIsSaidInTheClientsWord.
func TestWhyAnAnswerEndsIsSaidInTheClientsWord(t *testing.T) {
	everywhere(t, func(t *testing.T, q surface, p provider, stream bool) {
		for n, word := range []string{p.length, p.filter} {
			s := p.stage(t, standin.Answer{Text: []string{"Good "}, Ends: word})
			a := q.ask(t, s, q.asks("Hi!", stream))
			require.Nil(t, a.failed, "%v %v", a.failed, s.refused())
			require.Equal(t, q.ends[2+n], a.end)
			require.Equal(t, "Good ", a.text)
			require.EqualValues(t, standin.Output, a.output)
			require.Equal(t, []string{"completed"}, s.Outcomes(1))
		}
	})
}

// spoilt is how streams go wrong in their midst.
var spoilt = map[string]struct {
	then    func(p provider) func(w http.ResponseWriter, r *http.Request)
	outcome string
}{
	"is reset": {func(provider) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) { harness.ResetTCP(w); panic(http.ErrAbortHandler) }
	}, "upstream_reset"},
	"ends early": {func(provider) func(http.ResponseWriter, *http.Request) {
		return func(http.ResponseWriter, *http.Request) {}
	}, "upstream_truncated"},
	"reports an error": {func(p provider) func(http.ResponseWriter, *http.Request) {
		var told atomic.Bool
		return func(w http.ResponseWriter, _ *http.Request) {
			if told.Swap(true) {
				return
			}
			if p.dialect == nil {
				_, _ = w.Write(standin.ExceptionFrame("internalServerException", "The system encountered an unexpected error during processing. Try your request again."))
				return
			}
			_, _ = w.Write([]byte(p.dialect.ErrorEvent()))
		}
	}, "upstream_error_event"},
}

// TestAStreamThatGoesWrongIsAnErrorBehindWhatHasCome and never looks like one that has ended.
func TestAStreamThatGoesWrongIsAnErrorBehindWhatHasCome(t *testing.T) {
	everywhere(t, func(t *testing.T, q surface, p provider, stream bool) {
		if !stream {
			t.Skip("of streams")
		}
		for name, how := range spoilt {
			s := p.stage(t, hello)
			s.spoil(p.begun, how.then(p))
			a := q.ask(t, s, q.asks("Hi!", true))
			require.NotNil(t, a.failed, name)
			require.Zero(t, a.failed.status, name)
			require.NotEmpty(t, a.failed.message, name)
			require.Equal(t, "Good ", a.text, name)
			require.Empty(t, a.end, name)
			require.Equal(t, []string{how.outcome}, s.Outcomes(1), name)
			require.NotContains(t, a.failed.message, s.u.URL)
		}
	})
}

// TestAStreamThatGoesWrongBeforeItSaysAnythingIsAnErrorWithAStatus as long as there is nobody else.
func TestAStreamThatGoesWrongBeforeItSaysAnythingIsAnErrorWithAStatus(t *testing.T) {
	everywhere(t, func(t *testing.T, q surface, p provider, stream bool) {
		if !stream {
			t.Skip("of streams")
		}
		for name, how := range spoilt {
			s := p.stage(t, hello)
			s.spoil(p.quiet(q), how.then(p))
			a := q.ask(t, s, q.asks("Hi!", true))
			require.NotNil(t, a.failed, name)
			require.GreaterOrEqual(t, a.failed.status, 500, name)
			require.Empty(t, a.text, name)
			require.Len(t, s.Outcomes(1), 1, name)
		}
	})
}

// TestAClientThatLeavesTakesItsUpstreamAlong and nothing stays.
func TestAClientThatLeavesTakesItsUpstreamAlong(t *testing.T) {
	everywhere(t, func(t *testing.T, q surface, p provider, stream bool) {
		if !stream {
			t.Skip("of streams")
		}
		s := p.stage(t, hello)
		s.spoil(p.begun, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done(); panic(http.ErrAbortHandler) })
		q.begins(t, s, q.asks("Hi!", true))
		require.Equal(t, []string{"client_gone"}, s.Outcomes(1))
		s.Eventually("the upstream is left", func() bool { return s.u.Open.Load() == 0 })
		s.RequireQuiet(harness.AmongOthers, s.u)
	})
}
