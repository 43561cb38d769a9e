package format

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"

	"one-api/relay/jsonscan"
)

// JSON is a text that grows. It writes objects and lists as they come, with the commas between their members.
type JSON []byte

// separate puts a comma before what is not the first.
func (j *JSON) separate() {
	if n := len(*j); n > 0 {
		switch (*j)[n-1] {
		case '{', '[', ':', '\n', ' ':
		default:
			*j = append(*j, ',')
		}
	}
}

// Open begins an object or a list.
func (j *JSON) Open(bracket byte) {
	j.separate()
	*j = append(*j, bracket)
}

// Close ends one.
func (j *JSON) Close(bracket byte) { *j = append(*j, bracket) }

// Key begins a member. Names have nothing in them that would have to be escaped.
func (j *JSON) Key(name string) {
	j.separate()
	*j = append(append(append(*j, '"'), name...), '"', ':')
}

// Text is a string as an element.
func (j *JSON) Text(s string) {
	j.separate()
	*j = jsonscan.AppendString(*j, s)
}

// Bytes is a text as an element, or as the value of a key.
func (j *JSON) Bytes(text []byte) {
	j.separate()
	*j = jsonscan.AppendString(*j, string(text))
}

// Members adds members that have been written before.
func (j *JSON) Members(members JSON) {
	if len(members) > 0 {
		j.separate()
		*j = append(*j, members...)
	}
}

// String adds a member.
func (j *JSON) String(name, s string) {
	j.Key(name)
	*j = jsonscan.AppendString(*j, s)
}

// Joined adds a member that is one text after another.
func (j *JSON) Joined(name string, pieces ...string) {
	j.Key(name)
	*j = append(*j, '"')
	for _, s := range pieces {
		*j = jsonscan.AppendContent(*j, s)
	}
	*j = append(*j, '"')
}

// Said adds a member, if there is something to say.
func (j *JSON) Said(name, s string) {
	if s != "" {
		j.String(name, s)
	}
}

// Value adds a member whose value is JSON.
func (j *JSON) Value(name string, value []byte) {
	j.Key(name)
	*j = append(*j, value...)
}

// Raw is JSON as an element.
func (j *JSON) Raw(value string) {
	j.separate()
	*j = append(*j, value...)
}

// Literal adds a member whose value is JSON.
func (j *JSON) Literal(name, value string) {
	j.Key(name)
	*j = append(*j, value...)
}

// Int adds a member.
func (j *JSON) Int(name string, n int64) {
	j.Key(name)
	*j = strconv.AppendInt(*j, n, 10)
}

// Float adds a member.
func (j *JSON) Float(name string, n float64) {
	j.Key(name)
	if n == math.Trunc(n) && math.Abs(n) < 1e15 {
		*j = strconv.AppendInt(*j, int64(n), 10)
		return
	}
	*j = strconv.AppendFloat(*j, n, 'g', -1, 64)
}

// Bool adds a member.
func (j *JSON) Bool(name string, b bool) {
	j.Key(name)
	*j = strconv.AppendBool(*j, b)
}

// Compact is JSON without the white space around its parts. The value is valid.
func Compact(value []byte) string {
	if !bytes.ContainsAny(value, " \t\r\n") {
		return string(value)
	}
	var b bytes.Buffer
	b.Grow(len(value))
	if json.Compact(&b, value) != nil {
		return string(value)
	}
	return b.String()
}
