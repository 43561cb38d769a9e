package wire

import "net/http"

// First is Header.Get for who has the name in its canonical form: to find out that it is takes longer than the look-up.
func First(header http.Header, canonical string) string {
	if values := header[canonical]; len(values) > 0 {
		return values[0]
	}
	return ""
}
