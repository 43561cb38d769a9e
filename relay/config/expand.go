package config

import "strings"

const expansionForm = "only ${NAME} and ${NAME:-default} are expanded; write $${ for a literal ${"

// expand replaces ${NAME} and ${NAME:-default} in text, and $${ by a literal ${. Everything else stands as it is; what a
// variable holds is not expanded again. The messages say what is wrong without quoting any of the text around a variable's
// name, which may be a part of a key.
func expand(text string, env *environment) (expanded string, messages []string) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		if !found {
			b.WriteString(text)
			return b.String(), messages
		}
		if escaped, ok := strings.CutSuffix(before, "$"); ok {
			b.WriteString(escaped + "${")
			text = rest
			continue
		}
		b.WriteString(before)
		body, after, found := strings.Cut(rest, "}")
		if !found {
			return b.String(), append(messages, "a ${ is not closed by } ("+expansionForm+")")
		}
		value, message := resolve(body, env)
		if message != "" {
			messages = append(messages, message)
		}
		b.WriteString(value)
		text = after
	}
}

// resolve gives the value of what stands between ${ and }.
func resolve(body string, env *environment) (value, message string) {
	name, fallback, hasFallback := strings.Cut(body, ":-")
	switch {
	case !isVariableName(name):
		return "", "a ${ is not followed by the name of a variable (" + expansionForm + ")"
	case strings.Contains(fallback, "${"):
		return "", "the default of ${" + name + "} holds another ${ (" + expansionForm + ")"
	}
	s := env.get(name)
	switch {
	case s.err != nil:
		return "", "${" + name + "}: cannot read the file that " + name + "_FILE names: " + s.err.Error()
	case s.text != "":
		return s.text, ""
	case hasFallback:
		return fallback, ""
	}
	return "", "${" + name + "} is not set (and neither is " + name + "_FILE)"
}

func isVariableName(name string) bool {
	for i, c := range []byte(name) {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		digit := '0' <= c && c <= '9'
		if !letter && (!digit || i == 0) {
			return false
		}
	}
	return name != ""
}
