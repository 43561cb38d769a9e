package suite

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// nobodysAddress refuses connections: a port that needs privileges is never given to a test's server, unlike one that was open
// a moment ago.
const nobodysAddress = "http://127.0.0.1:1"

func TestAnSDKSeesNothingOfAChannelThatFailed(t *testing.T) {
	for _, c := range []struct {
		name     string
		turn     turn
		timeouts string
		outcomes [2]string // whole, streamed
	}{
		{"500", turn{refused: &refusal{status: 500, kind: "api_error", message: "Internal server error"}}, "", [2]string{"upstream_status", "upstream_status"}},
		{"429", turn{refused: &refusal{status: 429, kind: "rate_limit_error", message: "Slow down."}}, "", [2]string{"upstream_status", "upstream_status"}},
		{"a key that is refused", turn{refused: &refusal{status: 403, kind: "permission_error", message: "No."}}, "", [2]string{"upstream_status", "upstream_status"}},
		{"no header", turn{fault: neverAnswers}, "header: 3s, first_token: 2s", [2]string{"header_timeout", "first_token_timeout"}},
		{"half of a body", turn{text: []string{"Half a truth"}, calls: twoCalls, fault: endsShort, rawSSE: []string{": ok\n\n"}}, "", [2]string{"upstream_truncated", "upstream_malformed"}},
		{"silence behind the header", turn{text: []string{"Half a truth"}, fault: fallsSilent, rawSSE: []string{": ok\n\n"}}, "header: 3s, first_token: 2s", [2]string{"header_timeout", "first_token_timeout"}},
		{"a connection that breaks", turn{text: []string{"Half a truth"}, fault: breaksOff, rawSSE: []string{": ok\n\n"}}, "", [2]string{"upstream_truncated", "upstream_reset"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			everyWay(t, func(t *testing.T, s sdk, d dialect) {
				t.Parallel()
				form := 0
				bothForms(t, s, func(t *testing.T, ask func(question) (string, error)) {
					bad := newProvider(t, d, c.turn)
					good := newProvider(t, d, turn{text: []string{"Here ", "you are."}})
					r := startRelay(t, "channels:\n"+bad.channel("bad", 10, c.timeouts)+good.channel("good", 0, ""))
					text, err := ask(question{relay: r})
					require.NoError(t, err)
					assert.Equal(t, "Here you are.", text)
					assert.Equal(t, []string{c.outcomes[form], "completed"}, r.outcomes(2))
					assert.LessOrEqual(t, bad.requests.Load(), int64(1), "asked once, if it came to that before its time was over")
					form++
				})
			})
		})
	}
}

func TestAnSDKSeesNothingOfAChannelThatRefusesConnections(t *testing.T) {
	everyWay(t, func(t *testing.T, s sdk, d dialect) {
		t.Parallel()
		good := newProvider(t, d, turn{text: []string{"Here ", "you are."}})
		r := startRelay(t, "channels:\n"+channelAt(nobodysAddress, d, "bad", 10, "")+good.channel("good", 0, ""))
		bothForms(t, s, func(t *testing.T, ask func(question) (string, error)) {
			text, err := ask(question{relay: r})
			require.NoError(t, err)
			assert.Equal(t, "Here you are.", text)
		})
		assert.Equal(t, []string{"connect_failed", "completed", "connect_failed", "completed"}, r.outcomes(4))
	})
}

func TestACallMovesOnToAProviderOfAnotherFormat(t *testing.T) {
	for _, s := range sdks {
		for _, order := range [][2]dialect{{openAIDialect, anthropicDialect}, {anthropicDialect, openAIDialect}, {anthropicDialect, xaiDialect}} {
			t.Run(s.name+" "+order[0].name()+" "+order[1].name(), func(t *testing.T) {
				t.Parallel()
				bothForms(t, s, func(t *testing.T, ask func(question) (string, error)) {
					bad := newProvider(t, order[0], turn{refused: &refusal{status: 529, kind: "overloaded_error", message: "Overloaded"}})
					good := newProvider(t, order[1], turn{text: []string{"Here ", "you are."}})
					r := startRelay(t, "channels:\n"+bad.channel("bad", 10, "")+good.channel("good", 0, ""))
					text, err := ask(question{relay: r})
					require.NoError(t, err)
					assert.Equal(t, "Here you are.", text)
					assert.Equal(t, order[1].model(), good.lastBody(t)["model"], "each channel maps the model for itself")
				})
			})
		}
	}
}

// TestAMistakeOfTheClientsIsNotTriedElsewhere would cost money for the same answer again.
func TestAMistakeOfTheClientsIsNotTriedElsewhere(t *testing.T) {
	everyWay(t, func(t *testing.T, s sdk, d dialect) {
		t.Parallel()
		first := newProvider(t, d, turn{refused: &refusal{status: 400, kind: "invalid_request_error", message: "That is too odd."}})
		second := newProvider(t, d, turn{text: []string{"never said"}})
		r := startRelay(t, "channels:\n"+first.channel("first", 10, "")+second.channel("second", 0, ""))
		bothForms(t, s, func(t *testing.T, ask func(question) (string, error)) {
			_, err := ask(question{relay: r})
			require.Error(t, err)
			failure := s.failure(t, err)
			assert.Equal(t, 400, failure.status)
			assert.Contains(t, failure.message, "That is too odd.")
		})
		assert.Zero(t, second.requests.Load())
	})
}

func TestAStreamIsNeverContinuedByAnotherChannel(t *testing.T) {
	everyWay(t, func(t *testing.T, s sdk, d dialect) {
		t.Parallel()
		first := newProvider(t, d, turn{text: []string{"Once "}, fault: breaksOff})
		second := newProvider(t, d, turn{text: []string{"never said"}})
		r := startRelay(t, "channels:\n"+first.channel("first", 10, "")+second.channel("second", 0, ""))
		text, err := s.ask(question{relay: r, onText: func(string) {}})
		require.Error(t, err)
		assert.Equal(t, "Once ", text)
		assert.Zero(t, second.requests.Load())
	})
}
