package suite

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestAnswersOfManyCallsAtOnceAreNotMixedUp is about memory that calls share one after the other: each one's answer is what it
// said itself, from a few bytes to more than any buffer holds, and with what is awkward in JSON, in HTML and in event streams.
func TestAnswersOfManyCallsAtOnceAreNotMixedUp(t *testing.T) {
	const awkward = "\"\\/<&>\n\r\n\t\u2028\u0085\u0000\u007f data: [DONE] event: ping é 世界 👩‍👩‍👧 𝄞 "
	var calls sync.WaitGroup
	for _, d := range dialects {
		p := newProvider(t, d, turn{echo: true})
		r := relayTo(t, p)
		for _, s := range sdks {
			for i := range 12 {
				calls.Go(func() {
					q := question{relay: r, text: fmt.Sprintf("%s %s %d %s!", s.name, d.name(), i, strings.Repeat(awkward, 1<<min(i, 10)))}
					if i%3 > 0 {
						q.onText = func(string) {}
					}
					text, err := s.ask(q)
					if assert.NoError(t, err) && text != q.text {
						t.Errorf("%s, %s, call %d: %d bytes became %d", s.name, d.name(), i, len(q.text), len(text))
					}
				})
			}
		}
	}
	calls.Wait()
}
