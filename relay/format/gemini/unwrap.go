package gemini

import "strings"

// unwrapping takes the object off that an answer's JSON was put in (wrapped), as it comes in pieces. What is not such an object stays as
// it is.
type unwrapping struct {
	waiting string // that may be the object's own
	state   int8
}

// States.
const (
	before int8 = iota // nothing but the object's beginning has come
	within
	astray // it is something else
)

// add takes in a piece, and returns what of the answer can be told.
func (u *unwrapping) add(text string) string {
	u.waiting += text
	switch u.state {
	case astray:
		return u.rest()
	case before:
		rest, known := beginning(u.waiting)
		if !known {
			return ""
		}
		if u.state = within; rest == nil {
			u.state = astray
			return u.rest()
		}
		u.waiting = *rest
	}
	end := len(u.waiting)
	if last := strings.TrimRight(u.waiting, " \t\r\n"); strings.HasSuffix(last, "}") { // which may be the object's
		end = len(last) - 1
	}
	tell := u.waiting[:end]
	u.waiting = u.waiting[end:]
	return tell
}

// rest is what is left at the end: of the object nothing.
func (u *unwrapping) rest() (rest string) {
	if u.state != within {
		rest = u.waiting
	}
	u.waiting = ""
	return rest
}

// beginning finds what stands behind {"value": and reports whether that is known by now; nil: something else has come.
func beginning(text string) (rest *string, known bool) {
	for _, want := range [...]string{"{", `"` + wrapName + `"`, ":"} {
		text = strings.TrimLeft(text, " \t\r\n")
		if len(text) < len(want) && strings.HasPrefix(want, text) {
			return nil, false
		}
		var ok bool
		if text, ok = strings.CutPrefix(text, want); !ok {
			return nil, true
		}
	}
	text = strings.TrimLeft(text, " \t\r\n")
	return &text, true
}
