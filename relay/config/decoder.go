package config

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// maxCost bounds the nodes that are looked at, with the bytes of their text. A file of maxFileSize without aliases stays below;
// with them, a few lines could stand for billions.
const maxCost = 2 * maxFileSize

// maxProblems bounds what is reported: nobody reads more, and a hostile file could have millions.
const maxProblems = 1000

// decoder reads YAML nodes strictly and collects what is wrong with them.
type decoder struct {
	file     string
	env      *environment
	literal  bool // a ${ is no variable
	problems Problems
	cost     int
}

// value is one node of the file. An alias is followed: node is never one, and the line is where the alias stands.
type value struct {
	node *yaml.Node
	place
}

func (d *decoder) report(at place, format string, args ...any) {
	if len(d.problems) > maxProblems {
		return
	}
	d.problems = append(d.problems, at.problem(format, args...))
	if len(d.problems) == maxProblems {
		d.cost = math.MaxInt // nothing more is read
		d.problems = append(d.problems, place{file: d.file}.problem("too many problems; these are the first %d", maxProblems))
	}
}

func (d *decoder) value(node *yaml.Node, key string) value {
	line := node.Line
	if node.Kind == yaml.AliasNode {
		node = node.Alias // an anchor is never on an alias, so one step is enough
	}
	return value{node: node, place: place{file: d.file, line: line, key: key}}
}

// afford counts a node, and is false when there were too many.
func (d *decoder) afford(v value) bool {
	if !d.exhausted() {
		d.cost += 1 + len(v.node.Value)
		if d.exhausted() {
			d.report(v.place, "too much to read; aliases multiply what they stand for")
		}
	}
	return !d.exhausted()
}

func (d *decoder) exhausted() bool { return d.cost > maxCost }

func (v value) isNull() bool {
	return v.node.Kind == yaml.ScalarNode && v.node.Tag == "!!null"
}

func (v value) kind() string {
	switch {
	case v.isNull():
		return "nothing"
	case v.node.Kind == yaml.MappingNode:
		return "a mapping"
	case v.node.Kind == yaml.SequenceNode:
		return "a list"
	}
	return "a single value"
}

// is checks the kind of a value. The tag is not quoted in a message: it may be a key that begins with an exclamation mark.
func (d *decoder) is(v value, kind yaml.Kind, wanted string) bool {
	if v.node.Style&yaml.TaggedStyle != 0 {
		switch v.node.Tag {
		case "!!str", "!!int", "!!float", "!!bool", "!!seq", "!!map":
		default:
			d.report(v.place, "a YAML tag (!…) is not supported; quote a value that begins with !")
			return false
		}
	}
	if v.node.Kind != kind {
		d.report(v.place, "must be %s (got %s)%s", wanted, v.kind(), v.insteadOf(kind))
		return false
	}
	return true
}

// insteadOf helps with a value of another kind than the one that is wanted; "": nothing is known to have been meant.
func (v value) insteadOf(wanted yaml.Kind) string {
	text := strings.TrimSpace(v.node.Value)
	switch {
	case wanted == yaml.SequenceNode && v.node.Kind == yaml.MappingNode:
		return ": begin each of its items with a - and a blank"
	case v.node.Kind != yaml.ScalarNode:
	case wanted == yaml.MappingNode && strings.HasPrefix(text, "{"), wanted == yaml.SequenceNode && strings.HasPrefix(text, "["):
		return ": leave out the quotes around it"
	case v.key == "" && strings.HasPrefix(text, "<"):
		return ": this is a web page"
	case v.key == "" && assignment.MatchString(text):
		return ": lines NAME=value are for the environment, or for the file that env_file names"
	}
	return ""
}

// assignment is how a file of variables begins.
var assignment = regexp.MustCompile(`^(?:export )?[A-Z_][A-Z0-9_]*=`)

// entry is one key of a mapping with its value.
type entry struct {
	name  string
	place // of the key
	value value
}

// entries gives a mapping's keys in their order, each once, and reports the rest.
func (d *decoder) entries(v value) []entry {
	if !d.is(v, yaml.MappingNode, "a mapping") {
		return nil
	}
	var entries []entry
	lines := map[string]int{}
	content := v.node.Content
	for i := 0; i+1 < len(content); i += 2 {
		key := d.value(content[i], v.key)
		if !d.afford(key) {
			break
		}
		if key.node.Kind != yaml.ScalarNode {
			d.report(key.place, "a key must be a single value (got %s)", key.kind())
			continue
		}
		name := key.node.Value
		key.key = member(v.key, name)
		if key.node.Tag == "!!merge" {
			d.report(key.place, "merge keys are not supported: write the keys out, or give a whole value as an alias (key: *name)")
			continue
		}
		if first, seen := lines[name]; seen {
			d.report(key.place, "given twice, first in line %d", first)
			continue
		}
		lines[name] = key.line
		e := entry{name: name, place: key.place, value: d.value(content[i+1], key.key)}
		if e.value.node.Kind != yaml.ScalarNode {
			e.value.line = key.line // a block's own line is that of its first member
		}
		if !d.afford(e.value) {
			break
		}
		entries = append(entries, e)
	}
	return entries
}

// fields gives the values of a mapping with known keys. A key without a value counts as left out. help is what is said to a key that is
// none of them.
func (d *decoder) fields(v value, known []string, help func(name string) string) map[string]value {
	fields := make(map[string]value, len(known))
	for _, e := range d.entries(v) {
		switch {
		case !slices.Contains(known, e.name):
			d.report(e.place, "unknown key (%s)", help(e.name))
		case !e.value.isNull():
			fields[e.name] = e.value
		}
	}
	return fields
}

// elements gives the values of a list.
func (d *decoder) elements(v value) []value {
	if !d.is(v, yaml.SequenceNode, "a list") {
		return nil
	}
	var values []value
	for i, node := range v.node.Content {
		element := d.value(node, v.key+"["+strconv.Itoa(i)+"]")
		if !d.afford(element) {
			break
		}
		values = append(values, element)
	}
	return values
}

// scalar is a single value after expansion.
type scalar struct {
	text     string
	expanded bool   // it held a ${…}
	quoted   bool   // or said to be text with !!str
	source   string // as it stands in the file, so that a message never shows what a variable holds
	place
}

// got shows the value on one line.
func (s scalar) got() string {
	const longest = 40
	source := s.source
	if len(source) > longest {
		source = strings.ToValidUTF8(source[:longest], "") + "…"
	}
	if s.quoted || !printable(source) {
		source = strconv.Quote(source)
	}
	return "(got " + source + ")"
}

func printable(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// scalar is not ok where the value is none, or cannot be expanded; that is reported.
func (d *decoder) scalar(v value) (s scalar, ok bool) {
	if !d.is(v, yaml.ScalarNode, "a single value") {
		return scalar{}, false
	}
	text, messages := v.node.Value, []string(nil)
	if !d.literal {
		text, messages = expand(text, d.env)
	}
	for _, message := range messages {
		d.report(v.place, "%s", message)
	}
	const quotes = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	s = scalar{
		text:     text,
		expanded: !d.literal && strings.Contains(v.node.Value, "${"),
		quoted:   v.node.Style&quotes != 0 || v.node.Style&yaml.TaggedStyle != 0 && v.node.Tag == "!!str",
		source:   v.node.Value,
		place:    v.place,
	}
	if v.isNull() {
		s.text = "" // "~" and "null" are spellings of nothing
	}
	return s, len(messages) == 0
}

// scalars gives the values of a list of scalars, or the one that stands in a list's place.
func (d *decoder) scalars(v value) []scalar {
	var values []value
	switch v.node.Kind {
	case yaml.ScalarNode:
		values = []value{v}
	default:
		values = d.elements(v)
	}
	scalars := make([]scalar, 0, len(values))
	for _, element := range values {
		if s, ok := d.scalar(element); ok {
			scalars = append(scalars, s)
		}
	}
	return scalars
}

var plainMember = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// member is the path of a mapping's key. A key that could be mistaken for more of the path, or for more lines, is quoted.
func member(parent, name string) string {
	const longest = 64
	if !plainMember.MatchString(name) {
		if len(name) > longest {
			name = name[:longest] + "…"
		}
		return parent + "[" + strconv.Quote(name) + "]"
	}
	if parent == "" {
		return name
	}
	return parent + "." + name
}
