package suite

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
)

// F6: what an event stream may look like on the wire, and what it may not.

// spoken is a text in JSON's escapes and in none, with runes of one to four bytes.
const spoken = `naïve “quotes”, 日本語, Ελληνικά, 😀🏳️‍🌈, a\ttab, a\nline, a \"quote\", \u00e9, \ud83d\ude00 and \\ at the end`

// TestAStreamArrivesByteForByteHoweverItsLinesCome writes the same events in all the ways that the standard allows, and some
// that it does not.
func TestAStreamArrivesByteForByteHoweverItsLinesCome(t *testing.T) {
	inMatrix(t, "F6")
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
		all[name] = mishap{fits: streaming, handle: tc.handle, ending: ending{outcome: outcome.Completed, shaped: true}}
	}
	all.inEveryVariant(t, plan{}, func(t *testing.T, s *scene, all map[string]heard) {
		for _, w := range s.ways {
			cases[w.about].requireHeard(t, w, all[w.name])
		}
	})
}

// TestALineOfAMebibyteArrives is apart from the others because of its size.
func TestALineOfAMebibyteArrives(t *testing.T) {
	inMatrix(t, "F6")
	long := spelling{text: strings.Repeat("日本", 1<<20/6)}
	inSomeVariantsOneWay(t, []string{"lines of 1 MiB"}, streaming, func(t *testing.T, v variant, _ string, one []way) {
		s := newScene(t, v, plan{ways: one, handle: func(w http.ResponseWriter, r *http.Request) { long.handle(v, w, r) }})
		all := s.callAll(context.Background(), ear{})
		s.requireEnding(t, all, ending{outcome: outcome.Completed, shaped: true})
		long.requireHeard(t, one[0], all[one[0].name])
	})
}

// spelling is a way to write the events of a stream.
type spelling struct {
	text  string
	shape func(events string) string
	say   func(w http.ResponseWriter, text string) // nil: in one piece
}

func (s spelling) handle(v variant, w http.ResponseWriter, r *http.Request) {
	events := voiceFor(r).opening(fromFaulty) + voiceFor(r).more(s.text) + voiceFor(r).closing()
	if s.shape != nil {
		events = s.shape(events)
	}
	v.header(w)
	if s.say == nil {
		say(w, events)
		return
	}
	s.say(w, events)
}

// requireHeard asserts that the text has arrived, and that every event has where there is nothing to convert.
func (s spelling) requireHeard(t *testing.T, w way, h heard) {
	t.Helper()
	var text string
	require.NoError(t, json.Unmarshal([]byte(`"`+s.text+`"`), &text))
	require.True(t, fromFaulty+text == saidIn(t, h.text), "%s: the text that arrived is another", w.name)
	voice := voice{w.client == wire.Anthropic}
	if voice.anthropic == (w.kind == "anthropic") {
		sent := voice.opening(fromFaulty) + voice.more(s.text) + voice.closing()
		require.True(t, slices.Equal(dataIn(t, sent), dataIn(t, h.text)), "%s: other events have arrived", w.name)
	}
}

func replacing(pairs ...string) func(string) string { return strings.NewReplacer(pairs...).Replace }

// sayInPieces flushes before every byte that between accepts.
func sayInPieces(w http.ResponseWriter, text string, between func(at int) bool) {
	from := 0
	for at := 1; at < len(text); at++ {
		if between(at) {
			say(w, text[from:at])
			from = at
		}
	}
	say(w, text[from:])
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
	inMatrix(t, "F6")
	const much, bound = 60 << 20, 16 << 20
	large := ending{outcome: outcome.TooLarge, status: http.StatusBadGateway, code: "too_large"}
	cut := large
	cut.cut = true
	var said atomic.Int64 // the most that an upstream got rid of
	flood := func(w http.ResponseWriter, beginning string) {
		say(w, beginning)
		for n := int64(0); n < much; n += int64(len(padding)) {
			if _, err := io.WriteString(w, padding); err != nil {
				return
			}
			for last := said.Load(); n > last && !said.CompareAndSwap(last, n); last = said.Load() {
			}
		}
		say(w, "\"}\n\n")
	}
	floods := map[string]struct {
		say    func(w http.ResponseWriter, r *http.Request)
		ending ending
	}{
		"a first event of 60 MiB": {func(w http.ResponseWriter, _ *http.Request) { flood(w, `data: {"type":"`) }, large},
		"a later event of 60 MiB": {func(w http.ResponseWriter, r *http.Request) {
			say(w, voiceFor(r).opening(fromFaulty))
			flood(w, `data: {"type":"`)
		}, cut},
		"a comment of 60 MiB":                 {func(w http.ResponseWriter, _ *http.Request) { flood(w, ": ") }, large},
		"60 MiB without anything of an event": {func(w http.ResponseWriter, _ *http.Request) { flood(w, "") }, large},
	}
	inSomeVariantsOneWay(t, slices.Sorted(maps.Keys(floods)), streaming, func(t *testing.T, v variant, name string, one []way) {
		said.Store(0)
		s := newScene(t, v, plan{ways: one, handle: func(w http.ResponseWriter, r *http.Request) {
			v.header(w)
			floods[name].say(w, r)
		}})
		s.requireEnding(t, s.callAll(context.Background(), ear{}), floods[name].ending)
		require.Less(t, said.Load(), int64(2*bound), "the relay has read far more than it may keep")
	})
}

// TestALineThatIsNotOneIsAnError has no newline at all.
func TestALineThatIsNotOneIsAnError(t *testing.T) {
	long(t)
	inMatrix(t, "F6")
	mishaps{
		"no newline at all, and the end": {fits: streaming, handle: func(v variant, w http.ResponseWriter, _ *http.Request) {
			v.header(w)
			say(w, `data: {"type":"mess`)
		}, ending: ending{outcome: outcome.UpstreamTruncated, status: http.StatusBadGateway, code: "upstream_truncated"}},
		"no newline and no field, and the end": {fits: streaming, handle: func(v variant, w http.ResponseWriter, _ *http.Request) {
			v.header(w)
			say(w, `upstream connect error`)
		}, ending: ending{outcome: outcome.UpstreamMalformed, status: http.StatusBadGateway, code: "upstream_malformed"}},
		"no newline at all, and silence": {fits: streaming, timeouts: "idle: 1500ms", handle: func(v variant, w http.ResponseWriter, r *http.Request) {
			v.header(w)
			say(w, `data: {"type":"mess`)
			<-r.Context().Done()
		}, ending: ending{outcome: outcome.IdleTimeout, status: http.StatusGatewayTimeout, code: "idle_timeout"}},
	}.inEveryVariant(t, plan{})
}
