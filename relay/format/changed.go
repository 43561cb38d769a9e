package format

import (
	"slices"

	"one-api/relay/jsonscan"
)

// Objects of a native request with something changed in them, of which all else stays as it is. They have been read before.

// WithIDs is an object whose members of these names are ids as fit makes them. If none changes it is the object itself.
func WithIDs(object []byte, fit func(string) string, names ...string) []byte {
	var edits []jsonscan.Edit
	if !IsObject(object) {
		return object
	}
	_ = jsonscan.Object(object, func(m jsonscan.Member) {
		if !slices.Contains(names, string(m.Key)) {
			return
		}
		if id, ok := jsonscan.String(m.Value); ok {
			if fits := fit(id); fits != id {
				edits = append(edits, jsonscan.Edit{From: m.Start, To: m.End, Text: fits, Quote: true})
			}
		}
	})
	if len(edits) == 0 {
		return object
	}
	return jsonscan.Splice(object, edits...)
}

// WithEach is an object with something else in the place of each element of one of its lists; nil leaves one out. If none changes it is the
// object itself.
func WithEach(object []byte, list string, change func(element []byte) []byte) []byte {
	of := jsonscan.Find(object, list)
	if len(of.Value) == 0 || of.Value[0] != '[' {
		return object
	}
	out, changed := append(make([]byte, 0, len(object)), object[:of.Start]...), false
	begin := len(out) + 1
	out = append(out, '[')
	jsonscan.Elements(of.Value, func(element []byte) {
		other := change(element)
		changed = changed || len(other) != len(element) || len(other) > 0 && &other[0] != &element[0]
		if other == nil {
			return
		}
		if len(out) > begin {
			out = append(out, ',')
		}
		out = append(out, other...)
	})
	if !changed {
		return object
	}
	return append(append(out, ']'), object[of.End:]...)
}

// WithText is an object with another value, as JSON, in the place of a member's. If that does not change it is the object itself.
func WithText(object []byte, name string, change func(value []byte) string) []byte {
	of := jsonscan.Find(object, name)
	if of.Value == nil {
		return object
	}
	if other := change(of.Value); other != string(of.Value) {
		return jsonscan.Splice(object, jsonscan.Edit{From: of.Start, To: of.End, Text: other})
	}
	return object
}

// Without is an object without some of its members. If it has none of them it is the object itself.
func Without(object []byte, names ...string) []byte {
	has := false
	if !IsObject(object) {
		return object
	}
	_ = jsonscan.Object(object, func(m jsonscan.Member) { has = has || slices.Contains(names, string(m.Key)) })
	if !has {
		return object
	}
	out := append(make([]byte, 0, len(object)), '{')
	_ = jsonscan.Object(object, func(m jsonscan.Member) {
		if slices.Contains(names, string(m.Key)) {
			return
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(jsonscan.AppendString(out, string(m.Key)), ':')
		out = append(out, m.Value...)
	})
	return append(out, '}')
}
