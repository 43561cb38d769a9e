package telemetry

import (
	"strings"

	"one-api/telemetry/otelenv"
)

const (
	longestRemark = 512      // bytes of others' text in a line of the log
	longestToScan = 16 << 10 // bytes in which keys are looked for; what follows is dropped unseen
)

// redactor takes out of a text what no log may contain. It knows the environment's secrets, and recognizes others by their form.
type redactor struct{ secrets *strings.Replacer }

func newRedactor(secrets []string) redactor {
	pairs := make([]string, 0, 2*len(secrets))
	for _, s := range secrets {
		pairs = append(pairs, s, otelenv.Redacted)
	}
	return redactor{strings.NewReplacer(pairs...)}
}

// text removes the secrets from a text and then cuts it: a key that was cut first would still be half a key.
func (r redactor) text(s string) string {
	if len(s) > longestToScan {
		s = s[:longestToScan]
		if end := strings.LastIndexAny(s, " \n\t,;"); end > 0 { // not in the middle of what may be a key
			s = s[:end]
		}
	}
	s = r.secrets.Replace(s)
	s = otelenv.Redact(s)
	if len(s) > longestRemark {
		s = strings.ToValidUTF8(s[:longestRemark], "") + "…"
	}
	return s
}
