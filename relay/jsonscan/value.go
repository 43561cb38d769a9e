package jsonscan

import (
	"encoding/binary"
	"math/bits"
	"strconv"
)

// The skip functions check one piece of JSON at b[i] and return the index behind it. Their errors are ErrTruncated, where b
// ends inside the piece, or a *SyntaxError.

// nesting remembers of each open bracket whether it is an object's.
type nesting struct {
	objects [(MaxDepth + 63) / 64]uint64
	depth   int
}

// push is false if the limit is reached. The object that every text begins with is not on the stack, so it counts one.
func (n *nesting) push(object bool) bool {
	if n.depth == MaxDepth-1 {
		return false
	}
	bit := uint64(1) << (n.depth % 64)
	if object {
		n.objects[n.depth/64] |= bit
	} else {
		n.objects[n.depth/64] &^= bit
	}
	n.depth++
	return true
}

func (n *nesting) inObject() bool {
	top := n.depth - 1
	return n.objects[top/64]>>(top%64)&1 == 1
}

// skipValue skips a value that is a member of an object, or an element of an array, at a depth below the top-level object.
func skipValue(b []byte, i, depth int) (int, error) {
	if i < len(b) {
		switch b[i] {
		case '"': // as most are
			i, _, err := skipString(b, i)
			return i, err
		case '{', '[':
			return skipContainer(b, i, depth)
		}
	}
	return skipScalar(b, i)
}

func skipContainer(b []byte, i, depth int) (int, error) { //nolint:cyclop // one loop over every byte, in which a call would cost
	open := nesting{depth: depth}
	var err error
	for {
		// A value begins at i.
		if i < len(b) && (b[i] == '{' || b[i] == '[') {
			object := b[i] == '{'
			if !open.push(object) {
				return i, &SyntaxError{i, "it is nested deeper than " + strconv.Itoa(MaxDepth) + " levels"}
			}
			i = skipSpace(b, i+1)
			if i == len(b) || b[i] != closing(object) {
				if object {
					if _, i, _, err = skipName(b, i); err != nil {
						return i, err
					}
				}
				continue
			}
		} else if i < len(b) && b[i] == '"' {
			if i, _, err = skipString(b, i); err != nil {
				return i, err
			}
		} else if i, err = skipScalar(b, i); err != nil {
			return i, err
		}

		// A value has ended before i, or the bracket at i closes an empty one.
		for {
			if i = skipSpace(b, i); i == len(b) {
				return i, ErrTruncated
			}
			object := open.inObject()
			if b[i] == ',' {
				i = skipSpace(b, i+1)
				if object {
					if _, i, _, err = skipName(b, i); err != nil {
						return i, err
					}
				}
				break
			}
			if b[i] != closing(object) {
				if object {
					return i, &SyntaxError{i, "a comma or } is missing after a member"}
				}
				return i, &SyntaxError{i, "a comma or ] is missing after an element"}
			}
			i++
			open.depth--
			if open.depth == depth {
				return i, nil
			}
		}
	}
}

func closing(object bool) byte {
	if object {
		return '}'
	}
	return ']'
}

// skipName skips a key, its colon and the white space around that, up to where the value starts. plain: the key, which ends before
// keyEnd, is in ASCII and has no escapes; if it is false, that is not known.
func skipName(b []byte, i int) (keyEnd, start int, plain bool, err error) {
	if i == len(b) {
		return i, i, false, ErrTruncated
	}
	if b[i] != '"' {
		return i, i, false, &SyntaxError{i, "a key in quotes is missing"}
	}
	seen := uint64(0)
	for at := i + 1; len(b)-at > 8; at += 8 {
		word := binary.LittleEndian.Uint64(b[at:])
		found := special(word)
		if found == 0 {
			seen |= word
			continue
		}
		bit := bits.TrailingZeros64(found)
		if at += bit / 8; b[at] != '"' {
			break
		}
		keyEnd, plain = at+1, (seen|word&(1<<bit-1))&high == 0
		if b[keyEnd] == ':' && keyEnd+1 < len(b) && b[keyEnd+1] > ' ' { // as machines write it
			return keyEnd, keyEnd + 1, plain, nil
		}
		start, err = skipColon(b, keyEnd)
		return keyEnd, start, plain, err
	}
	if keyEnd, _, err = skipString(b, i); err != nil {
		return keyEnd, keyEnd, false, err
	}
	start, err = skipColon(b, keyEnd)
	return keyEnd, start, false, err
}

func skipColon(b []byte, i int) (int, error) {
	i = skipSpace(b, i)
	if i == len(b) {
		return i, ErrTruncated
	}
	if b[i] != ':' {
		return i, &SyntaxError{i, "a colon is missing after a key"}
	}
	return skipSpace(b, i+1), nil
}

func skipScalar(b []byte, i int) (int, error) {
	if i == len(b) {
		return i, ErrTruncated
	}
	switch c := b[i]; {
	case c == '"':
		i, _, err := skipString(b, i)
		return i, err
	case c == '-' || isDigit(c):
		return skipNumber(b, i)
	case c == 't':
		return skipLiteral(b, i, "true")
	case c == 'f':
		return skipLiteral(b, i, "false")
	case c == 'n':
		return skipLiteral(b, i, "null")
	}
	return i, &SyntaxError{i, "a value is missing"}
}

func skipLiteral(b []byte, i int, literal string) (int, error) {
	for j := range len(literal) {
		if i+j == len(b) {
			return i, ErrTruncated
		}
		if b[i+j] != literal[j] {
			return i, &SyntaxError{i + j, "a literal is misspelt"}
		}
	}
	return i + len(literal), nil
}

// skipNumber never sees the end of a text as the end of a number, because a brace has to follow it.
func skipNumber(b []byte, i int) (int, error) {
	var err error
	if b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if i, err = skipDigits(b, i); err != nil {
		return i, err
	}
	if i < len(b) && b[i] == '.' {
		if i, err = skipDigits(b, i+1); err != nil {
			return i, err
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if i, err = skipDigits(b, i); err != nil {
			return i, err
		}
	}
	if i == len(b) {
		return i, ErrTruncated
	}
	return i, nil
}

// skipDigits skips one digit or more.
func skipDigits(b []byte, i int) (int, error) {
	if i == len(b) {
		return i, ErrTruncated
	}
	if !isDigit(b[i]) {
		return i, &SyntaxError{i, "a digit is missing in a number"}
	}
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	return i, nil
}

func isDigit(c byte) bool {
	return c-'0' < 10
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}
