package answers

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/relay/wire"
	"one-api/testbed/harness"
)

// The answer tests play what upstreams have been seen to send, and further members of the same kinds, to the assembled relay:
// to clients of either format, over channels of either, with a healthy channel behind the odd one and with none. What is judged
// is which outcome the odd channel gets, who was asked, and what the client holds in its hands.

// oddAnswer is an answer with status 200.
type oddAnswer struct {
	name      string
	anthropic bool   // it is in Anthropic's format; else in OpenAI's
	whole     bool   // it answers a call that asked for no stream
	kind      string // Content-Type; empty: the right one
	body      string
	again     string // is sent again and again behind it, until the relay has enough; empty: the answer ends
	members   string // of the request, beside the usual ones: `,"n":2`
	timeouts  string // of the channel

	outcome   outcome.Outcome
	converted outcome.Outcome // for clients of the other format, if that is another outcome: it is not Completed then
	committed bool            // content has been passed on: no other channel is asked, and the client gets an error event
	says      []string        // parts of what clients of the same format get
	saysToo   []string        // and of the other one
	status    int             // what a client is told if there is no other channel; 0: 502
	final     bool            // the request is at fault: no other channel is asked
	nativeFor string          // why it is played to clients of the same format only; empty: it is played to both
}

// crossing is a way of an answer to a client, with a healthy channel behind it or not.
type crossing struct {
	*oddAnswer
	client wire.Format
	alone  bool
	number int
}

func (l crossing) native() bool { return (l.client == wire.Anthropic) == l.anthropic }

func (l crossing) model() string {
	words := []string{l.name, "to a chat", "first of two"}
	if l.client == wire.Anthropic {
		words[1] = "to messages"
	}
	if l.alone {
		words[2] = "only one"
	}
	return strings.Join(words, " ")
}

func (l crossing) odd() string  { return fmt.Sprintf("odd-%d", l.number) }
func (l crossing) good() string { return fmt.Sprintf("good-%d", l.number) }

func (l crossing) wants() outcome.Outcome {
	if !l.native() && l.converted != outcome.Completed {
		return l.converted
	}
	return l.outcome
}

// playAnswers plays all answers at once on one relay, and judges each.
func playAnswers(t *testing.T, all []oddAnswer, options ...harness.RelayOption) {
	t.Helper()
	byModel := map[string]crossing{}
	var lanes []crossing
	for i := range all {
		for _, client := range []wire.Format{wire.OpenAI, wire.Anthropic} {
			for _, alone := range []bool{false, true} {
				l := crossing{&all[i], client, alone, len(lanes)}
				if l.nativeFor != "" && !l.native() {
					continue
				}
				require.NotContains(t, byModel, l.model())
				byModel[l.model()], lanes = l, append(lanes, l)
			}
		}
	}
	odd := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) { byModel[harness.ModelOf(r)].play(w, r) })
	healthy := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		harness.Variant{}.AsIn(r).Answer(w, r, harness.FromHealthy)
	})
	var yaml strings.Builder
	yaml.WriteString("channels:\n")
	for _, l := range lanes {
		kind := "openai"
		if l.anthropic {
			kind = "anthropic"
		}
		fmt.Fprintf(&yaml, "  - {name: %q, type: %s, base_url: %q, keys: [sk-up-a], models: [%q], priority: 10, timeouts: {%s}}\n", l.odd(), kind, odd.URL, l.model(), l.timeouts)
		if !l.alone {
			fmt.Fprintf(&yaml, "  - {name: %q, type: %s, base_url: %q, keys: [sk-up-b], models: [%q], priority: 1}\n", l.good(), kind, healthy.URL, l.model())
		}
	}
	r := harness.StartRelay(t, yaml.String(), options...)
	heardOf := make([]harness.Heard, len(lanes))
	var calls sync.WaitGroup
	for i, l := range lanes {
		calls.Go(func() { heardOf[i] = l.call(r) })
	}
	calls.Wait()
	r.Eventually("calls in flight", func() bool { return r.Server.Pool().InFlight() == 0 && r.Server.Active() == 0 })
	for i, l := range lanes {
		t.Run(l.model(), func(t *testing.T) { l.judge(t, r, heardOf[i]) })
	}
	r.RequireRecordedOnce()
}

// play is the odd upstream.
func (l crossing) play(w http.ResponseWriter, r *http.Request) {
	kind := l.kind
	switch {
	case kind != "":
	case l.whole:
		kind = "application/json"
	default:
		kind = "text/event-stream"
	}
	w.Header().Set("Content-Type", kind)
	harness.Say(w, l.body)
	if l.again != "" {
		harness.Every(r, 50*time.Millisecond, func() bool { harness.Say(w, l.again); return true })
	}
}

func (l crossing) call(r *harness.Relay) (h harness.Heard) {
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	path := wire.ChatCompletions.Path()
	if l.client == wire.Anthropic {
		path = wire.Messages.Path()
	}
	body := fmt.Sprintf(`{"model":%q,"stream":%t,"max_tokens":64,"messages":[{"role":"user","content":"hi"}]%s}`, l.model(), !l.whole, l.members)
	response, err := r.Post(ctx, path, body)
	if err != nil {
		return harness.Heard{Err: err}
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return harness.Heard{Err: err, Status: response.StatusCode, Header: response.Header, Text: string(text)}
}

func (l crossing) judge(t *testing.T, r *harness.Relay, h harness.Heard) {
	require.NoError(t, h.Err)
	var odd, good []outcome.Outcome
	for _, a := range r.Recorded() {
		switch a.Channel.Name {
		case l.odd():
			odd = append(odd, a.Outcome)
		case l.good():
			good = append(good, a.Outcome)
		}
	}
	require.NotEmpty(t, odd)
	for _, outcome := range odd { // a channel that is the only one may be asked once more
		require.Equal(t, l.wants(), outcome, "got %s, and the client %s", outcome, h.Text)
	}
	w := harness.Way{Client: l.client}
	committed := l.committed && (l.native() || l.converted == outcome.Completed)
	switch {
	case l.wants() == outcome.Completed:
		require.Empty(t, good)
		l.requireSaid(t, h)
	case committed:
		require.Empty(t, good)
		require.Equal(t, http.StatusOK, h.Status)
		require.Contains(t, h.Text, `"error":{`)
		require.NotContains(t, h.Text, w.Terminator())
		l.requireSaid(t, h)
	case l.final, l.alone:
		require.Empty(t, good)
		w.RequireError(t, h, harness.Ending{Status: cmp.Or(l.status, http.StatusBadGateway)})
	default:
		require.Equal(t, []outcome.Outcome{outcome.Completed}, good)
		w.RequireAnswer(t, harness.Variant{Stream: !l.whole}, h, harness.FromHealthy)
		require.NotContains(t, h.Text, harness.FromFaulty)
	}
}

// requireSaid is for what came of the odd answer.
func (l crossing) requireSaid(t *testing.T, h harness.Heard) {
	t.Helper()
	require.Equal(t, http.StatusOK, h.Status, h.Text)
	parts := l.says
	if !l.native() {
		parts = l.saysToo
	}
	for _, part := range parts {
		require.Contains(t, h.Text, part)
	}
	if l.wants() != outcome.Completed || l.whole {
		return
	}
	w := harness.Way{Client: l.client}
	require.NotContains(t, h.Text, `"error":{"`)
	require.True(t, strings.HasSuffix(h.Text, w.Terminator()), h.Text)
	require.Equal(t, 1, strings.Count(h.Text, w.Terminator()), h.Text)
	if l.client == wire.Anthropic {
		require.Equal(t, strings.Count(h.Text, "\n\n"), strings.Count(h.Text, "event: "), "an event without its name: %s", h.Text)
	}
}
