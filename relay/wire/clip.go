package wire

import "strings"

// Clip bounds what a stranger, be it a client or an upstream, can make the relay repeat: at most most bytes, and a mark where
// something is missing. A rune that is cut in two is left out.
func Clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
