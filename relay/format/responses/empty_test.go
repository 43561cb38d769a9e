package responses_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/format"
	"one-api/relay/format/responses"
	"one-api/relay/llm"
	"one-api/relay/outcome"
)

// TestAResponseThatSaysNothingAndHasNoStatusIsMalformed is about responses that are there in name only, to clients of this format and of
// others.
func TestAResponseThatSaysNothingAndHasNoStatusIsMalformed(t *testing.T) {
	whole := func(body string) (failures []error) {
		_, err := responses.Format.Inspect(0).Whole([]byte(body))
		return []error{err, responses.Format.Server.Decode(&format.Target{}).Whole([]byte(body), &llm.Answer{})}
	}
	for _, output := range []string{`[]`, `[{}]`, `[null]`, `[{"type":"message","content":[]}]`, `[{"type":"message","content":[{"type":"output_text","text":""}]}]`} {
		for _, status := range []string{``, `"status":null,`, `"status":"",`} {
			for _, err := range whole(`{"id":"r","object":"response",` + status + `"output":` + output + `}`) {
				require.Error(t, err, output)
				require.Equal(t, outcome.UpstreamMalformed, outcome.FailureOf(err).Outcome, output)
			}
		}
		for _, err := range whole(`{"id":"r","object":"response","status":"completed","output":` + output + `}`) {
			require.NoError(t, err, output)
		}
	}
	for _, output := range []string{
		`[{"type":"message","content":[{"type":"output_text","text":"a"}]}]`, `[{"type":"message","content":[{"type":"refusal","refusal":"a"}]}]`,
		`[{"type":"function_call","name":"f","arguments":"{}"}]`, `[{"type":"new_thing"}]`,
	} {
		for _, err := range whole(`{"id":"r","object":"response","output":` + output + `}`) {
			require.NoError(t, err, output)
		}
	}
}
