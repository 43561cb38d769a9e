package config

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"one-api/relay/provider"
)

// environmentCloud is the channel that the environment makes of a cloud, by the variables that its own tools read; false: it makes none.
func (l *loader) environmentCloud(p *Provider) (c channelDraft, at place, given bool) {
	c = l.silentChannel()
	c.Name, c.Type = p.Type, p.Type
	switch p.Cloud {
	case provider.Azure:
		at = variable("AZURE_OPENAI_ENDPOINT")
		given = l.environmentAzure(&c, at)
	case provider.Vertex:
		at = variable("GOOGLE_APPLICATION_CREDENTIALS")
		given = l.environmentVertex(&c, at)
	case provider.AWS:
		at = variable("AWS_ACCESS_KEY_ID")
		given = l.environmentAWS(&c, at)
	default:
	}
	return c, at, given
}

// fromEnvironment is a variable's value; empty: it is not set, or cannot be read, which is reported.
func (l *loader) fromEnvironment(names ...string) scalar {
	for _, name := range names {
		s := l.env.get(name)
		if s.err != nil {
			l.report(variable(name+"_FILE"), "cannot read the file: %v", s.err)
			continue
		}
		if message := blemish(s.text); message != "" {
			l.report(variable(name), "%s", message)
			continue
		}
		if s.text != "" {
			return scalar{text: s.text, place: variable(name)}
		}
	}
	return scalar{}
}

// asValue is a variable's value as if a file had it, quoted.
func (s scalar) asValue() *value {
	text := strings.ReplaceAll(s.text, "${", "$${")
	return &value{node: &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: text}, place: s.place}
}

// environmentAzure reads what OpenAI's own SDKs and Microsoft's identity library do.
func (l *loader) environmentAzure(c *channelDraft, at place) bool {
	endpoint, key := l.fromEnvironment("AZURE_OPENAI_ENDPOINT"), l.fromEnvironment("AZURE_OPENAI_API_KEY")
	c.entra = entraDraft{
		tenant: l.fromEnvironment("AZURE_TENANT_ID"), clientID: l.fromEnvironment("AZURE_CLIENT_ID"),
		clientSecret: l.fromEnvironment("AZURE_CLIENT_SECRET"), authority: l.fromEnvironment("AZURE_AUTHORITY_HOST"),
	}
	c.apiVersion = l.fromEnvironment("AZURE_OPENAI_API_VERSION", "OPENAI_API_VERSION")
	deployment := l.fromEnvironment("AZURE_OPENAI_DEPLOYMENT")
	application := c.entra.tenant.text != "" && c.entra.clientID.text != "" && c.entra.clientSecret.text != ""
	switch {
	case endpoint.text == "" && key.text == "":
		return false
	case endpoint.text == "":
		l.warn(key.place, "is there, and AZURE_OPENAI_ENDPOINT (https://NAME.openai.azure.com) is not: no channel is made")
		return false
	case key.text == "" && !application:
		l.warn(at, "is there, and neither AZURE_OPENAI_API_KEY nor AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET are: no channel "+
			"is made")
		return false
	case isPlaceholder(key.text), isPlaceholder(c.entra.clientSecret.text) && key.text == "":
		l.warn(at, "has a placeholder out of an example for a key: no channel is made")
		return false
	case key.text != "":
		c.keys.items, c.entra = []scalar{key}, entraDraft{}
		if message := upstreamKeyProblem(key.text); message != "" {
			l.report(key.place, "%s", message)
		}
	default:
		for _, s := range []struct {
			scalar
			judge func(scalar) string
		}{{c.entra.tenant, tenantProblem}, {c.entra.clientID, secretProblem}, {c.entra.clientSecret, secretProblem}} {
			if message := s.judge(s.scalar); message != "" {
				l.report(s.place, "%s", message)
			}
		}
		if a := c.entra.authority; a.text != "" && authorityProblem(a) != "" {
			l.report(a.place, "%s", authorityProblem(a))
			c.entra.authority = scalar{}
		}
	}
	if v := c.apiVersion; v.text != "" && apiVersionProblem(v.text) != "" {
		l.report(v.place, "%s", apiVersionProblem(v.text))
		c.apiVersion = scalar{}
	}
	if deployment.text != "" {
		c.models.items = []scalar{deployment}
	}
	c.baseURL = endpoint.asValue()
	l.azure(c, at)
	return true
}

// environmentVertex reads what Google's own libraries do. A project alone is there on every machine of Google's, and makes no channel.
func (l *loader) environmentVertex(c *channelDraft, at place) bool {
	c.credentialsFile = l.fromEnvironment("GOOGLE_APPLICATION_CREDENTIALS")
	c.project = l.fromEnvironment("GOOGLE_CLOUD_PROJECT", "ANTHROPIC_VERTEX_PROJECT_ID")
	c.location = l.fromEnvironment("GOOGLE_CLOUD_LOCATION", "CLOUD_ML_REGION")
	if c.credentialsFile.text == "" {
		return false
	}
	for _, s := range []struct {
		at    *scalar
		judge func(scalar) string
	}{{&c.project, projectProblem}, {&c.location, locationProblem}} {
		if s.at.text == "" {
			continue
		}
		if message := s.judge(*s.at); message != "" {
			l.report(s.at.place, "%s", message)
			return true
		}
	}
	l.vertex(c, at)
	return true
}

// environmentAWS reads what Amazon's own libraries do: an API key of Bedrock's, or an access key. An access key alone may be meant for
// another service, so that half of what a channel needs is told and no reason not to start.
func (l *loader) environmentAWS(c *channelDraft, at place) bool {
	id, secret := l.fromEnvironment("AWS_ACCESS_KEY_ID"), l.fromEnvironment("AWS_SECRET_ACCESS_KEY")
	session := l.fromEnvironment("AWS_SESSION_TOKEN")
	key := scalar{text: id.text + ":" + secret.text, place: at}
	if session.text != "" {
		key.text += ":" + session.text
	}
	region, no := l.fromEnvironment("AWS_REGION", "AWS_DEFAULT_REGION"), ""
	switch {
	case id.text == "" && secret.text == "" || l.env.get("AWS_BEARER_TOKEN_BEDROCK") != setting{}:
		return false
	case id.text == "":
		key.place, no = secret.place, "is there, and AWS_ACCESS_KEY_ID is not"
	case secret.text == "":
		no = "is there, and AWS_SECRET_ACCESS_KEY is not"
	case isPlaceholder(id.text) || isPlaceholder(secret.text):
		no = "is a placeholder out of an example, or its secret is"
	case !accessKey.MatchString(id.text) || strings.ContainsAny(secret.text+session.text, ": "):
		no = "is none that AWS gives out (AKIA… or ASIA…), or its secret is none"
	case strings.HasPrefix(id.text, "ASIA") && session.text == "":
		no = "is of a session, and AWS_SESSION_TOKEN is not there"
	case region.text != "" && regionProblem(region) != "":
		key.place, no = region.place, regionProblem(region)
	case region.text == "":
		no = "is there, and AWS_REGION, which says whose models are asked (such as us-east-1), is not"
	}
	if no != "" {
		l.warn(key.place, "%s: no channel of the type bedrock is made", no)
		return false
	}
	c.keys.items, c.region, c.Official = []scalar{key}, region, true
	l.bedrock(c, at, nil)
	return true
}
