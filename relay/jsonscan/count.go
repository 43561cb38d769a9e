package jsonscan

import "bytes"

// Count decodes a whole number that is not negative, as 7, as 7.0 (servers whose language has one kind of number say that) or as
// either in quotes. It allocates nothing.
func Count(value []byte) (n int64, ok bool) {
	if len(value) > 2 && value[0] == '"' && value[len(value)-1] == '"' {
		value = value[1 : len(value)-1]
	}
	if whole, fraction, found := bytes.Cut(value, []byte{'.'}); found {
		if len(fraction) == 0 || len(bytes.Trim(fraction, "0")) > 0 {
			return 0, false
		}
		value = whole
	}
	if len(value) == 0 || value[0] == '-' {
		return 0, false
	}
	return Int(value)
}

// CountInto puts a Count into to, which stays as it is if value is none. It reports whether it was one.
func CountInto(value []byte, to *int64) (ok bool) {
	n, ok := Count(value)
	if ok {
		*to = n
	}
	return ok
}
