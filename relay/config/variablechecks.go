package config

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// blemish is what came along with a value and is none of it; "": nothing.
func blemish(text string) string {
	first, _ := utf8.DecodeRuneInString(text)
	last, _ := utf8.DecodeLastRuneInString(text)
	switch {
	case strings.ContainsRune(text, '\r'):
		return `holds a carriage return (\r), which a file with Windows line ends leaves in it: save the file with Unix ones (dos2unix)`
	case strings.ContainsRune(text, '\n'):
		return "holds a line break"
	case unicode.IsSpace(first) || unicode.IsSpace(last):
		return "begins or ends with a blank"
	case len(text) > 1 && (first == '"' || first == '\'') && first == last:
		return "stands in quotes, which are a part of the value here (docker --env-file and Kubernetes keep them): leave them out"
	}
	return ""
}

func checkZone(text string) string {
	if _, err := time.LoadLocation(text); err != nil {
		return "is not the name of a time zone such as Asia/Shanghai, so times are in UTC"
	}
	return ""
}

func checkPort(text string) string {
	if n, err := strconv.Atoi(text); err != nil || n < 1 || n > 65535 {
		return "must be a port from 1 to 65535"
	}
	return ""
}

// checkGC judges as Go's runtime does, which ignores what it does not understand.
func checkGC(text string) string {
	if _, err := strconv.ParseInt(text, 10, 32); err != nil && text != "off" {
		return "must be a whole number or off; Go's own 100 is used instead"
	}
	return ""
}

// checkNoProxy looks for networks that match nothing, and so leave hosts to the proxy that were meant to be reached without.
func checkNoProxy(text string) string {
	for item := range strings.SplitSeq(text, ",") {
		item = strings.TrimSpace(item)
		if _, err := netip.ParsePrefix(item); strings.Contains(item, "/") && err != nil {
			return "holds a network that is none (the form is 10.0.0.0/8), which no host is in"
		}
	}
	return ""
}

// checkProxy judges as net/http reads it: a URL, or a host and a port.
func checkProxy(text string) string {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	_, message := parseProxy(text)
	return message
}
