package otelenv

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Redacted stands in the place of what was secret.
const Redacted = "[redacted]"

var looksSecret = []struct {
	pattern *regexp.Regexp
	by      string
}{
	{regexp.MustCompile(`(?is)-----BEGIN [A-Z ]*PRIVATE KEY.*`), Redacted},
	{regexp.MustCompile(`(?i)\b(bearer|basic|apikey|api-key|x-api-key|authorization)((?:["']?\s*[:=]\s*["']?)|\s+)(?:(?:bearer|basic)\s+)?[A-Za-z0-9._~+/%=-]{6,}`), "$1$2" + Redacted},
	{regexp.MustCompile(`\b(sk|pk|glc|hcaik|dd)[-_][A-Za-z0-9_-]{8,}`), Redacted},
	{regexp.MustCompile(`://[^\s/@"']+@`), "://" + Redacted + "@"},
	{regexp.MustCompile(`(://[^\s?"'<>]+)\?[^\s"'<>]+`), "$1?" + Redacted},
}

// Redact takes out of a text what looks secret.
func Redact(text string) string {
	for _, l := range looksSecret {
		text = l.pattern.ReplaceAllString(text, l.by)
	}
	return text
}

// shortestSecret keeps a header such as x-scope=1 from blacking out every 1 of a log.
const shortestSecret = 6

// rawSecrets are the variables whose values may hold a key.
func rawSecrets() (names []string) {
	for _, v := range Variables {
		if strings.HasSuffix(v.Name, "HEADERS") || strings.HasSuffix(v.Name, "ENDPOINT") {
			names = append(names, v.Name)
		}
	}
	return names
}

// secretsOf collects them from what was written, also from what was refused: a slip in a header does not make its key public.
func secretsOf(getenv func(string) string) []string {
	var all []string
	add := func(text string) {
		for _, form := range []string{text, unescaped(text)} {
			form = strings.TrimSpace(form)
			if len(form) >= shortestSecret && !slices.Contains(all, form) {
				all = append(all, form)
			}
		}
	}
	for _, name := range rawSecrets() {
		text, _ := cleaned(getenv(name))
		if strings.HasSuffix(name, "ENDPOINT") {
			addParts(text, add)
			continue
		}
		for item := range strings.SplitSeq(text, ",") {
			name, value, found := strings.Cut(item, "=")
			if !found || !isToken(strings.TrimSpace(name)) {
				if _, value, found = strings.Cut(item, ":"); !found {
					value = item
				}
			}
			add(value)
			for word := range strings.FieldsSeq(unescaped(value)) { // Bearer KEY: the key alone, too
				if !strings.EqualFold(word, "bearer") && !strings.EqualFold(word, "basic") {
					add(word)
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) }) // a part never before its whole
	return all
}

// addParts adds what of an endpoint may be a key: the user, the password, the query's values, and a path that is more than a name.
func addParts(endpoint string, add func(string)) {
	u, ok := parseEndpoint(endpoint)
	if !ok {
		return
	}
	if u.User != nil {
		password, _ := u.User.Password()
		add(u.User.Username())
		add(password)
	}
	for _, values := range u.Query() {
		for _, value := range values {
			add(value)
		}
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		if len(part) >= 20 {
			add(part)
		}
	}
}

func unescaped(text string) string {
	if decoded, err := url.PathUnescape(text); err == nil {
		return decoded
	}
	return text
}
