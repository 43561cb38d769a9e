package config

import (
	"cmp"
	"strings"
	"time"
)

// mostRetrySame is no less than what RETRY_TIMES may be, which bounds it.
const mostRetrySame = 100

// channelDraft is a channel as the file has it, before it is known what its keys mean together.
type channelDraft struct {
	Channel

	name, kind, baseURL, version *value
	api, proxy                   *value
	keys, models, groups         list

	apiVersion, project, location, credentialsFile scalar
	credentialsType                                CredentialKind
	entra                                          entraDraft
	region                                         scalar
}

// channelObject is a channel. Keys that only some providers have are refused for the others where they are read.
var channelObject = &object[channelDraft]{
	name: "channel", title: "A channel", about: "One upstream. `name` and `type` are needed; everything else has a default.",
	rules: channelRules(), others: otherWordsOfAChannel,
	keys: []key[channelDraft]{
		{
			name: "name", missing: isMissing, form: into(raw(nameOf.words, nameOf.accept...), func(c *channelDraft) **value { return &c.name }),
			about: "Unique: what logs, metrics and the drill-down call it. Up to 64 of the characters `A-Z a-z 0-9 . _ -`.",
		},
		{
			name: "type", missing: (*loader).missingType, form: into(raw("a [type](providers.md)", typeSchemas()...), func(c *channelDraft) **value { return &c.kind }),
			about: "Whose API it is. Any other server that speaks OpenAI's format is `openai` with a `base_url`, any that speaks Anthropic's `anthropic`.",
		},
		{
			name: "base_url", form: into(raw("a URL", baseURLSchemas...), func(c *channelDraft) **value { return &c.baseURL }), unset: "the provider's own",
			about: "Where the upstream is. It may end in `/v1` or not.",
		},
		{
			name: "version", form: into(raw(versions.words, versions.accept...), func(c *channelDraft) **value { return &c.version }), unset: "`v1`",
			about: "The version segment that is added to a `base_url` without one. `''`: the server has none.",
		},
		{
			name: "api", form: into(raw(apis.words, apis.accept...), func(c *channelDraft) **value { return &c.api }), fallback: "auto",
			about: "Which of OpenAI's formats its models are served on. `auto`: those that the provider is known to have. `responses` is for models that have nothing else: " +
				"chat completions and messages are converted to it.",
		},
		{
			name: "keys", form: into(upstreamKeys, func(c *channelDraft) *list { return &c.keys }),
			unset: "none, which is for a `base_url` of your own only (and for Ollama)",
			about: "The provider's keys, used in turn. One that is plainly refused rests; one that is over its rate cools down.",
		},
		{
			name: "api_version", form: into(noted(apiVersions), func(c *channelDraft) *scalar { return &c.apiVersion }), unset: "Azure's v1 API",
			about: "For `azure`: the date of the classic API, such as `2025-04-01-preview`, whose models are deployments in the path. Without it the v1 API is asked.",
		},
		{
			name: "entra", form: nested(entraObject, func(c *channelDraft) *entraDraft { return &c.entra }),
			about: "For `azure`: an application of Microsoft Entra's, whose tokens are shown in the place of a key.",
		},
		{
			name: "project", form: into(noted(projects), func(c *channelDraft) *scalar { return &c.project }), unset: "that of the `credentials_file`",
			about: "For `vertex`: the id of the project that is asked.",
		},
		{
			name: "location", form: into(noted(locations), func(c *channelDraft) *scalar { return &c.location }), unset: "`global`",
			about: "For `vertex`: `global`, `us`, `eu`, or a region.",
		},
		{
			name: "credentials_file", form: into(noted(paths), func(c *channelDraft) *scalar { return &c.credentialsFile }), unset: "the machine's metadata server is asked",
			about: "For `vertex`: a service account's JSON file, relative to this one. A changed file is loaded.",
		},
		{
			name: "credentials_type", form: into(oneOf(ServiceAccount, AuthorizedUser, ExternalAccount, Impersonated), func(c *channelDraft) *CredentialKind { return &c.credentialsType }), fallback: "service_account",
			about: "For `vertex`: what the `credentials_file` may be. The others than the default can have secrets sent to any address that they name: say so only of a file of which you know where it is from.",
		},
		{
			name: "region", form: into(noted(regions), func(c *channelDraft) *scalar { return &c.region }), unset: "`AWS_REGION`",
			about: "For `bedrock`: the region that is asked, such as `us-east-1`, and that requests are signed for.",
		},
		{
			name: "models", form: into(models, func(c *channelDraft) *list { return &c.models }), unset: "the provider's families; `*` if there is a `base_url`",
			about: "The models that it serves: names, or globs (`*` for any characters, `?` for one).",
		},
		{
			name: "model_mapping", form: form[channelDraft]{words: "a mapping of models", accept: modelMappingSchemas, read: func(l *loader, v value, c *channelDraft) { c.ModelMapping = l.modelMapping(v) }},
			about: "What the upstream is asked for (value) when a client asks for a model (key).",
		},
		{
			name: "groups", form: into(names, func(c *channelDraft) *list { return &c.groups }), fallback: "[default]",
			about: "Tokens of these groups reach it.",
		},
		{
			name: "priority", form: into(wholeNumber, func(c *channelDraft) *int { return &c.Priority }), fallback: "0",
			about: "Channels of a higher priority are tried first.",
		},
		{
			name: "weight", form: into(count, func(c *channelDraft) *int { return &c.Weight }), fallback: "1",
			about: "Its share among the channels of its priority. 0: only if there is no other.",
		},
		{
			name: "max_concurrent", form: into(count, func(c *channelDraft) *int { return &c.MaxConcurrent }), fallback: "0",
			about: "How many calls it takes at a time; the next channel is tried beyond that. 0: no bound.",
		},
		{
			name: "disabled", form: into(boolean, func(c *channelDraft) *bool { return &c.Disabled }), fallback: "false",
			about: "It gets no calls.",
		},
		{
			name: "proxy", form: into(raw("a URL, or `direct`", proxySchemas...), func(c *channelDraft) **value { return &c.proxy }),
			unset: "`RELAY_PROXY`, else `HTTPS_PROXY` and its like",
			about: "An HTTP, HTTPS or SOCKS5 proxy. `direct`: none, whatever `RELAY_PROXY` says.",
		},
		{
			name: "http", form: into(autoOr(HTTP1, HTTP2), func(c *channelDraft) *HTTP { return &c.HTTP }), fallback: "auto",
			about: "The version of HTTP that it is spoken to in. `auto`: what both sides agree on over TLS, else (or through a proxy that is reached over TLS) HTTP/1.1. `1`: HTTP/1.1, for a server or a load balancer whose HTTP/2 does badly. " +
				"`2`: HTTP/2, without TLS as well, where no HTTP proxy may be in between.",
		},
		{
			name: "headers", form: form[channelDraft]{words: "a mapping of headers", accept: headerSchemas, read: func(l *loader, v value, c *channelDraft) { c.Headers = l.headers(v) }},
			about: "Further request headers.",
		},
		{
			name: "timeouts", form: nested(timeoutsObject, func(c *channelDraft) *Timeouts { return &c.Timeouts }),
			about: "Its clocks, one for each phase of a call.",
		},
		{
			name: "propagate_trace", form: into(boolean, func(c *channelDraft) *bool { return &c.PropagateTrace }), fallback: "false",
			about: "The upstream is sent the W3C trace context (`traceparent`).",
		},
		{
			name: "resume", form: into(oneOf(ResumeOn, ResumeOff, ResumePrefix, ResumeContinueFinal), func(c *channelDraft) *Resume { return &c.Resume }),
			unset: "it finishes streams of a channel that says `true`",
			about: "Mid-stream rescue. `true`: its broken streams are finished elsewhere, and it finishes others'. `false`: neither. " +
				"`prefix` (DeepSeek, Mistral) and `continue_final_message` (vLLM, SGLang): `true`, for servers that want to be told so.",
		},
		{
			name: "retry_same", form: into(countTo(mostRetrySame), func(c *channelDraft) *int { return &c.RetrySame }), fallback: "0",
			about: "How often it is tried again before another channel is, for the sake of its prompt cache. Counted in `RETRY_TIMES`.",
		},
		{
			name: "discount", form: into(share, func(c *channelDraft) **int64 { return &c.Discount }), unset: "1.0",
			about: "The part of the list price that you pay its provider, such as `0.8`. What a provider says itself that a call cost is taken as it is.",
		},
		{
			name: "stream_usage", form: into(autoOr(StreamUsageAsk, StreamUsageNever), func(c *channelDraft) *StreamUsage { return &c.StreamUsage }), fallback: "auto",
			about: "Whether the usage of a stream is asked for if its client does not ask (and is not shown it then). `auto`: unless the provider tells it unasked. " +
				"A server that refuses the question with a 400 or 422 gets the call once more without it, and is not asked again until the next reload.",
		},
	},
}

// entraObject is an application of Azure's directory.
var entraObject = &object[entraDraft]{
	name: "entra", title: "`entra` of a channel", about: "An application (client credentials) with a role on the resource, such as Cognitive Services OpenAI User. Its token is renewed before it expires.",
	others: otherWordsOfEntra,
	keys: []key[entraDraft]{
		{
			name: "tenant", missing: isMissing, form: into(noted(text("a tenant", tenantSchemas, tenantProblem)), func(e *entraDraft) *scalar { return &e.tenant }),
			about: "The directory's id, or a domain of its.",
		},
		{
			name: "client_id", missing: isMissing, form: into(noted(text("an id", secretSchemas, secretProblem)), func(e *entraDraft) *scalar { return &e.clientID }),
			about: "The application's id.",
		},
		{
			name: "client_secret", missing: isMissing, form: into(noted(text("a secret", secretSchemas, secretProblem)), func(e *entraDraft) *scalar { return &e.clientSecret }),
			about: "A secret of the application's: its value, not its id.",
		},
		{
			name: "authority", form: into(noted(text("a URL", baseURLSchemas, authorityProblem)), func(e *entraDraft) *scalar { return &e.authority }), unset: "Microsoft's, by the cloud of the `base_url`",
			about: "Where tokens come from.",
		},
		{
			name: "scope", form: into(noted(text("a scope", secretSchemas, secretProblem)), func(e *entraDraft) *scalar { return &e.scope }), unset: "that of the API, by the `base_url`",
			about: "What tokens are asked for, such as `https://cognitiveservices.azure.com/.default`.",
		},
	},
}

// timeoutsObject is a channel's clocks. Those without a default of their own have the environment's.
var timeoutsObject = &object[Timeouts]{
	name: "timeouts", title: "`timeouts` of a channel", about: "Durations are Go's (`90s`, `15m`) or bare seconds. `0` is no clock.",
	keys: []key[Timeouts]{
		{
			name: "connect", form: into(moreThanNo, func(t *Timeouts) *time.Duration { return &t.Connect }), fallback: "10s",
			about: "DNS, dial, proxy and TLS. It cannot be 0.",
		},
		{
			// A stream's own shorter wait is not for a channel of which it has been said how long its header may take.
			name: "header", form: into(anyDuration, func(t *Timeouts) *time.Duration { return &t.Header }).also(func(t *Timeouts) { t.StreamHeader = 0 }), unset: "`RELAY_TIMEOUT`",
			about: "Until the response header; the whole of an answer that is not a stream.",
		},
		{
			name: "first_token", form: into(anyDuration, func(t *Timeouts) *time.Duration { return &t.FirstToken }), unset: "`FIRST_TOKEN_TIMEOUT`",
			about: "A stream's wait from the call to its first content: text, reasoning, a piece of a tool call. Pings and comments do not count, except for models that hide their reasoning.",
		},
		{
			name: "idle", form: into(anyDuration, func(t *Timeouts) *time.Duration { return &t.Idle }), unset: "`STREAMING_TIMEOUT`",
			about: "Silence inside a stream: no whole event, comment or ping. Comments, pings and events without content (after eight in a row) keep it open for `header` at the most. " +
				"Once every choice has its end reason, 5 s without more complete it.",
		},
		{
			name: "total", form: into(anyDuration, func(t *Timeouts) *time.Duration { return &t.Total }), fallback: "0s",
			about: "The whole call. A healthy stream is never cut unless you set it.",
		},
	},
}

// The kinds that need a word of their own.
var (
	nameOf   = text("a name", nameSchemas, func(s scalar) string { return nameProblem(s.text) })
	versions = text("a version, or nothing", versionSchemas, func(s scalar) string {
		if s.text != "" && !versionForm.MatchString(s.text) {
			return "must be the version segment of the API's path, such as v1, or '' if it has none " + s.got()
		}
		return ""
	})
	regions     = text("a region", regionSchemas, regionProblem)
	apiVersions = text("a date", apiVersionSchemas, func(s scalar) string {
		if message := apiVersionProblem(s.text); message != "" {
			return message + " " + s.got()
		}
		return ""
	})
	projects  = text("a project's id", projectSchemas, projectProblem)
	locations = text("a location", locationSchemas, locationProblem)
	paths     = text("a path", secretSchemas, func(s scalar) string {
		if s.text == "" {
			return emptyMessage
		}
		return ""
	})
	names  = listOf("a list of names", nameSchemas, nameProblem)
	models = kind[list]{"a list of models", listSchemas(modelSchemas), func(l *loader, v value) (list, bool) {
		read := list{items: l.texts(v, modelProblem)}
		l.oddGlobs(read.items)
		return read, true
	}}
	upstreamKeys = listOf("a list of keys", upstreamKeySchemas, func(key string) string { return cmp.Or(nameForKey(key), upstreamKeyProblem(key)) })
	apis         = autoOr(APIChat, APIResponses)
)

func (l *loader) missingType() string {
	return "missing (known: " + strings.Join(l.types(), ", ") + ")"
}
