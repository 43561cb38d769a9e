package faults

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/relay/sse"
	"one-api/relay/wire"
	"one-api/testbed/harness"
)

// F6: what an event stream may look like on the wire, and what it may not.

// spoken is a text in JSON's escapes and in none, with runes of one to four bytes.
const spoken = `naïve “quotes”, 日本語, Ελληνικά, 😀🏳️‍🌈, a\ttab, a\nline, a \"quote\", \u00e9, \ud83d\ude00 and \\ at the end`

// TestAStreamArrivesByteForByteHoweverItsLinesCome writes the same events in all the ways that the standard allows, and some
// that it does not.
func TestAStreamArrivesByteForByteHoweverItsLinesCome(t *testing.T) {
	harness.InMatrix(t, "F6")
	cases := map[string]spelling{
		"lines of 70 KB":    {strings.Repeat("日本", 70<<10/6), nil, nil},
		"CR LF":             {spoken, replacing("\n", "\r\n"), nil},
		"lone CR":           {spoken, replacing("\n", "\r"), nil},
		"line ends mixed":   {spoken, replacing("\n\n", "\r\n\n"), nil},
		"no space":          {spoken, replacing("data: ", "data:"), nil},
		"multi-line data":   {spoken, replacing(`,"`, ",\ndata: \""), nil},
		"a byte order mark": {spoken, func(events string) string { return "\uFEFF" + events }, nil},
		"comments":          {spoken, replacing("data: ", ": one moment\ndata: ", "\n\n", "\n: and one more\n\n: between\n\n"), nil},
		"long comments":     {spoken, replacing("\n\n", "\n\n:"+strings.Repeat("x", 70<<10)+"\n\n"), nil},
		"other fields":      {spoken, replacing("data: ", "id: 7\nretry: 100\nunknown: x\nneither\ndata: "), nil},
		"no last line end":  {spoken, func(events string) string { return strings.TrimRight(events, "\n") }, nil},
		"split everywhere":  {spoken, nil, func(w http.ResponseWriter, text string) { sayInPieces(w, text, func(int) bool { return true }) }},
		"CR LF split everywhere": {spoken, replacing("\n", "\r\n"),
			func(w http.ResponseWriter, text string) { sayInPieces(w, text, func(int) bool { return true }) }},
		"split inside of runes": {spoken, nil, func(w http.ResponseWriter, text string) {
			sayInPieces(w, text, func(at int) bool { return !utf8.RuneStart(text[at]) })
		}},
	}
	all := mishaps{}
	for name, tc := range cases {
		all[name] = mishap{fits: harness.Streaming, handle: tc.handle, ending: harness.Ending{Outcome: outcome.Completed, Shaped: true}}
	}
	all.inEveryVariant(t, plan{}, func(t *testing.T, s *scene, all map[string]harness.Heard) {
		for _, w := range s.ways {
			cases[w.About].requireHeard(t, w, all[w.Name])
		}
	})
}

// TestALineOfAMebibyteArrives is apart from the others because of its size.
func TestALineOfAMebibyteArrives(t *testing.T) {
	harness.InMatrix(t, "F6")
	long := spelling{text: strings.Repeat("日本", 1<<20/6)}
	harness.InSomeVariantsOneWay(t, []string{"lines of 1 MiB"}, harness.Streaming, func(t *testing.T, v harness.Variant, _ string, one []harness.Way) {
		s := newScene(t, v, plan{ways: one, handle: func(w http.ResponseWriter, r *http.Request) { long.handle(v, w, r) }})
		all := s.callAll(context.Background(), harness.Ear{})
		s.requireEnding(t, all, harness.Ending{Outcome: outcome.Completed, Shaped: true})
		long.requireHeard(t, one[0], all[one[0].Name])
	})
}

// spelling is a way to write the events of a stream.
type spelling struct {
	text  string
	shape func(events string) string
	say   func(w http.ResponseWriter, text string) // nil: in one piece
}

func (s spelling) handle(v harness.Variant, w http.ResponseWriter, r *http.Request) {
	events := harness.VoiceFor(r).Opening(harness.FromFaulty) + harness.VoiceFor(r).More(s.text) + harness.VoiceFor(r).Closing()
	if s.shape != nil {
		events = s.shape(events)
	}
	v.Header(w)
	if s.say == nil {
		harness.Say(w, events)
		return
	}
	s.say(w, events)
}

// requireHeard asserts that the text has arrived, and that every event has where there is nothing to convert.
func (s spelling) requireHeard(t *testing.T, w harness.Way, h harness.Heard) {
	t.Helper()
	var text string
	require.NoError(t, json.Unmarshal([]byte(`"`+s.text+`"`), &text))
	require.True(t, harness.FromFaulty+text == saidIn(t, h.Text), "%s: the text that arrived is another", w.Name)
	voice := harness.Voice{Anthropic: w.Client == wire.Anthropic}
	if voice.Anthropic == (w.Kind == "anthropic") {
		sent := voice.Opening(harness.FromFaulty) + voice.More(s.text) + voice.Closing()
		require.True(t, slices.Equal(dataIn(t, sent), dataIn(t, h.Text)), "%s: other events have arrived", w.Name)
	}
}

func replacing(pairs ...string) func(string) string { return strings.NewReplacer(pairs...).Replace }

// sayInPieces flushes before every byte that between accepts.
func sayInPieces(w http.ResponseWriter, text string, between func(at int) bool) {
	from := 0
	for at := 1; at < len(text); at++ {
		if between(at) {
			harness.Say(w, text[from:at])
			from = at
		}
	}
	harness.Say(w, text[from:])
}

// dataIn is the data of a stream's events, without the line ends that JSON allows between members.
func dataIn(t *testing.T, stream string) (all []string) {
	t.Helper()
	events := sse.NewReader(strings.NewReader(stream), len(stream))
	defer events.Close()
	for {
		event, err := events.Next()
		if err != nil {
			require.ErrorIs(t, err, io.EOF)
			return all
		}
		all = append(all, strings.ReplaceAll(string(event.Data), "\n", ""))
	}
}

// saidIn is the text of a stream in either format.
func saidIn(t *testing.T, stream string) string {
	t.Helper()
	var said strings.Builder
	for _, data := range dataIn(t, stream) {
		if data == "[DONE]" {
			continue
		}
		var object struct {
			Choices []struct{ Delta struct{ Content string } }
			Delta   struct{ Text string }
		}
		require.NoError(t, json.Unmarshal([]byte(data), &object), "an event that is no JSON")
		for _, c := range object.Choices {
			said.WriteString(c.Delta.Content)
		}
		said.WriteString(object.Delta.Text)
	}
	return said.String()
}

// TestALineWithoutEndIsAnError sends 60 MiB where 16 are the bound.
func TestALineWithoutEndIsAnError(t *testing.T) {
	harness.InMatrix(t, "F6")
	const much, bound = 60 << 20, 16 << 20
	large := harness.Ending{Outcome: outcome.TooLarge, Status: http.StatusBadGateway, Code: "too_large"}
	cut := large
	cut.Cut = true
	var said atomic.Int64 // the most that an upstream got rid of
	flood := func(w http.ResponseWriter, beginning string) {
		harness.Say(w, beginning)
		for n := int64(0); n < much; n += int64(len(padding)) {
			if _, err := io.WriteString(w, padding); err != nil {
				return
			}
			for last := said.Load(); n > last && !said.CompareAndSwap(last, n); last = said.Load() {
			}
		}
		harness.Say(w, "\"}\n\n")
	}
	floods := map[string]struct {
		say    func(w http.ResponseWriter, r *http.Request)
		ending harness.Ending
	}{
		"a first event of 60 MiB": {func(w http.ResponseWriter, _ *http.Request) { flood(w, `data: {"type":"`) }, large},
		"a later event of 60 MiB": {func(w http.ResponseWriter, r *http.Request) {
			harness.Say(w, harness.VoiceFor(r).Opening(harness.FromFaulty))
			flood(w, `data: {"type":"`)
		}, cut},
		"a comment of 60 MiB":                 {func(w http.ResponseWriter, _ *http.Request) { flood(w, ": ") }, large},
		"60 MiB without anything of an event": {func(w http.ResponseWriter, _ *http.Request) { flood(w, "") }, large},
	}
	harness.InSomeVariantsOneWay(t, slices.Sorted(maps.Keys(floods)), harness.Streaming, func(t *testing.T, v harness.Variant, name string, one []harness.Way) {
		said.Store(0)
		s := newScene(t, v, plan{ways: one, handle: func(w http.ResponseWriter, r *http.Request) {
			v.Header(w)
			floods[name].say(w, r)
		}})
		s.requireEnding(t, s.callAll(context.Background(), harness.Ear{}), floods[name].ending)
		require.Less(t, said.Load(), int64(2*bound), "the relay has read far more than it may keep")
	})
}

// TestALineThatIsNotOneIsAnError has no newline at all.
func TestALineThatIsNotOneIsAnError(t *testing.T) {
	harness.Long(t)
	harness.InMatrix(t, "F6")
	mishaps{
		"no newline at all, and the end": {fits: harness.Streaming, handle: func(v harness.Variant, w http.ResponseWriter, _ *http.Request) {
			v.Header(w)
			harness.Say(w, `data: {"type":"mess`)
		}, ending: harness.Ending{Outcome: outcome.UpstreamTruncated, Status: http.StatusBadGateway, Code: "upstream_truncated"}},
		"no newline and no field, and the end": {fits: harness.Streaming, handle: func(v harness.Variant, w http.ResponseWriter, _ *http.Request) {
			v.Header(w)
			harness.Say(w, `upstream connect error`)
		}, ending: harness.Ending{Outcome: outcome.UpstreamMalformed, Status: http.StatusBadGateway, Code: "upstream_malformed"}},
		"no newline at all, and silence": {fits: harness.Streaming, timeouts: "idle: 1500ms", handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
			v.Header(w)
			harness.Say(w, `data: {"type":"mess`)
			<-r.Context().Done()
		}, ending: harness.Ending{Outcome: outcome.IdleTimeout, Status: http.StatusGatewayTimeout, Code: "idle_timeout"}},
	}.inEveryVariant(t, plan{})
}
