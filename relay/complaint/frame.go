package complaint

import (
	"bytes"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"one-api/relay/jsonscan"
)

// unframe takes an error out of what it is framed in: a byte order mark, or an event of a stream, as DashScope sends errors to those who
// asked for one ("event:error", ":HTTP_STATUS/400", "data:{…}"). status is what the frame says; 0 means nothing.
func unframe(body []byte) (text []byte, status int) {
	body = bytes.TrimSpace(jsonscan.WithoutBOM(bytes.TrimSpace(body)))
	if len(body) == 0 || body[0] == '{' || body[0] == '[' {
		return body, 0
	}
	framed := false
	for rest := body[:min(len(body), maxFramed)]; len(rest) > 0; {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		if line = bytes.TrimSpace(line); len(line) == 0 && framed {
			break // the end of the event
		}
		if said, ok := bytes.CutPrefix(line, []byte(":HTTP_STATUS/")); ok {
			if n, err := strconv.Atoi(string(said)); err == nil && n >= 400 && n <= 599 {
				status = n
			}
		}
		if data, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			if data = bytes.TrimSpace(data); string(data) != "[DONE]" {
				text, framed = append(text, data...), true
			}
		}
	}
	if !framed {
		return body, status
	}
	return text, status
}

// IsPage reports whether an answer is a web page: the word of something in front of the API, such as a CDN's or a proxy's. Its
// bytes say so, or its label if they say nothing else, or a challenge's header
// (https://developers.cloudflare.com/cloudflare-challenges/challenge-types/challenge-pages/detect-response/).
func IsPage(header http.Header, body []byte) bool {
	body = bytes.TrimSpace(jsonscan.WithoutBOM(bytes.TrimSpace(body[:min(len(body), MaxText)])))
	if len(body) > 0 && (body[0] == '{' || body[0] == '[') {
		return false
	}
	if header.Get("Cf-Mitigated") != "" {
		return true
	}
	if len(body) > 0 && body[0] == '<' {
		return true
	}
	kind, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	if kind == "text/html" || kind == "application/xhtml+xml" {
		return true
	}
	// Cloudflare's own refusals, such as "error code: 1015".
	return strings.EqualFold(header.Get("Server"), "cloudflare") && bytes.HasPrefix(body, []byte("error code: "))
}
