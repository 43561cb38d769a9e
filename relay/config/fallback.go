package config

import (
	"slices"
	"strings"
)

// contextFallback reads which larger model takes what is too long for one. What a glob covers is asked for by a name, and falls
// back by its name.
func (l *loader) contextFallback(v value, channels []Channel) map[string]string {
	larger, places := map[string]string{}, map[string]place{}
	for _, e := range l.entries(v) {
		message := modelProblem(e.name)
		if strings.ContainsAny(e.name, "*?") {
			message = "must not be a glob, which does not say which model is larger than which"
		}
		if message != "" {
			l.report(e.place, "the model's name %s", message)
		}
		s, ok := l.scalar(e.value)
		if !ok {
			continue
		}
		message = modelProblem(s.text)
		if strings.ContainsAny(s.text, "*?") {
			message = "must not be a glob"
		} else if message == "" && !served(channels, s.text) {
			message = "no channel serves this model"
		}
		if message != "" {
			l.report(s.place, "%s %s", message, s.got())
			continue
		}
		larger[e.name], places[e.name] = s.text, e.place
	}
	for model, at := range places {
		switch {
		case circular(larger, model):
			l.report(at, "leads back to itself")
		case !served(channels, model):
			l.warn(at, "no channel serves this model, so that nothing falls back from it")
		}
	}
	if len(larger) == 0 {
		return nil
	}
	return larger
}

// served reports whether any channel serves a model.
func served(channels []Channel, model string) bool {
	return slices.ContainsFunc(channels, func(c Channel) bool {
		_, mapped := c.ModelMapping[model]
		return mapped || slices.ContainsFunc(c.Models, func(pattern string) bool { return Match(pattern, model) })
	})
}

// circular reports whether falling back from a model comes to it again.
func circular(larger map[string]string, model string) bool {
	at := model
	for range larger {
		if at = larger[at]; at == model {
			return true
		}
	}
	return false
}
