package clients

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/record"
	"one-api/testbed/harness"
)

func TestARefusedRequestIsInTheLogByItsID(t *testing.T) {
	limited := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "60")
		harness.Refusing(429)(w, r)
	})
	for name, c := range map[string]struct {
		more         string
		status, asks int
		reason, why  string
	}{
		"no channel is usable":     {", disabled: true", 503, 1, "no_channel", "No channel for `m` is usable at the moment.\" channels=\"a: disabled in the configuration\""},
		"every channel is limited": {"", 429, 2, "limit", "full or limited at the moment. Retry after the time in Retry-After.\" channels=\"a: keys limited: 1 of 1;"},
	} {
		t.Run(name, func(t *testing.T) {
			r := harness.StartRelay(t, harness.OpenAIChannel("a", limited, c.more))
			id := ""
			for range c.asks {
				status, _, header := r.Ask("/v1/chat/completions", harness.Chat)
				require.Equal(t, c.status, status)
				id = header.Get("X-Oneapi-Request-Id")
			}
			r.Eventually("a line in the log", func() bool { return strings.Contains(r.Log.String(), "request refused") })
			line := ""
			for each := range strings.SplitSeq(r.Log.String(), "\n") {
				if strings.Contains(each, "request refused") {
					line = each
				}
			}
			assert.Contains(t, line, "level=WARN")
			assert.Contains(t, line, "request_id="+id)
			assert.Contains(t, line, "reason="+c.reason)
			assert.Contains(t, line, "model=m token=test")
			assert.Contains(t, line, c.why)
		})
	}
}

func TestTheLogOfACrowdThatIsRefusedIsBounded(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.AnswersAsAsked)
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ", disabled: true"))
	began := time.Now()
	for range 100 {
		_, _, _ = r.Ask("/v1/chat/completions", harness.Chat)
	}
	r.Eventually("their ends", func() bool { return len(r.RequestEnds()) == 100 })
	most := record.RefusalsLogged * (2 + int(time.Since(began)/time.Second))
	assert.LessOrEqual(t, strings.Count(r.Log.String(), "request refused"), most)
	assert.GreaterOrEqual(t, strings.Count(r.Log.String(), "request refused"), record.RefusalsLogged)
}
