package config

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"one-api/relay/provider"
)

// azurePlace is what an address of Azure's was understood as.
type azurePlace struct {
	base       *url.URL // of the API; a query has its version, if it is not in the path
	form       string   // a key of Source.Providers that is no type; "": the v1 API
	version    string   // api-version; "": none
	deployment string   // that the address names; "": none
}

// datedVersion is an api-version of the classic API. The v1 API has none, or a word.
var (
	datedVersion  = regexp.MustCompile(`^20[0-9]{2}-[0-9]{2}-[0-9]{2}(-preview)?$`)
	wordedVersion = regexp.MustCompile(`^(preview|latest)$`)
)

func apiVersionProblem(version string) string {
	switch {
	case datedVersion.MatchString(version):
		if _, err := time.Parse(time.DateOnly, version[:len(time.DateOnly)]); err == nil {
			return ""
		}
	case wordedVersion.MatchString(version):
		return ""
	case version == "v1":
		return "is left out for the v1 API; a date such as 2024-10-21 is for the classic one"
	}
	return "must be a date such as 2024-10-21 or 2025-04-01-preview, and left out for the v1 API"
}

// azureHosts are how hosts of Azure's own end, with where their tokens come from and what these are good for.
var azureHosts = []struct{ suffix, authority, audience string }{
	{".azure.com", "https://login.microsoftonline.com", "https://cognitiveservices.azure.com"},
	{".api.cognitive.microsoft.com", "https://login.microsoftonline.com", "https://cognitiveservices.azure.com"},
	{".azure.us", "https://login.microsoftonline.us", "https://cognitiveservices.azure.us"},
	{".azure.cn", "https://login.partner.microsoftonline.cn", "https://cognitiveservices.azure.cn"},
}

// foundryAudience is what tokens for Claude on Foundry are good for, in every cloud.
const foundryAudience = "https://ai.azure.com"

// azureOwn is the entry of a host, the first one for those that are not Azure's.
func azureOwn(host string) (index int, own bool) {
	host = strings.ToLower(host)
	for i, of := range azureHosts {
		if strings.HasSuffix(host, of.suffix) {
			return i, true
		}
	}
	return 0, false
}

// notResources are hosts that are taken for a resource's.
var notResources = []struct{ host, is string }{
	{"portal.azure.com", "a page of Azure's portal"}, {"portal.azure.us", "a page of Azure's portal"},
	{"portal.azure.cn", "a page of Azure's portal"},
	{"ai.azure.com", "a page of Foundry's portal"}, {"oai.azure.com", "a page of Foundry's portal"},
	{"management.azure.com", "Azure's management API"}, {"login.microsoftonline.com", "where tokens come from"},
}

// resourceName is what a resource is called, without the host that it has.
var resourceName = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

const azureEndpoint = "the resource's endpoint is https://NAME.openai.azure.com (in the portal: Keys and Endpoint)"

// readAzure understands what people paste for a resource's address: a bare host, /openai, /openai/v1, an endpoint, a deployment with its
// query, Claude's /anthropic. version is what api_version says. message is what is wrong, with what was understood.
func readAzure(text, version string) (p azurePlace, message string) {
	if resourceName.MatchString(text) {
		return p, "was understood as the name of a resource, or a key, and must be an http or https URL: " + azureEndpoint
	}
	text, query, asks := strings.Cut(text, "?")
	u, message := plainURL(text)
	if message != "" {
		return p, message
	}
	host := strings.ToLower(u.Hostname())
	for _, not := range notResources {
		if host == not.host || strings.HasPrefix(not.host, "portal") && strings.HasSuffix(host, "."+not.host) {
			return p, "is " + not.is + "; " + azureEndpoint
		}
	}
	if asks {
		values, err := url.ParseQuery(query)
		given := values.Get("api-version")
		delete(values, "api-version")
		switch {
		case err != nil || len(values) > 0:
			return p, "has a query of which only api-version is understood: leave the rest out"
		case given != "" && version != "" && given != version:
			return p, "names another api-version than the key api_version: keep one of them"
		case given != "" && given != "v1" && apiVersionProblem(given) != "":
			return p, "has an api-version that " + apiVersionProblem(given)
		case given != "v1":
			version = cmp.Or(version, given)
		}
	}
	return azurePath(u, version)
}

// azurePath understands what follows the host.
func azurePath(u *url.URL, version string) (p azurePlace, message string) {
	_, own := azureOwn(u.Hostname())
	var segments []string
	if path := strings.Trim(u.EscapedPath(), "/"); path != "" {
		segments = strings.Split(path, "/")
	}
	at := slices.IndexFunc(segments, func(s string) bool { return strings.EqualFold(s, "openai") || strings.EqualFold(s, "anthropic") })
	before := segments
	if at >= 0 {
		before = segments[:at]
	}
	if own && len(before) > 0 {
		return p, notOfAResource(before)
	}
	p.version = version
	switch {
	case at < 0 && isVersioned("/"+strings.Join(segments, "/")): // a gateway's own
		message = p.readV1(nil)
		p.base = azureBase(u, segments)
	case at < 0:
		message = p.readOpenAI(u, before, nil)
	case strings.EqualFold(segments[at], "anthropic"):
		message = p.readAnthropic(u, before, segments[at+1:])
	default:
		message = p.readOpenAI(u, before, segments[at+1:])
	}
	if message == "" && p.version != "" {
		p.base.RawQuery = url.Values{"api-version": {p.version}}.Encode()
	}
	return p, message
}

// notOfAResource is what is wrong with a path of one of Azure's own hosts.
func notOfAResource(path []string) string {
	switch strings.ToLower(path[0]) {
	case "api":
		return "was understood as the endpoint of a Foundry project; models are asked at the resource: leave out what follows the host"
	case "models":
		return "was understood as the model inference API, which is another one; the same models answer at the resource: leave out what " +
			"follows the host"
	case "deployments":
		return "was understood as a deployment's address without its /openai; leave out what follows the host, and name the deployment in " +
			"models or model_mapping"
	case "v1":
		return "was understood as the v1 API, whose path is /openai/v1: leave out what follows the host"
	}
	return "was understood as a resource, and what follows its host as none of its paths (/openai, /openai/v1, /openai/deployments/NAME, " +
		"/anthropic): leave that out"
}

// azureBase is a host with a path.
func azureBase(u *url.URL, segments []string) *url.URL {
	base, err := url.Parse((&url.URL{Scheme: u.Scheme, Host: u.Host}).String() + "/" + strings.Join(segments, "/"))
	if err != nil {
		return &url.URL{Scheme: u.Scheme, Host: u.Host} // its parts came from a URL
	}
	return base
}

func joined(before []string, more ...string) []string { return append(slices.Clip(before), more...) }

// readOpenAI understands what follows /openai.
func (p *azurePlace) readOpenAI(u *url.URL, before, rest []string) string {
	dated := datedVersion.MatchString(p.version)
	classic := len(rest) > 0 && strings.EqualFold(rest[0], "deployments")
	switch {
	case len(rest) > 0 && strings.EqualFold(rest[0], "v1"):
		p.base = azureBase(u, joined(before, "openai", "v1"))
		return p.readV1(rest[1:])
	case classic && !dated:
		return "names a deployment, which is the classic API's way: give api_version, such as 2024-10-21, or leave what follows the host out " +
			"for the v1 API"
	case classic && len(rest) == 1:
		return "was understood as the classic API, and its deployment is missing: leave out what follows the host"
	case classic:
		p.deployment, _ = url.PathUnescape(rest[1]) // it came from a URL
		rest = rest[2:]
	case len(rest) > 0 && !dated:
		return "was understood as an endpoint of the classic API: give api_version, such as 2024-10-21, or leave what follows the host out " +
			"for the v1 API"
	}
	if !isEndpoint(rest) {
		return "was understood as the classic API, and what follows in its path as none of its endpoints: leave out what follows the host"
	}
	if !dated {
		p.base = azureBase(u, joined(before, "openai", "v1"))
		return ""
	}
	p.base, p.form = azureBase(u, joined(before, "openai")), provider.AzureClassic
	return ""
}

// readV1 understands what follows /openai/v1.
func (p *azurePlace) readV1(rest []string) string {
	switch {
	case !isEndpoint(rest):
		return "was understood as the v1 API, and what follows in its path as none of its endpoints: leave that out"
	case datedVersion.MatchString(p.version):
		return "was understood as the v1 API, which has no api-version with a date: leave out either that or the /v1"
	}
	return ""
}

// readAnthropic understands what follows /anthropic.
func (p *azurePlace) readAnthropic(u *url.URL, before, rest []string) string {
	if len(rest) > 0 && strings.EqualFold(rest[0], "v1") {
		rest = rest[1:]
	}
	switch {
	case !isEndpoint(rest):
		return "was understood as Claude on Foundry, and what follows in its path as none of its endpoints: leave out what follows /anthropic"
	case p.version != "":
		return "was understood as Claude on Foundry, which has no api-version: leave that out"
	}
	p.base, p.form = azureBase(u, joined(before, "anthropic", "v1")), provider.AzureAnthropic
	return ""
}

// isEndpoint reports whether a path is empty, or one that documentation has behind a base URL.
func isEndpoint(path []string) bool {
	return len(path) == 0 || slices.Contains(append([]string{"/images/edits", "/audio/translations", "/realtime"}, pastedEndpoints...),
		strings.ToLower("/"+strings.Join(path, "/")))
}

// azure finds a resource and who asks it.
func (l *loader) azure(c *channelDraft, at place) {
	c.Official = true // whichever way leads there, it is Azure's API and none that is compatible
	if c.baseURL == nil {
		l.missing(at, "base_url", "missing: "+azureEndpoint)
		return
	}
	c.Timeouts.StreamHeader = 0
	s, ok := l.scalar(*c.baseURL)
	if !ok {
		return
	}
	if c.version != nil {
		l.report(c.version.place, "is not for Azure: api_version, a date, has the classic API, and without it the v1 API is asked")
	}
	if s.text == "" {
		l.report(s.place, "must not be empty: %s", azureEndpoint)
		return
	}
	p, message := readAzure(s.text, c.apiVersion.text)
	if message != "" {
		l.report(s.place, "%s", message)
		return
	}
	c.BaseURL, c.Form, c.APIVersion = p.base, p.form, p.version
	if p.deployment != "" {
		l.deployment(c, p.deployment, s.place)
	}
	l.azureCredential(c, at)
}

// deployment is for one that the address names: it is what the channel serves, if nothing else is said.
func (l *loader) deployment(c *channelDraft, name string, at place) {
	switch {
	case modelProblem(name) != "":
		l.report(at, "names a deployment that cannot be one")
	case len(c.models.items) == 0 && len(c.ModelMapping) == 0:
		c.models.items = []scalar{{text: name, place: at}}
	case !slices.ContainsFunc(c.models.items, func(s scalar) bool { return Match(s.text, name) }) && !isValue(c.ModelMapping, name):
		l.warn(at, "names a deployment that neither models nor model_mapping does: it is not asked")
	}
}

func isValue(of map[string]string, name string) bool {
	for _, value := range of {
		if value == name {
			return true
		}
	}
	return false
}

// azureCredential reads who asks: a key, or an application.
func (l *loader) azureCredential(c *channelDraft, at place) {
	e, given := c.entra, c.entra.tenant.text != "" && c.entra.clientID.text != "" && c.entra.clientSecret.text != ""
	_, shown := c.Headers["Authorization"]
	_, keyed := c.Headers["Api-Key"]
	switch {
	case given && (len(c.keys.items) > 0 || shown || keyed):
		l.report(e.tenant.place, "is there beside keys (or a header that shows one): Azure refuses both at once, so keep one of them")
	case given:
		c.Credential.Entra = l.entra(e, c.BaseURL.Hostname(), c.Form)
	case len(c.keys.items) == 0 && !c.keys.spoilt && !shown && !keyed && e.tenant.line+e.clientID.line+e.clientSecret.line == 0:
		l.missing(at, "keys", "missing: one of the resource's keys, or entra with tenant, client_id and client_secret in its place")
	}
}

// entra completes what the file says of an application with what follows from the host.
func (l *loader) entra(e entraDraft, host, form string) Entra {
	i, _ := azureOwn(host)
	if idForm.MatchString(e.clientSecret.text) {
		l.warn(e.clientSecret.place, "looks like the id of a secret: its value is meant, which the portal shows only once")
	}
	read := Entra{
		Tenant: e.tenant.text, ClientID: e.clientID.text, ClientSecret: e.clientSecret.text,
		Authority: azureHosts[i].authority, Scope: azureHosts[i].audience + "/.default",
	}
	if form == provider.AzureAnthropic {
		read.Scope = foundryAudience + "/.default"
	}
	if e.scope.text != "" {
		read.Scope = e.scope.text
	}
	if e.authority.text != "" {
		u, _ := plainURL(e.authority.text) // it has been judged
		read.Authority = strings.TrimRight(u.String(), "/")
		if u.Scheme == "http" && !IsLoopback(u.Hostname()) {
			l.warn(e.authority.place, "is not https: the application's secret goes there unencrypted")
		}
	}
	return read
}

// idForm is how ids are written, of which Entra shows one beside each secret.
var idForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// entraDraft is an application as the file has it.
type entraDraft struct {
	tenant, clientID, clientSecret, authority, scope scalar
}

// tenantForm is a tenant's id, or a domain of its.
var tenantForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,127}$`)

func tenantProblem(s scalar) string {
	switch {
	case slices.Contains([]string{"common", "organizations", "consumers"}, strings.ToLower(s.text)):
		return "must be the tenant of the application, by its id or a domain of its: an application asks for itself, and belongs to one"
	case !tenantForm.MatchString(s.text):
		return "must be a tenant's id or a domain of its, such as contoso.onmicrosoft.com"
	}
	return ""
}

func authorityProblem(s scalar) string {
	_, message := plainURL(s.text)
	return message
}

func secretProblem(s scalar) string {
	if s.text == "" {
		return emptyMessage
	}
	return cmp.Or(nameForKey(s.text), blemish(s.text))
}
