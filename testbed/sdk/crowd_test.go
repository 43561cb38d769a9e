package sdk

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"one-api/testbed/sdktest"
)

// TestAnswersOfManyCallsAtOnceAreNotMixedUp is about memory that calls share one after the other: each one's answer is what it
// said itself, from a few bytes to more than any buffer holds, and with what is awkward in JSON, in HTML and in event streams.
func TestAnswersOfManyCallsAtOnceAreNotMixedUp(t *testing.T) {
	const awkward = "\"\\/<&>\n\r\n\t\u2028\u0085\u0000\u007f data: [DONE] event: ping é 世界 👩‍👩‍👧 𝄞 "
	var calls sync.WaitGroup
	for _, d := range sdktest.Dialects {
		p := sdktest.NewProvider(t, d, sdktest.Turn{Echo: true})
		r := sdktest.RelayTo(t, p)
		for _, s := range sdktest.Sdks {
			for i := range 12 {
				calls.Go(func() {
					q := sdktest.Question{Relay: r, Text: fmt.Sprintf("%s %s %d %s!", s.Name, d.Name(), i, strings.Repeat(awkward, 1<<min(i, 10)))}
					if i%3 > 0 {
						q.OnText = func(string) {}
					}
					text, err := s.Ask(q)
					if assert.NoError(t, err) && text != q.Text {
						t.Errorf("%s, %s, call %d: %d bytes became %d", s.Name, d.Name(), i, len(q.Text), len(text))
					}
				})
			}
		}
	}
	calls.Wait()
}
