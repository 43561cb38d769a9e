// Package jsonscan finds the top-level members of a JSON object without decoding it, and replaces one.
//
// The relay reads two or three members of a request that may hold megabytes of images. This package checks the whole text
// (RFC 8259, with the verdict of encoding/json.Valid), in one pass, without recursion and without allocation.
package jsonscan

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"
)

// MaxDepth is how deep objects and arrays may be nested, the top-level object included.
const MaxDepth = 512

// LongestKey is how many bytes, as they stand, a key may have that is decoded.
const LongestKey = 4 << 10

// ErrTruncated means that the text is the beginning of a valid JSON object and ends too early. Empty text is such a beginning.
var ErrTruncated = errors.New("the JSON object ends too early")

// SyntaxError means that the text cannot become a JSON object, whatever follows it.
type SyntaxError struct {
	// Offset is the index of the first byte that no valid object has there.
	Offset int
	// Reason says what is wrong. It never quotes the text.
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("not a JSON object at byte %d: %s", e.Offset, e.Reason)
}

// Member is one member of the top-level object. Its slices share the memory of the text, except a Key that had to be decoded.
type Member struct {
	// Key is decoded: its escapes are resolved, and what is not UTF-8 is U+FFFD, as encoding/json does. One of more than LongestKey
	// bytes is as it stands: a stranger who writes megabytes of it has no name that anybody knows, and is not to have it copied.
	Key []byte
	// Value is one valid JSON value as it came, without the white space around it.
	Value []byte
	// Start and End are where Value is in the text: b[Start:End].
	Start, End int
}

// Object checks that b is exactly one valid JSON object, white space around it allowed, and calls visit for each of its
// members in order. A key that comes twice is visited twice; most decoders let the last one win.
//
// A member is visited once the comma or brace behind it has been seen. What follows it may still be wrong, so nothing visited
// may be trusted before Object has returned nil. An error is ErrTruncated or a *SyntaxError.
func Object(b []byte, visit func(Member)) error { return object(b, visit, nil) }

// Inside is what is done with the objects in an array that is a member of the top-level object.
type Inside struct {
	Key   string              // the member's, in ASCII
	Visit func(Member)        // is called for each member of each object
	Done  func(object []byte) // behind each object
	// Arrays is how many there were under the key, as it stands in the text without escapes, and Last where the last one begins.
	Arrays, Last int
}

// ObjectInside is Object, and looks into an array as Objects does, before the array itself is visited: in one pass instead of two.
// Nothing that was visited may be trusted before it has returned nil.
func ObjectInside(b []byte, visit func(Member), inside *Inside) error {
	return object(b, visit, inside)
}

func object(b []byte, visit func(Member), inside *Inside) error {
	i := skipSpace(b, 0)
	if i == len(b) {
		return ErrTruncated
	}
	if b[i] != '{' {
		return &SyntaxError{i, "it does not begin with {"}
	}
	stop, err := members(b, i, 0, visit, inside)
	if err != nil {
		return err
	}
	return end(b, stop)
}

// members visits those of the object that begins at i, at a depth below the top-level object, and returns where it ends.
func members(b []byte, i, depth int, visit func(Member), inside *Inside) (int, error) {
	i = skipSpace(b, i+1)
	if i < len(b) && b[i] == '}' {
		return i + 1, nil
	}
	for {
		keyEnd, start, plain, err := skipName(b, i)
		if err != nil {
			return 0, err
		}
		var stop int
		if inside != nil && start < len(b) && b[start] == '[' && string(b[i+1:keyEnd-1]) == inside.Key {
			inside.Arrays, inside.Last = inside.Arrays+1, start
			stop, err = objects(b, start, depth+1, inside.Visit, inside.Done)
		} else {
			stop, err = skipValue(b, start, depth)
		}
		if err != nil {
			return 0, err
		}
		next := skipSpace(b, stop)
		if next == len(b) {
			return 0, ErrTruncated
		}
		if b[next] != ',' && b[next] != '}' {
			return 0, &SyntaxError{next, "a comma or } is missing after a member"}
		}
		visit(Member{Key: key(b[i+1:keyEnd-1:keyEnd-1], plain), Value: b[start:stop:stop], Start: start, End: stop})
		if b[next] == '}' {
			return next + 1, nil
		}
		i = skipSpace(b, next+1)
	}
}

// Elements calls visit for each element of an array, in order. value is a valid JSON value, such as Member.Value; the elements
// share its memory. It returns false if value is not an array.
func Elements(value []byte, visit func(element []byte)) bool {
	if len(value) == 0 || value[0] != '[' {
		return false
	}
	i := skipSpace(value, 1)
	if i < len(value) && value[i] == ']' {
		return true
	}
	for {
		start := skipSpace(value, i)
		stop, err := skipValue(value, start, 0)
		if err != nil {
			return false
		}
		visit(value[start:stop:stop])
		i = skipSpace(value, stop)
		if i == len(value) || value[i] != ',' {
			return i < len(value) && value[i] == ']'
		}
		i++
	}
}

// Objects calls visit for each member of each object in an array, and done behind each object, in order: what Elements and Object
// do together, in one pass instead of two. Elements that are not objects are left out. value is a valid JSON value, such as
// Member.Value, and members say where they stand in it. It returns false if value is not an array.
func Objects(value []byte, visit func(Member), done func(object []byte)) bool {
	if len(value) == 0 || value[0] != '[' {
		return false
	}
	_, err := objects(value, 0, 0, visit, done)
	return err == nil
}

// objects is Objects for the array that begins at i, at a depth below the top-level object, and returns where it ends.
func objects(b []byte, i, depth int, visit func(Member), done func(object []byte)) (int, error) {
	i = skipSpace(b, i+1)
	if i < len(b) && b[i] == ']' {
		return i + 1, nil
	}
	for {
		var stop int
		var err error
		if i < len(b) && b[i] == '{' {
			if stop, err = members(b, i, depth+1, visit, nil); err == nil {
				done(b[i:stop:stop])
			}
		} else {
			stop, err = skipValue(b, i, depth)
		}
		if err != nil {
			return i, err
		}
		switch i = skipSpace(b, stop); {
		case i == len(b):
			return i, ErrTruncated
		case b[i] == ']':
			return i + 1, nil
		case b[i] != ',':
			return i, &SyntaxError{i, "a comma or ] is missing after an element"}
		}
		i = skipSpace(b, i+1)
	}
}

// Int decodes a JSON number that is an int64, as encoding/json does; ok is false for everything else, such as 1.0. It allocates
// nothing.
func Int(value []byte) (n int64, ok bool) {
	const longest = len("9223372036854775808") // JSON has no leading zeros
	digits, below := bytes.CutPrefix(value, []byte{'-'})
	if len(digits) == 0 || len(digits) > longest {
		return 0, false
	}
	u := uint64(0) // which holds any number of so many digits
	for _, c := range digits {
		if !isDigit(c) {
			return 0, false
		}
		u = 10*u + uint64(c-'0')
	}
	if below {
		return -int64(u), u <= 1<<63 // the least one is its own negative
	}
	return int64(u), u < 1<<63
}

// IsNull reports whether a JSON value is null.
func IsNull(value []byte) bool {
	return string(value) == "null"
}

// end checks that nothing follows the object that ends before i.
func end(b []byte, i int) error {
	if i = skipSpace(b, i); i < len(b) {
		return &SyntaxError{i, "something follows the object"}
	}
	return nil
}

// key decodes what is between the quotes of a key.
func key(raw []byte, plain bool) []byte {
	if plain || len(raw) > LongestKey || bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return raw
	}
	return []byte(decode(raw))
}
