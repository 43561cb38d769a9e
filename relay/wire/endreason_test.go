package wire

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestEveryProvidersWordForAnEndIsKnown(t *testing.T) {
	for reason, words := range map[EndReason][]string{
		NotEnded:      {"", "null", "None", "FINISH_REASON_UNSPECIFIED"},
		EndedItself:   {"stop", "STOP", "end_turn", "stop_sequence", "pause_turn", "eos_token", "COMPLETE", "completed"},
		EndedByLength: {"length", "max_tokens", "MAX_TOKENS", "max_output_tokens", "incomplete", "model_length", "model_context_window_exceeded"},
		EndedByCall:   {"tool_calls", "function_call", "tool_use", "TOOL_CALL"},
		EndedByFilter: {"content_filter", "refusal", "SAFETY", "RECITATION", "PROHIBITED_CONTENT", "SPII", "guardrail_intervened", "sensitive"},
		EndedBadly: {
			"error", "ERROR", "insufficient_system_resource", "abort", "aborted", "network_error", "server_failure", "failed", "model_overloaded",
			"upstream_timeout", "Timeout", "error_toxic", "INSUFFICIENT_QUOTA",
		},
		EndedSomehow: {"vibes", "repetition", "42", strings.Repeat("error", 100)},
	} {
		for _, word := range words {
			assert.Equal(t, reason, ReadEndReason(word), word)
		}
	}
}

func TestAnEndReasonMayBeAnyValue(t *testing.T) {
	for value, want := range map[string]EndReason{
		"":                                    NotEnded,
		`null`:                                NotEnded,
		`""`:                                  NotEnded,
		`"stop"`:                              EndedItself,
		`"\u0073top"`:                         EndedItself,
		`{"type":"length","length":5}`:        EndedByLength,
		`{"reason":"max_output_tokens"}`:      EndedByLength,
		`{"type":"abort","message":"x"}`:      EndedBadly,
		`{}`:                                  EndedSomehow,
		`7`:                                   EndedSomehow,
		`true`:                                EndedSomehow,
		`false`:                               NotEnded,
		`["stop"]`:                            EndedSomehow,
		`"` + strings.Repeat("x", 9000) + `"`: EndedSomehow,
	} {
		assert.Equal(t, want, EndReasonOf([]byte(value)), "%.40s", value)
		assert.LessOrEqual(t, len(EndWord([]byte(value))), longestEndReason+3)
	}
	value := []byte(`"tool_calls"`)
	assert.Zero(t, testing.AllocsPerRun(100, func() { EndReasonOf(value) }), "a known word")
}

func TestAnEndReasonIsSaidInEitherFormat(t *testing.T) {
	for reason, want := range map[EndReason]struct{ chat, chatWithCalls, messages, messagesWithCalls string }{
		NotEnded:      {"stop", "tool_calls", "end_turn", "tool_use"},
		EndedItself:   {"stop", "tool_calls", "end_turn", "tool_use"},
		EndedByLength: {"length", "length", "max_tokens", "max_tokens"},
		EndedByCall:   {"tool_calls", "tool_calls", "tool_use", "tool_use"},
		EndedByFilter: {"content_filter", "content_filter", "refusal", "refusal"},
		EndedSomehow:  {"stop", "tool_calls", "end_turn", "tool_use"},
	} {
		assert.Equal(t, want.chat, reason.Chat(false))
		assert.Equal(t, want.chatWithCalls, reason.Chat(true))
		assert.Equal(t, want.messages, reason.Messages(false))
		assert.Equal(t, want.messagesWithCalls, reason.Messages(true))
	}
}
