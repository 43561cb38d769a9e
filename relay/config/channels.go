package config

import (
	"net/url"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	cloud "one-api/relay/provider"
)

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

// channel reads one channel. places are the names of the channels before it.
func (l *loader) channel(v value, places map[string]place) Channel {
	if !l.is(v, yaml.MappingNode, "a mapping") {
		return Channel{} // what it lacks would only be noise
	}
	c := l.silentChannel()
	readObject(l, channelObject, v, &c)
	if c.name != nil {
		c.Name = l.uniqueName(*c.name, places)
	}
	l.upstream(&c, v.place)
	if len(c.groups.items) > 0 {
		c.Groups = textsOf(c.groups.items)
		l.claims.groups = append(l.claims.groups, c.groups.items...)
	}
	for _, group := range c.Groups {
		l.groups[group] = true
	}
	return c.Channel
}

// silentChannel is a channel of which the file says nothing.
func (l *loader) silentChannel() channelDraft {
	c := l.channelDefaults
	c.Groups, c.groups = textsOf(c.groups.items), list{}
	c.Timeouts = l.settings.Timeouts
	c.UserHashKey = l.settings.UserHashKey
	return c
}

// uniqueName reads the name of a channel or a token. places are the names of those before it.
func (l *loader) uniqueName(v value, places map[string]place) string {
	name, ok := nameOf.read(l, v)
	if !ok {
		return ""
	}
	first, taken := places[name.text]
	switch {
	case taken && first.file == environmentFile:
		l.report(name.place, "%s is the token that %v makes; choose another name", name.text, first)
	case taken:
		l.report(name.place, "the same name as %v", first)
	default:
		places[name.text] = name.place
	}
	return name.text
}

// upstream reads what depends on who answers.
func (l *loader) upstream(c *channelDraft, at place) {
	provider, known := Provider{}, false
	if c.kind != nil {
		provider, known = l.channelType(c)
	}
	if c.api != nil {
		c.API = l.api(*c.api, &provider, known)
	}
	if provider.Keyless {
		c.Timeouts.StreamHeader = 0 // it is on this machine, and may have a model to load first
	}
	l.strangers(c, provider.Cloud, known)
	l.address(c, at, &provider, known)
	l.unencrypted(c)
	c.Keys = textsOf(c.keys.items)
	l.oddKeys(c, c.keys.items)
	if provider.Cloud == cloud.AWS {
		l.awsKeys(c)
	}
	if meant := l.providers[l.meantType(c.Type)]; c.Official && !meant.Keyless && meant.Cloud == "" && len(c.Keys) == 0 && !c.keys.spoilt {
		l.missing(at, "keys", "missing; only a channel with a base_url of its own may have none")
	}
	if c.Models = textsOf(c.models.items); len(c.Models) == 0 {
		c.Models = defaultModels(provider, c.Official)
	}
	if c.proxy == nil || !l.ownProxy(&c.Channel, *c.proxy) {
		l.relayProxy(&c.Channel)
	}
	l.speaksThrough(&c.Channel, at)
}

// sameThere is what a key that says where models are is called by the other cloud that has one.
var sameThere = map[[2]cloud.Cloud]string{
	{cloud.AWS, cloud.Vertex}: ", which has location", {cloud.Vertex, cloud.AWS}: ", which has region",
}

// strangers reports keys that only channels of a cloud have.
func (l *loader) strangers(c *channelDraft, of cloud.Cloud, known bool) {
	if !known {
		return
	}
	for _, k := range []struct {
		at scalar
		of cloud.Cloud
	}{
		{c.apiVersion, cloud.Azure}, {c.entra.tenant, cloud.Azure},
		{c.region, cloud.AWS}, {c.project, cloud.Vertex}, {c.location, cloud.Vertex}, {c.credentialsFile, cloud.Vertex},
	} {
		if k.at.line > 0 && k.of != of {
			l.report(k.at.place, "is for channels of the type %s (this one is of the type %s%s)", k.of, c.Type, sameThere[[2]cloud.Cloud{k.of, of}])
		}
	}
}

// channelType reads whose API it is.
func (l *loader) channelType(c *channelDraft) (provider Provider, known bool) {
	s, ok := l.scalar(*c.kind)
	if !ok {
		return Provider{}, false
	}
	c.Type = s.text
	if provider, known = l.providers[c.Type]; !known {
		l.report(s.place, "unknown type %s; %sknown: %s", s.got(), l.rightType(s.text), strings.Join(l.types(), ", "))
	}
	return provider, known
}

// api reads which of OpenAI's formats is spoken; other providers have one format.
func (l *loader) api(v value, provider *Provider, known bool) API {
	api, ok := apis.read(l, v)
	if ok && api != APIAuto && known && !provider.Speak("chat") {
		l.report(v.place, "is for types that speak OpenAI's formats; a channel of the type %s has one format of its own", provider.Type)
	}
	return api
}

// address finds where the upstream is. A version may be wrong without a base_url.
func (l *loader) address(c *channelDraft, at place, provider *Provider, known bool) {
	var version *string
	if c.version != nil {
		if s, ok := versions.read(l, *c.version); ok {
			version = &s.text
		}
	}
	c.Official = c.baseURL == nil
	switch {
	case provider.Cloud == cloud.Azure:
		l.azure(c, at)
	case provider.Cloud == cloud.Vertex:
		l.vertex(c, at)
	case provider.Cloud == cloud.AWS:
		l.bedrock(c, at, version)
	case c.baseURL != nil:
		c.Timeouts.StreamHeader = 0
		s, ok := l.scalar(*c.baseURL)
		if !ok {
			return
		}
		message := "must not be empty; leave it out for the provider's own"
		if s.text != "" {
			c.BaseURL, c.Official, message = address(s.text, version, provider)
		}
		if message == "" && known {
			message = l.wrongPlace(c, provider, s.text)
		}
		if message != "" {
			l.report(s.place, "%s", message)
		} else {
			l.oddAddress(c, s.place)
		}
	case known && provider.BaseURL == "":
		l.missing(at, "base_url", "missing: type "+c.Type+" has none of its own")
	case known:
		if c.BaseURL, known = ownAddress(provider, version); !known {
			l.missing(at, "base_url", "that of type "+c.Type+" cannot be used")
		}
	}
}

// wrongPlace is what is known to be wrong with an address that can be one; "": nothing.
func (l *loader) wrongPlace(c *channelDraft, provider *Provider, written string) string {
	message := elsewhere(c.BaseURL, c.Type)
	if u, err := url.Parse(written); message == "" && err == nil && provider.Speak("chat") {
		message = nowhere(c.BaseURL, c.Type, strings.TrimRight(u.Path, "/"))
	}
	return message
}

// ownAddress is the provider's own, with the version that the file gives, if it gives one.
func ownAddress(p *Provider, version *string) (base *url.URL, ok bool) {
	base, _, message := address(p.BaseURL, version, p)
	return base, message == ""
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
		if cloud, _, given := l.environmentCloud(&provider); given {
			set = true
			channels = append(channels, l.finished(cloud, &provider))
			continue
		}
		key, at, given := l.keyOf(&provider)
		set = set || given
		if key == "" {
			continue
		}
		base, ok := ownAddress(&provider, nil)
		region := ""
		if provider.Cloud == cloud.AWS {
			if region = l.awsRegion(); region == "" {
				if upstreamKeyProblem(key) == "" { // of which has been told
					l.report(at, "needs AWS_REGION beside it: the region that is asked, such as us-east-1")
				}
				continue
			}
			base = bedrockAddress(region)
		}
		if !ok {
			l.report(at, "the base URL of type %s cannot be used", kind)
			continue
		}
		c := l.silentChannel().Channel
		c.Name, c.Type, c.BaseURL, c.Official, c.Keys, c.Models = kind, kind, base, true, []string{key}, unaskedModels(&provider)
		c.Region = region
		l.oddKeys(&channelDraft{Channel: c}, []scalar{{text: key, place: at}})
		l.relayProxy(&c)
		channels = append(channels, c)
	}
	if !set {
		c := l.silentChannel().Channel
		c.Name, c.Type, c.Demo, c.Models, c.UserHashKey = "demo", "openai", true, []string{"demo"}, ""
		channels = []Channel{c}
	}
	for _, c := range channels {
		for _, group := range c.Groups {
			l.groups[group] = true
		}
	}
	return channels
}

// finished is a cloud's channel, as far as the environment says it.
func (l *loader) finished(c channelDraft, p *Provider) Channel {
	c.Keys = textsOf(c.keys.items)
	l.unencrypted(&c)
	l.oddKeys(&c, c.keys.items)
	if c.Models = textsOf(c.models.items); len(c.Models) == 0 {
		c.Models = unaskedModels(p)
	}
	l.relayProxy(&c.Channel)
	return c.Channel
}

// unaskedModels is what a channel of the environment's serves.
func unaskedModels(p *Provider) []string {
	if len(p.Unasked) > 0 {
		return slices.Clone(p.Unasked)
	}
	return defaultModels(*p, true)
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
		if isPlaceholder(s.text) {
			l.warn(at, "is a placeholder out of an example: no channel is made until a key of the provider's is in its place")
			continue
		}
		if message := upstreamKeyProblem(s.text); message != "" {
			l.report(at, "%s", message)
		}
		return s.text, at, true
	}
	return "", at, false
}
