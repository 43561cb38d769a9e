package exchange

import (
	"cmp"
	"net/http"
	"strings"
	"unicode/utf8"

	"one-api/relay/outcome"
	"one-api/relay/upstream"
)

// longestMessage is how many bytes of a provider's message are passed on.
const longestMessage = 2000

// censored is what every failure that rests on an upstream's words goes through: it takes out of it what only the operator may
// know, and from the client the power to have others blamed.
func (x *Exchange) censored(f *outcome.Failure) *outcome.Failure {
	f.Unquoted(x.mayHaveSaid)
	redact := redaction{x}
	if f.Err != nil {
		e := *f.Err
		message := cmp.Or(strings.TrimSpace(redact.Text(e.Message)), "the upstream reported an error")
		if f.Detail == e.Message { // as mostly
			f.Detail = message
		} else {
			f.Detail = redact.Text(f.Detail)
		}
		e.Message, e.Code, e.Param, e.Type = clipped(message), redact.Text(e.Code), redact.Text(e.Param), redact.Text(e.Type)
		f.Err = &e
		return f
	}
	f.Detail = redact.Text(f.Detail)
	return f
}

// redaction takes out what only the operator may know, the token of the call included.
type redaction struct{ x *Exchange }

// Text is redact.Redactor's.
func (r redaction) Text(s string) string {
	if h := r.x.hold; h != nil && h.shown != nil {
		secret := h.shown.Secret()
		s = strings.ReplaceAll(s, secret, "[key]")
		for part := range strings.SplitSeq(secret, ":") { // AWS's has several
			if len(part) >= 16 {
				s = strings.ReplaceAll(s, part, "[key]")
			}
		}
	}
	return r.x.Channel.Redact.Text(s)
}

// mayHaveSaid reports whether the client may be the one whose words an upstream's message begins with: it quotes a field's name
// or a model's, perhaps. A request that has been let go of since may have said anything.
func (x *Exchange) mayHaveSaid(phrase string) bool {
	c := x.call
	if c == nil {
		return false // nothing of a client's is in a question of the relay's own
	}
	if c.Body == nil && c.RequestID != "" || quotes(c.Body, phrase) {
		return true
	}
	folded := strings.ToLower(phrase)
	for _, values := range c.Header {
		for _, value := range values {
			if strings.Contains(strings.ToLower(value), folded) {
				return true
			}
		}
	}
	return strings.Contains(strings.ToLower(c.Model), folded) || strings.Contains(strings.ToLower(c.Query), folded)
}

// explained adds to a failure that the base URL is to blame for what the operator has to know to set it right.
func (x *Exchange) explained(f *outcome.Failure) string {
	if f.Status >= 300 && f.Status < 400 {
		return upstream.Redirection(f.Status, x.at.URL(), x.answer.Header)
	}
	what := upstream.Misplaced(f.Status)
	switch {
	case f.Status == http.StatusBadRequest:
		what = "base_url has to begin with https://"
	case f.Status == http.StatusNotFound && x.Channel.APIVersion != "":
		what += " Or is there no such api_version?"
	}
	if what != "" {
		return strings.TrimSuffix(f.Detail, ".") + ": " + what
	}
	return f.Detail
}

// clipped is s, or the beginning of it.
func clipped(s string) string {
	if len(s) <= longestMessage {
		return s
	}
	end := longestMessage
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
