package lane_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"one-api/relay/wire"
)

// FuzzPiecesOfToolCalls cuts tool calls and texts into pieces, mixes the calls' pieces in the way that the bytes say, and leaves out of
// them what a server may leave out: a client has every call whole, in the order in which they began.
func FuzzPiecesOfToolCalls(f *testing.F) {
	f.Add([]byte{2, 3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4, 6})
	f.Add([]byte{1, 0, 0, 0})
	f.Add([]byte{3, 255, 254, 253, 252, 251, 250, 3, 2, 1, 0, 77, 66, 55, 44, 33, 22, 11, 0, 128, 64, 32})
	f.Fuzz(func(t *testing.T, b []byte) {
		next := func(n int) int {
			if len(b) == 0 {
				return 0
			}
			v := int(b[0]) % n
			b = b[1:]
			return v
		}
		type call struct{ id, name, arguments, rest string }
		calls := make([]*call, 1+next(4))
		for i := range calls {
			arguments, _ := json.Marshal(map[string]any{"n": i, "text": strings.Repeat(`}"\{`, next(4)), "in": map[string]any{"x": []int{next(9)}}})
			calls[i] = &call{fmt.Sprintf("call_%d", i), []string{"f", "g", "f"}[next(3)], string(arguments), string(arguments)}
		}
		mixed, repeats := next(2) == 1, next(2) == 1
		var chunks []string
		begun := make([]bool, len(calls))
		say := func(i int) {
			c := calls[i]
			n := min(len(c.rest), next(12))
			piece := map[string]any{"index": i, "function": map[string]any{"arguments": c.rest[:n]}}
			c.rest = c.rest[n:]
			if !begun[i] || repeats {
				piece["id"] = c.id
				piece["function"].(map[string]any)["name"] = c.name
				begun[i] = true
			}
			said, _ := json.Marshal(piece)
			chunks = append(chunks, pieces(string(said)))
		}
		for i := range calls { // they begin in their order
			say(i)
			for !mixed && calls[i].rest != "" {
				before := calls[i].rest
				if say(i); calls[i].rest == before {
					calls[i].rest = before[:0] // the bytes are used up: the rest comes at once
					said, _ := json.Marshal(map[string]any{"index": i, "function": map[string]any{"arguments": before}})
					chunks = append(chunks, pieces(string(said)))
				}
			}
		}
		for mixed {
			open := 0
			for i := range calls {
				if calls[i].rest != "" {
					open++
				}
			}
			if open == 0 {
				break
			}
			i := next(len(calls))
			for calls[i].rest == "" {
				i = (i + 1) % len(calls)
			}
			if len(b) > 0 {
				say(i)
				continue
			}
			said, _ := json.Marshal(map[string]any{"index": i, "function": map[string]any{"arguments": calls[i].rest}})
			calls[i].rest = ""
			chunks = append(chunks, pieces(string(said)))
		}
		s := to(t, "openai", "gpt-x", false, wire.Messages)
		s.saw(`"stream":true`)
		events, failed := s.heard(append(chunks, ends(`"stop"`), "[DONE]")...)
		if failed != nil {
			t.Fatalf("%v in %q", failed, chunks)
		}
		all, stop := s.blocks(events)
		if len(all) != len(calls) || stop != "tool_use" {
			t.Fatalf("%d calls became %v, which end with %s, of %q", len(calls), all, stop, chunks)
		}
		for i, c := range calls {
			if want := (block{"tool_use", c.id, c.name, c.arguments}); all[i] != want {
				t.Fatalf("%v instead of %v, of %q", all[i], want, chunks)
			}
		}
	})
}
