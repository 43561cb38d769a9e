package responses

import (
	"strings"
	"unicode/utf8"

	"one-api/relay/jsonscan"
)

// textInput finds, in the arguments of a function that stands for a custom tool, {"input":"…"}, the text of its only argument while it
// comes. Models write other things too: what is no such object is, at the end, taken as it stands.
type textInput struct {
	all    []byte // what has come, until the text begins; then what is left to be read
	inside bool   // the text has begun
	ended  bool
}

func (t *textInput) add(text string) {
	if !t.ended {
		t.all = append(t.all, text...)
	}
}

// next is what has come of the text since the last time.
func (t *textInput) next() string {
	if !t.inside && !t.find() || t.ended {
		return ""
	}
	end, whole := safe(t.all)
	text, _ := jsonscan.String(quoted(t.all[:end]))
	t.all = t.all[end:]
	if whole {
		t.ended, t.all = true, nil
	}
	return text
}

// find looks for where the text begins; false if it has not come yet, or will not.
func (t *textInput) find() bool {
	rest := strings.TrimLeft(string(t.all[:min(len(t.all), longestHead)]), " \t\r\n")
	for _, token := range [...]string{"{", `"` + textArgument + `"`, ":", `"`} {
		after, ok := strings.CutPrefix(rest, token)
		if !ok {
			return false
		}
		if rest = after; token != `"` {
			rest = strings.TrimLeft(rest, " \t\r\n")
		}
	}
	head := min(len(t.all), longestHead) - len(rest)
	t.all, t.inside = t.all[head:], true
	return true
}

// longestHead is how many bytes there may be before the text.
const longestHead = 256

// safe is how many bytes of the content of a JSON string can be decoded: up to its end, or to an escape or a letter that has not come
// in full. whole: there is its last quote.
func safe(content []byte) (end int, whole bool) {
	for end < len(content) {
		switch c := content[end]; {
		case c == '"':
			return end, true
		case c == '\\':
			n := escapeLength(content[end:])
			if n == 0 {
				return end, false
			}
			end += n
		case c < utf8.RuneSelf:
			end++
		case !utf8.FullRune(content[end:]):
			return end, false
		default:
			_, n := utf8.DecodeRune(content[end:])
			end += n
		}
	}
	return end, false
}

// escapeLength is how many bytes an escape has, with the second half of a pair; 0 if it has not come in full.
func escapeLength(s []byte) int {
	switch {
	case len(s) < 2:
		return 0
	case s[1] != 'u':
		return 2
	case len(s) < 6:
		return 0
	case (s[2]|0x20) != 'd' || s[3] < '8' || s[3] > '9' && (s[3]|0x20) < 'a' || (s[3]|0x20) > 'b':
		return 6
	case len(s) < 8 && (len(s) < 7 || s[6] == '\\'): // the second half may be on its way
		return 0
	case s[6] != '\\' || s[7] != 'u':
		return 6
	case len(s) < 12:
		return 0
	}
	return 12
}

func quoted(content []byte) []byte {
	out := make([]byte, 0, len(content)+2)
	return append(append(append(out, '"'), content...), '"')
}

// rest is what is left when the arguments are at their end.
func (t *textInput) rest() string {
	if t.ended {
		return ""
	}
	t.ended = true
	left := t.all
	t.all = nil
	if t.inside {
		return "" // the text was cut off: what could be read of it has been told
	}
	if text, ok := jsonscan.String(jsonscan.MemberOf(left, textArgument)); ok && jsonscan.Object(left, func(jsonscan.Member) {}) == nil {
		return text
	}
	if text, ok := jsonscan.String(left); ok {
		return text
	}
	if s := string(left); strings.TrimSpace(s) != "{}" {
		return s
	}
	return ""
}
