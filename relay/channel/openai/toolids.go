package openai

import (
	"strconv"
	"strings"
)

// toolIDs gives the tool calls of one answer ids that differ. Some servers leave them out, or give all calls the same.
type toolIDs struct {
	answer string // the answer's own id: made-up ids should differ between the turns of a conversation too
	taken  map[string]bool
}

// assign returns id where it can be kept, and makes one up otherwise. n is the call's place in the answer.
func (t *toolIDs) assign(id string, n int) string {
	if t.taken == nil {
		t.taken = make(map[string]bool)
	}
	if id == "" || t.taken[id] {
		id = "toolu_"
		if answer := identifier(t.answer); answer != "" {
			id += answer + "_"
		}
		id += strconv.Itoa(n)
		for t.taken[id] {
			id += "_"
		}
	}
	t.taken[id] = true
	return id
}

// identifier keeps of s what Anthropic accepts in an id of a tool call.
func identifier(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return -1
	}, s[:min(len(s), 64)])
}
