package migrate

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Names here are of few characters, since they become attributes of metrics and parts of paths. Those of the old programs are what
// people have typed.

const longestName = 64

// slug is a name with only the characters that one may have here; "": it has none of them.
func slug(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)), r == '.', r == '_', r == '-':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	name := b.String()
	if name != text { // what was cut out leaves no edge
		name = strings.Trim(name, "-")
	}
	if len(name) > longestName {
		name = strings.TrimRight(name[:longestName], "-")
	}
	if strings.Trim(name, ".") == "" {
		return ""
	}
	return name
}

// names gives names out, each once.
type names struct {
	taken map[string]bool
}

func newNames(reserved ...string) *names {
	n := &names{taken: map[string]bool{}}
	for _, name := range reserved {
		n.taken[name] = true
	}
	return n
}

// take is a name that nobody has: the text's, or with the number behind it if somebody has that, or if there is none in the text.
func (n *names) take(text, otherwise string, number int64) string {
	name := slug(text)
	if name == "" {
		name = otherwise + "-" + strconv.FormatInt(number, 10)
	}
	for again := 1; n.taken[name]; again++ {
		suffix := "-" + strconv.FormatInt(number, 10)
		if again > 1 {
			suffix += "-" + strconv.Itoa(again)
		}
		stem := slug(text)
		if stem == "" {
			stem = otherwise
		}
		name = stem[:min(len(stem), longestName-len(suffix))] + suffix
	}
	n.taken[name] = true
	return name
}

// renamed is groups by their names in the old database. A name with other characters than one may have here gets another, which depends
// on nothing but itself, so that it is the same the next time.
type renamed struct {
	to  map[string]string
	has map[string]bool
}

func newRenamed() *renamed { return &renamed{to: map[string]string{}, has: map[string]bool{}} }

// name is what a group is called here. Nothing is a name as well, of a group that nobody else is in.
func (g *renamed) name(old string) string {
	old = strings.TrimSpace(old)
	if to, known := g.to[old]; known {
		return to
	}
	to := slug(old)
	if to != old || old == "" {
		sum := fnv.New32a()
		_, _ = sum.Write([]byte(old)) // it never fails
		suffix := fmt.Sprintf("-%06x", sum.Sum32()&0xffffff)
		if to == "" {
			to = "group"
		}
		to = to[:min(len(to), longestName-len(suffix))] + suffix
	}
	g.to[old], g.has[to] = to, true
	return to
}

// changed is those that are called otherwise, as "old -> new".
func (g *renamed) changed() (list []string) {
	for old, to := range g.to {
		if old != to {
			list = append(list, cmp.Or(old, "(none)")+" -> "+to)
		}
	}
	slices.Sort(list)
	return list
}
