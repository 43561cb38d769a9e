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

// Find returns the member that an object has under a name, the last one if there are several; the zero Member if there is none. The object
// has been read before: what is wrong with it is not said.
func Find(object []byte, name string) (of Member) {
	_ = Object(object, func(m Member) {
		if string(m.Key) == name {
			of = m
		}
	})
	return of
}

// Members visits the members of a value that has been read before. One that is no object has none.
func Members(value []byte, visit func(Member)) {
	if len(value) > 0 && value[0] == '{' {
		_ = Object(value, visit)
	}
}
