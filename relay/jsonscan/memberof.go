package jsonscan

// MemberOf returns the value that an object has under a name, the last one if there are several; nil if there is none, or if value is
// not an object. It shares value's memory.
func MemberOf(object []byte, name string) (value []byte) {
	if len(object) == 0 || object[0] != '{' {
		return nil
	}
	_ = Object(object, func(m Member) { // what cannot be read has no member
		if string(m.Key) == name {
			value = m.Value
		}
	})
	return value
}
