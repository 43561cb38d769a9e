package config

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

const defaultGroup = "default"

var channelKeys = []string{
	"name", "type", "base_url", "keys", "models", "model_mapping", "groups", "priority", "weight", "max_concurrent", "disabled",
	"proxy", "headers", "timeouts", "propagate_trace", "resume", "retry_same", "version", "stream_usage", "api",
}

// channels reads the file's channels; not one of them is a problem.
func (l *loader) channels(v value) []Channel {
	before := len(l.problems)
	var channels []Channel
	names := map[string]place{}
	for _, element := range l.elements(v) {
		if l.exhausted() {
			break
		}
		channels = append(channels, l.channel(element, names))
	}
	if len(channels) == 0 && len(l.problems) == before {
		l.report(v.place, noChannels)
	}
	return channels
}

// channel reads one channel. names are those of the channels before it.
func (l *loader) channel(v value, names map[string]place) Channel {
	if !l.is(v, yaml.MappingNode, "a mapping") {
		return Channel{} // what it lacks would only be noise
	}
	fields := l.fields(v, channelKeys)
	c := Channel{
		Weight:        l.count(fields, "weight", 1),
		MaxConcurrent: l.count(fields, "max_concurrent", 0),
		RetrySame:     l.retrySame(fields),
		Groups:        []string{defaultGroup},
		Timeouts:      l.settings.Timeouts,
		UserHashKey:   l.settings.UserHashKey,
	}
	if name, ok := l.name(v.place, fields); ok {
		c.Name = name.text
		if first, taken := names[c.Name]; taken {
			l.report(name.place, "the same name as %v", first)
		} else {
			names[c.Name] = name.place
		}
	}
	l.upstream(&c, v.place, fields)
	if v, given := fields["model_mapping"]; given {
		c.ModelMapping = l.modelMapping(v)
	}
	if v, given := fields["groups"]; given {
		if groups := l.texts(v, nameProblem); len(groups) > 0 {
			c.Groups = textsOf(groups)
			l.claims.groups = append(l.claims.groups, groups...)
		}
	}
	for _, group := range c.Groups {
		l.groups[group] = true
	}
	if v, given := fields["priority"]; given {
		c.Priority, _, _ = l.integer(v)
	}
	if v, given := fields["disabled"]; given {
		c.Disabled = l.boolean(v)
	}
	if v, given := fields["propagate_trace"]; given {
		c.PropagateTrace = l.boolean(v)
	}
	if v, given := fields["resume"]; given {
		c.Resume = l.resume(v)
	}
	if v, given := fields["stream_usage"]; given {
		c.StreamUsage = l.streamUsage(v)
	}
	l.proxy(&c, fields)
	if v, given := fields["headers"]; given {
		c.Headers = l.headers(v)
	}
	if v, given := fields["timeouts"]; given {
		c.Timeouts = l.timeouts(v, c.Timeouts)
	}
	if _, given := fields["base_url"]; given {
		c.Timeouts.StreamHeader = 0
	}
	return c
}

// mostRetrySame is no less than what RETRY_TIMES may be, which bounds it.
const mostRetrySame = 100

func (l *loader) retrySame(fields map[string]value) int {
	n := l.count(fields, "retry_same", 0)
	if n > mostRetrySame {
		l.report(fields["retry_same"].place, "must be at most %d", mostRetrySame)
	}
	return n
}

func (l *loader) resume(v value) Resume {
	s, ok := l.scalar(v)
	if !ok {
		return ResumeUnsaid
	}
	switch r := Resume(s.text); r {
	case ResumeOff, ResumeOn, ResumePrefix, ResumeContinueFinal:
		return r
	}
	l.report(s.place, "must be true, false, prefix or continue_final_message %s", s.got())
	return ResumeUnsaid
}

// api reads which of OpenAI's formats is spoken; other providers have one format.
func (l *loader) api(v value, provider *Provider, known bool) API {
	s, ok := l.scalar(v)
	if !ok {
		return APIAuto
	}
	api := API(s.text)
	switch {
	case s.text == "auto":
		return APIAuto
	case api != APIChat && api != APIResponses:
		l.report(s.place, "must be auto, chat or responses %s", s.got())
	case known && !provider.Speak("chat"):
		l.report(s.place, "is for types that speak OpenAI's formats; a channel of the type %s has one format of its own", provider.Type)
	default:
		return api
	}
	return APIAuto
}

func (l *loader) streamUsage(v value) StreamUsage {
	s, ok := l.scalar(v)
	if !ok {
		return StreamUsageAuto
	}
	switch u := StreamUsage(s.text); u {
	case StreamUsageAsk, StreamUsageNever:
		return u
	case "auto":
	default:
		l.report(s.place, "must be auto, ask or never %s", s.got())
	}
	return StreamUsageAuto
}

// upstream reads what depends on who answers: type, base_url, keys and models.
func (l *loader) upstream(c *Channel, at place, fields map[string]value) {
	missing := func(key, format string, args ...any) {
		l.report(place{file: at.file, line: at.line, key: member(at.key, key)}, format, args...)
	}
	provider, known := Provider{}, false
	if v, given := fields["type"]; !given {
		missing("type", "missing (known: %s)", strings.Join(l.types(), ", "))
	} else if s, ok := l.scalar(v); ok {
		c.Type = s.text
		if provider, known = l.providers[c.Type]; !known {
			l.report(s.place, "unknown type %s; %sknown: %s", s.got(), l.rightType(s.text), strings.Join(l.types(), ", "))
		}
	}

	if v, given := fields["api"]; given {
		c.API = l.api(v, &provider, known)
	}
	if provider.Keyless {
		c.Timeouts.StreamHeader = 0 // it is on this machine, and may have a model to load first
	}
	version := l.version(fields)
	v, given := fields["base_url"]
	c.Official = !given
	if given {
		if s, ok := l.scalar(v); ok {
			message := "must not be empty; leave it out for the provider's own"
			if s.text != "" {
				c.BaseURL, c.Official, message = address(s.text, version, &provider)
			}
			if message != "" {
				l.report(s.place, "%s", message)
			}
		}
	} else if known {
		if provider.BaseURL == "" {
			missing("base_url", "missing: type %s has none of its own", c.Type)
		} else if c.BaseURL, given = ownAddress(&provider, version); !given {
			missing("base_url", "that of type %s cannot be used", c.Type)
		}
	}

	v, given = fields["keys"]
	before := len(l.problems)
	if given {
		keys := l.texts(v, func(text string) string { return cmp.Or(nameForKey(text), upstreamKeyProblem(text)) })
		c.Keys = textsOf(keys)
		l.oddKeys(c, keys)
	}
	if c.Official && !provider.Keyless && len(c.Keys) == 0 && len(l.problems) == before {
		missing("keys", "missing; only a channel with a base_url of its own may have none")
	}

	if v, given := fields["models"]; given {
		models := l.texts(v, modelProblem)
		l.oddGlobs(models)
		c.Models = textsOf(models)
	}
	if len(c.Models) == 0 {
		c.Models = defaultModels(provider, c.Official)
	}
}

// ownAddress is the provider's own, with the version that the file gives, if it gives one.
func ownAddress(p *Provider, version *string) (base *url.URL, ok bool) {
	base, _, message := address(p.BaseURL, version, p)
	return base, message == ""
}

// version reads what is added to a base URL without a version; nil: nothing is said of it.
func (l *loader) version(fields map[string]value) *string {
	v, given := fields["version"]
	if !given {
		return nil
	}
	s, ok := l.scalar(v)
	if !ok {
		return nil
	}
	if s.text != "" && !versionForm.MatchString(s.text) {
		l.report(s.place, "must be the version segment of the API's path, such as v1, or '' if it has none %s", s.got())
		return nil
	}
	return &s.text
}

func defaultModels(provider Provider, official bool) []string {
	if official && len(provider.Models) > 0 {
		return slices.Clone(provider.Models)
	}
	return []string{"*"}
}

// environmentChannels are those of a relay without a file: one for each provider whose key is set, or else the demo.
func (l *loader) environmentChannels() []Channel {
	var channels []Channel
	set := false
	for _, kind := range l.types() {
		provider := l.providers[kind]
		key, at, given := l.keyOf(&provider)
		set = set || given
		if key == "" {
			continue
		}
		base, ok := ownAddress(&provider, nil)
		if !ok {
			l.report(at, "the base URL of type %s cannot be used", kind)
			continue
		}
		c := Channel{
			Name: kind, Type: kind, BaseURL: base, Official: true,
			Keys: []string{key}, Models: defaultModels(provider, true), Groups: []string{defaultGroup},
			Weight: 1, Timeouts: l.settings.Timeouts, UserHashKey: l.settings.UserHashKey,
		}
		l.oddKeys(&c, []scalar{{text: key, place: at}})
		l.relayProxy(&c)
		channels = append(channels, c)
	}
	if !set {
		channels = []Channel{{
			Name: "demo", Type: "openai", Demo: true, Models: []string{"demo"}, Groups: []string{defaultGroup},
			Weight: 1, Timeouts: l.settings.Timeouts,
		}}
	}
	for _, c := range channels {
		for _, group := range c.Groups {
			l.groups[group] = true
		}
	}
	return channels
}

// keyOf is the key that the environment has for a provider, and the variable that it is in. given: there is one, if only one that
// cannot be used.
func (l *loader) keyOf(p *Provider) (key string, at place, given bool) {
	for _, name := range p.KeyVariables {
		s := l.env.get(name)
		if s.err != nil {
			l.report(variable(name+"_FILE"), "cannot read the file: %v", s.err)
			return "", at, true
		}
		if s.text == "" {
			continue
		}
		at = variable(name)
		if message := upstreamKeyProblem(s.text); message != "" {
			l.report(at, "%s", message)
		}
		return s.text, at, true
	}
	return "", at, false
}
