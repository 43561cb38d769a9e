package sdk

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
)

func TestAnSDKSeesNothingOfAChannelThatFailed(t *testing.T) {
	for _, c := range []struct {
		name     string
		turn     sdktest.Turn
		timeouts string
		outcomes [2]string // whole, streamed
	}{
		{"500", sdktest.Turn{Refused: &sdktest.Refusal{Status: 500, Kind: "api_error", Message: "Internal server error"}}, "", [2]string{"upstream_status", "upstream_status"}},
		{"429", sdktest.Turn{Refused: &sdktest.Refusal{Status: 429, Kind: "rate_limit_error", Message: "Slow down."}}, "", [2]string{"upstream_status", "upstream_status"}},
		{"a key that is refused", sdktest.Turn{Refused: &sdktest.Refusal{Status: 403, Kind: "permission_error", Message: "No."}}, "", [2]string{"upstream_status", "upstream_status"}},
		{"no header", sdktest.Turn{Fault: sdktest.NeverAnswers}, "header: 3s, first_token: 2s", [2]string{"header_timeout", "first_token_timeout"}},
		{"half of a body", sdktest.Turn{Text: []string{"Half a truth"}, Calls: sdktest.TwoCalls, Fault: sdktest.EndsShort, RawSSE: []string{": ok\n\n"}}, "", [2]string{"upstream_truncated", "upstream_malformed"}},
		{"silence behind the header", sdktest.Turn{Text: []string{"Half a truth"}, Fault: sdktest.FallsSilent, RawSSE: []string{": ok\n\n"}}, "header: 3s, first_token: 2s", [2]string{"header_timeout", "first_token_timeout"}},
		{"a connection that breaks", sdktest.Turn{Text: []string{"Half a truth"}, Fault: sdktest.BreaksOff, RawSSE: []string{": ok\n\n"}}, "", [2]string{"upstream_truncated", "upstream_reset"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
				t.Parallel()
				form := 0
				sdktest.BothForms(t, s, func(t *testing.T, ask func(sdktest.Question) (string, error)) {
					bad := sdktest.NewProvider(t, d, c.turn)
					good := sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{"Here ", "you are."}})
					r := harness.StartRelay(t, "channels:\n"+bad.Channel("bad", 10, c.timeouts)+good.Channel("good", 0, ""))
					text, err := ask(sdktest.Question{Relay: r})
					require.NoError(t, err)
					assert.Equal(t, "Here you are.", text)
					assert.Equal(t, []string{c.outcomes[form], "completed"}, r.Outcomes(2))
					assert.LessOrEqual(t, bad.Requests.Load(), int64(1), "asked once, if it came to that before its time was over")
					form++
				})
			})
		})
	}
}

func TestAnSDKSeesNothingOfAChannelThatRefusesConnections(t *testing.T) {
	sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
		t.Parallel()
		good := sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{"Here ", "you are."}})
		r := harness.StartRelay(t, "channels:\n"+sdktest.ChannelAt(harness.NobodysAddress, d, "bad", 10, "")+good.Channel("good", 0, ""))
		sdktest.BothForms(t, s, func(t *testing.T, ask func(sdktest.Question) (string, error)) {
			text, err := ask(sdktest.Question{Relay: r})
			require.NoError(t, err)
			assert.Equal(t, "Here you are.", text)
		})
		assert.Equal(t, []string{"connect_failed", "completed", "connect_failed", "completed"}, r.Outcomes(4))
	})
}

func TestACallMovesOnToAProviderOfAnotherFormat(t *testing.T) {
	for _, s := range sdktest.Sdks {
		for _, order := range [][2]sdktest.Dialect{{sdktest.OpenAIDialect, sdktest.AnthropicDialect}, {sdktest.AnthropicDialect, sdktest.OpenAIDialect}, {sdktest.AnthropicDialect, sdktest.XaiDialect}} {
			t.Run(s.Name+" "+order[0].Name()+" "+order[1].Name(), func(t *testing.T) {
				t.Parallel()
				sdktest.BothForms(t, s, func(t *testing.T, ask func(sdktest.Question) (string, error)) {
					bad := sdktest.NewProvider(t, order[0], sdktest.Turn{Refused: &sdktest.Refusal{Status: 529, Kind: "overloaded_error", Message: "Overloaded"}})
					good := sdktest.NewProvider(t, order[1], sdktest.Turn{Text: []string{"Here ", "you are."}})
					r := harness.StartRelay(t, "channels:\n"+bad.Channel("bad", 10, "")+good.Channel("good", 0, ""))
					text, err := ask(sdktest.Question{Relay: r})
					require.NoError(t, err)
					assert.Equal(t, "Here you are.", text)
					assert.Equal(t, order[1].Model(), good.LastBody(t)["model"], "each channel maps the model for itself")
				})
			})
		}
	}
}

// TestAMistakeOfTheClientsIsNotTriedElsewhere would cost money for the same answer again.
func TestAMistakeOfTheClientsIsNotTriedElsewhere(t *testing.T) {
	sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
		t.Parallel()
		first := sdktest.NewProvider(t, d, sdktest.Turn{Refused: &sdktest.Refusal{Status: 400, Kind: "invalid_request_error", Message: "That is too odd."}})
		second := sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{"never said"}})
		r := harness.StartRelay(t, "channels:\n"+first.Channel("first", 10, "")+second.Channel("second", 0, ""))
		sdktest.BothForms(t, s, func(t *testing.T, ask func(sdktest.Question) (string, error)) {
			_, err := ask(sdktest.Question{Relay: r})
			require.Error(t, err)
			failure := s.Failure(t, err)
			assert.Equal(t, 400, failure.Status)
			assert.Contains(t, failure.Message, "That is too odd.")
		})
		assert.Zero(t, second.Requests.Load())
	})
}

func TestAStreamIsNeverContinuedByAnotherChannel(t *testing.T) {
	sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
		t.Parallel()
		first := sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{"Once "}, Fault: sdktest.BreaksOff})
		second := sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{"never said"}})
		r := harness.StartRelay(t, "channels:\n"+first.Channel("first", 10, "")+second.Channel("second", 0, ""))
		text, err := s.Ask(sdktest.Question{Relay: r, OnText: func(string) {}})
		require.Error(t, err)
		assert.Equal(t, "Once ", text)
		assert.Zero(t, second.Requests.Load())
	})
}
