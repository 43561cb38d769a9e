package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// kind is what a value may be. read reports what is wrong with one, and is not ok then. accept is the same in JSON Schema, as far as
// that can tell: whatever read takes is one of these.
type kind[V any] struct {
	words  string
	accept []schema
	read   func(l *loader, v value) (V, bool)
}

// text is a single value; judge is what is wrong with one. Numbers and words such as true need no quotes.
func text(words string, accept []schema, judge func(scalar) string) kind[scalar] {
	return kind[scalar]{words, accept, func(l *loader, v value) (scalar, bool) {
		s, ok := l.scalar(v)
		if !ok {
			return s, false
		}
		if message := judge(s); message != "" {
			l.report(s.place, "%s", message)
			return s, false
		}
		return s, true
	}}
}

// noted is text whose place is kept even if something is wrong with it, so that it does not count as missing as well.
func noted(k kind[scalar]) kind[scalar] {
	read := k.read
	k.read = func(l *loader, v value) (scalar, bool) {
		s, ok := read(l, v)
		if !ok {
			s = scalar{place: v.place}
		}
		return s, true
	}
	return k
}

// raw is a node that is read later, when more is known of what it depends on.
func raw(words string, accept ...schema) kind[*value] {
	return kind[*value]{words, accept, func(_ *loader, v value) (*value, bool) { return &v, true }}
}

var wholeNumber = kind[int]{"a whole number", numberSchemas(schema{"type": "integer"}), func(l *loader, v value) (int, bool) {
	n, _, ok := l.integer(v)
	return n, ok
}}

// count is a whole number from 0 to maxCount.
var count = counted("a whole number, not negative", maxCount,
	func(s scalar) string { return fmt.Sprintf("must be at most %d %s", maxCount, s.got()) })

// countTo is a count with a bound of its own.
func countTo(most int) kind[int] {
	return counted(fmt.Sprintf("a whole number up to %d", most), most, func(scalar) string { return fmt.Sprintf("must be at most %d", most) })
}

// counted is a whole number from 0. tooMany is what is said of one over its bound.
func counted(words string, most int, tooMany func(scalar) string) kind[int] {
	return kind[int]{words, numberSchemas(schema{"type": "integer", "minimum": 0, "maximum": most}), func(l *loader, v value) (int, bool) {
		n, s, ok := l.integer(v)
		switch {
		case !ok:
		case n < 0:
			l.report(s.place, "must not be negative %s", s.got())
		case n > most:
			l.report(s.place, "%s", tooMany(s))
		default:
			return n, true
		}
		return 0, false
	}}
}

var boolean = kind[bool]{"`true` or `false`", numberSchemas(schema{"type": "boolean"}),
	func(l *loader, v value) (bool, bool) { return l.boolean(v) }}

// duration is a time; judge is what is wrong with one, in front of what was got.
func duration(words string, accept []schema, judge func(time.Duration) string) kind[time.Duration] {
	return kind[time.Duration]{words, accept, func(l *loader, v value) (time.Duration, bool) {
		s, ok := l.scalar(v)
		if !ok {
			return 0, false
		}
		d, message := parseDuration(s.text)
		if message == "" {
			message = judge(d)
		}
		if message != "" {
			l.report(s.place, "%s %s", message, s.got())
			return 0, false
		}
		return d, true
	}}
}

// The durations.
var (
	anyDuration = duration("a duration", durationSchemas("minimum"), func(time.Duration) string { return "" })
	moreThanNo  = duration("a duration, more than 0", durationSchemas("exclusiveMinimum"), func(d time.Duration) string {
		if d == 0 {
			return "must be more than 0"
		}
		return ""
	})
)

// oneOf is one of several words.
func oneOf[V ~string](words ...V) kind[V] {
	shown := make([]string, len(words))
	for i, word := range words {
		shown[i] = string(word)
	}
	last := len(shown) - 1
	all := strings.Join(shown[:last], ", ") + " or " + shown[last]
	return kind[V]{"`" + strings.Join(shown, "`, `") + "`", wordSchemas(shown), func(l *loader, v value) (V, bool) {
		s, ok := l.scalar(v)
		if ok && !slices.Contains(shown, s.text) {
			l.report(s.place, "must be %s %s", all, s.got())
			return "", false
		}
		return V(s.text), ok
	}}
}

// autoOr is one of several words, or auto, which is the zero value.
func autoOr[V ~string](words ...V) kind[V] {
	k := oneOf(append([]V{"auto"}, words...)...)
	read := k.read
	k.read = func(l *loader, v value) (V, bool) {
		word, ok := read(l, v)
		if word == "auto" {
			word = ""
		}
		return word, ok
	}
	return k
}

// list is the elements of a list, of which none is there twice. A single value may stand in its place.
type list struct {
	items []scalar
	// spoilt says that something was wrong with one of them.
	spoilt bool
}

// listOf is a list whose elements judge finds good. What it does not is reported, and the others are kept.
func listOf(words string, element []schema, judge func(string) string) kind[list] {
	return kind[list]{words, listSchemas(element), func(l *loader, v value) (list, bool) {
		before := len(l.problems)
		items := l.texts(v, judge)
		return list{items: items, spoilt: len(l.problems) > before}, true
	}}
}

// integer reads a whole number. Quotes make a string, except around a ${…}, which YAML's short forms demand.
func (d *decoder) integer(v value) (n int, s scalar, ok bool) {
	if s, ok = d.scalar(v); !ok {
		return 0, s, false
	}
	n, err := strconv.Atoi(s.text)
	octal := err == nil && strconv.Itoa(n) != strings.TrimPrefix(s.text, "+") // what 010 means depends on the YAML version
	if err != nil || octal || s.quoted && !s.expanded || v.node.Tag == "!!bool" {
		d.report(s.place, "must be a whole number %s", s.got())
		return 0, s, false
	}
	return n, s, true
}

func (d *decoder) boolean(v value) (is, ok bool) {
	s, ok := d.scalar(v)
	if !ok {
		return false, false
	}
	if v.node.Tag == "!!bool" && !s.quoted || s.expanded {
		switch strings.ToLower(s.text) {
		case "true":
			return true, true
		case "false":
			return false, true
		}
	}
	d.report(s.place, "must be true or false %s", s.got())
	return false, false
}

// texts reads a list of which every element passes judge, and none is there twice.
func (d *decoder) texts(v value, judge func(string) string) []scalar {
	var good []scalar
	first := map[string]place{}
	for _, s := range d.scalars(v) {
		if v.node.Kind == yaml.ScalarNode && !s.quoted && strings.HasPrefix(v.node.Value, "-") {
			d.report(s.place, "is one value: each item of a list begins with a - and a blank (quote a value that does begin with -)")
			continue
		}
		if message := judge(s.text); message != "" {
			d.report(s.place, "%s", message)
			continue
		}
		if at, seen := first[s.text]; seen {
			d.report(s.place, "the same as %v", at)
			continue
		}
		first[s.text] = s.place
		good = append(good, s)
	}
	return good
}

func textsOf(scalars []scalar) []string {
	if len(scalars) == 0 {
		return nil
	}
	texts := make([]string, len(scalars))
	for i, s := range scalars {
		texts[i] = s.text
	}
	return texts
}
