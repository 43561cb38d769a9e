package config

import (
	"net/netip"
	"net/url"
	"slices"
	"time"

	"one-api/relay/provider"
)

// Variable is an environment variable that this program or one of its libraries reads, as data: the settings are read by it, and
// --help and docs/configuration.md are made from it. A new one is an entry here, and whoever reads the setting.
type Variable struct {
	Name    string
	Default string // what an unset one is read as; "": nothing
	Unset   string // what that comes to, if it is no value of its own; "": Default
	Help    string // one line of plain text, with ` around code
	More    string // Markdown: what the documentation says besides
	OneAPI  bool   // one-api or one of its forks has it as well
	form    variableForm
}

// Kind is what its values are, in words.
func (v *Variable) Kind() string { return v.form.words }

// IfUnset is what it comes to if it is not set; "": nothing.
func (v *Variable) IfUnset() string {
	if v.Unset != "" {
		return v.Unset
	}
	return v.Default
}

// Variables is all of them but OpenTelemetry's (telemetry/otelenv), in the order of --help. Each may also be given as NAME_FILE.
var Variables = withKeys([]Variable{
	{
		Name: "PORT", Default: "3000", OneAPI: true, form: kept(numberFrom(0, 65535), func(s *Settings) *int { return &s.Port }),
		Help: "the port to listen on; 0: any free one",
	},
	{
		Name: "CONFIG_FILE", Unset: "./channels.yaml, if it exists", form: readElsewhere("a path"),
		Help: "the configuration file",
	},
	{
		Name: "INITIAL_ROOT_TOKEN", OneAPI: true, form: kept(plainText("a key"), func(s *Settings) *string { return &s.InitialRootToken }), // Load judges it beside the other client keys
		Help: "a client key for every group and model; with no token at all one is made and printed",
	},
	{
		Name: "RELAY_TIMEOUT", Default: "900s", OneAPI: true, form: kept(aDuration, func(s *Settings) *time.Duration { return &s.Timeouts.Header }),
		Help: "wait for the response header, and the whole of an answer that is not a stream",
	},
	{
		Name: "STREAM_HEADER_TIMEOUT", Default: "90s", form: kept(aDuration, func(s *Settings) *time.Duration { return &s.Timeouts.StreamHeader }),
		Help: "a stream's wait for the response header at a provider's own host, while another healthy channel is left; 0: off",
		More: "Not for channels with `timeouts.header` or a `base_url`.",
	},
	{
		Name: "STREAMING_TIMEOUT", Default: "300s", OneAPI: true, form: kept(aDuration, func(s *Settings) *time.Duration { return &s.Timeouts.Idle }),
		Help: "silence inside a stream: no whole event, comment or ping",
	},
	{
		Name: "FIRST_TOKEN_TIMEOUT", Default: "0", form: kept(aDuration, func(s *Settings) *time.Duration { return &s.Timeouts.FirstToken }),
		Help: "wait for a stream's first content; 0: off",
	},
	{
		Name: "CLIENT_WRITE_TIMEOUT", Default: "30s", form: kept(aDuration, func(s *Settings) *time.Duration { return &s.ClientWriteTimeout }),
		Help: "a client that reads nothing; one that reads slowly but steadily is served to the end",
	},
	{
		Name: "KEEPALIVE_INTERVAL", Default: "15s", form: kept(aDuration, func(s *Settings) *time.Duration { return &s.KeepAlive }),
		Help: "silence after which a streaming client gets a `: ping` comment; 0: never",
	},
	{
		Name: "CLIENT_GONE_DRAIN", Default: "0", form: kept(aDuration, func(s *Settings) *time.Duration { return &s.DrainClientGone }),
		Help: "how long an upstream is still read after its client left, for the usage that it reports; 0: it is cancelled at once",
	},
	{
		Name: "RETRY_TIMES", Default: "3", OneAPI: true, form: kept(numberFrom(0, 100), func(s *Settings) *int { return &s.RetryTimes }),
		Help: "further attempts",
	},
	{
		Name: "RELAY_PROXY", OneAPI: true, form: kept(aProxy, func(s *Settings) **url.URL { return &s.RelayProxy }),
		Help: "proxy for channels without one of their own; `proxy: direct`, NO_PROXY and loopback go without",
	},
	{Name: "HTTP_PROXY", form: judged("a URL", checkProxy), Help: "the proxy for http:// where RELAY_PROXY is not set"},
	{Name: "HTTPS_PROXY", form: judged("a URL", checkProxy), Help: "the proxy for https:// where RELAY_PROXY is not set"},
	{
		Name: "NO_PROXY", form: kept(plainText("hosts, domains and networks"), func(s *Settings) *string { return &s.NoProxy }).warns(checkNoProxy),
		Help: "what is reached without RELAY_PROXY, HTTP_PROXY and HTTPS_PROXY",
	},
	{
		Name: "MAX_REQUEST_BODY_MB", Default: "64", form: kept(megabytes, func(s *Settings) *int64 { return &s.MaxRequestBody }),
		Help: "the largest request body",
	},
	{
		Name: "MAX_BUFFERED_MB", Unset: "1024, or half of GOMEMLIMIT", form: kept(megabytes, func(s *Settings) *int64 { return &s.MaxBuffered }),
		Help: "what all large requests, answers and events may hold together",
	},
	{
		Name: "MAX_SPOOL_MB", Default: "4096", form: kept(megabytes, func(s *Settings) *int64 { return &s.MaxSpool }),
		Help: "what all uploads larger than 1 MiB may hold on disk together, in the directory for temporary files (`TMPDIR`)",
		More: "Uploads are multipart bodies: pictures to be edited, sound to be written down. A directory that cannot be written leaves them in memory, within `MAX_BUFFERED_MB`.",
	},
	{
		Name: "MAX_CLIENT_CONNECTIONS", Unset: "40 % of the descriptor limit", form: kept(numberFrom(1, maxCount), func(s *Settings) *int { return &s.MaxClientConnections }),
		Help: "at the bound the longest idle connections close first, then new ones get 503",
		More: "But for eight of this machine or a private network at a time, which may ask `/api/status` and `/api/monitor/health`. Near the bound no public address outside " +
			"`TRUSTED_PROXIES` holds more than a quarter. More than 4096 idle ones are never kept. Of the descriptors 80 % are used, half of those for upstreams; a line at the start says the number.",
	},
	{
		Name: "SHUTDOWN_TIMEOUT", Default: "60s", form: kept(aDuration, func(s *Settings) *time.Duration { return &s.ShutdownTimeout }),
		Help: "how long calls may take to end after SIGTERM",
	},
	{
		Name: "ADMIN_TOKEN", form: kept(aSecret, func(s *Settings) *string { return &s.AdminToken }),
		Help: "opens the admin endpoints; without it there are none",
	},
	{
		Name: "MONITOR_TOKEN", form: kept(aSecret, func(s *Settings) *string { return &s.MonitorToken }),
		Help: "opens the monitor endpoints; without it they answer this machine and MONITOR_ALLOW_CIDR",
	},
	{
		Name: "MONITOR_ALLOW_CIDR", form: kept(networks, func(s *Settings) *[]netip.Prefix { return &s.MonitorAllow }),
		Help: "networks that may look without a token",
	},
	{
		Name: "PUBLIC_HEALTH", Default: "true", form: kept(trueOrFalse, func(s *Settings) *bool { return &s.PublicHealth }),
		Help: "false: /api/monitor/health is behind the same door",
	},
	{
		Name: "TOKEN_DIR", form: readElsewhere("a directory"),
		Help: "where ADMIN_TOKEN and MONITOR_TOKEN are made and kept if they are not set, as is the client key if no token is configured",
		More: "Both are said once in the log, and by `one-api tokens`; the client key at every start. Telemetry's `service.instance.id` is kept there, too.",
	},
	{
		Name: "SQL_DSN", Unset: "SQLite", OneAPI: true, form: kept(hiddenText("a database"), func(s *Settings) *string { return &s.SQLDSN }), // relay/store judges it
		Help: "where requests and what they cost are remembered: postgres://USER:PASSWORD@HOST/DATABASE; off: nowhere",
		More: "No request waits for it: see [ledger.md](ledger.md).",
	},
	{
		Name: "SQLITE_PATH", Default: "one-api-ledger.db", OneAPI: true, form: kept(plainText("a path"), func(s *Settings) *string { return &s.SQLitePath }),
		Help: "SQLite's file, where SQL_DSN names no other database",
		More: "Not the file of one-api itself, which the relay refuses to write.",
	},
	{
		Name: "LEDGER_SPILL_DIR", Unset: "beside SQLite's file, else TMPDIR", form: kept(plainText("a directory"), func(s *Settings) *string { return &s.LedgerSpillDir }),
		Help: "where records wait that the database does not take",
	},
	{
		Name: "USAGE_RETENTION_DAYS", Default: "30,400", form: kept(retention, func(s *Settings) *Retention { return &s.Retention }),
		Help: "how many days requests are kept, and how many days daily sums; 0: for ever",
		More: "One number is for the requests alone.",
	},
	{
		Name: "USER_HASH_KEY", Unset: "a key that follows from a channel's first one, or from what it has instead", form: kept(aSecret, func(s *Settings) *string { return &s.UserHashKey }),
		Help: "with which pseudonyms are made of end users (`user`, `metadata.user_id`) whom a provider would refuse: too long, or an address",
		More: "Only where a call is converted. What providers sign for a conversation's next turn is sealed with it as well. A channel without " +
			"keys has its service account's, its application's or its access key's secret, or else another channel's or a token's; where there is " +
			"none of all that, such users are not named.",
	},
	{
		Name: "TRUSTED_PROXIES", form: kept(networks, func(s *Settings) *[]netip.Prefix { return &s.TrustedProxies }),
		Help: "networks whose X-Forwarded-For is believed, for slowing down guessers and for logs; never for who may look",
	},
	{
		Name: "PUBLISHED_PORT", Unset: "PORT", form: judged("a port", checkPort),
		Help: "the port that the printed curl lines name, if another one leads to this process",
	},
	{
		Name: "GRAFANA_URL", form: kept(aWebAddress, func(s *Settings) *string { return &s.GrafanaURL }),
		Help: "where a browser finds Grafana: the operator's page links to it",
	},
	{
		Name: "UPTIME_KUMA_URL", form: kept(aWebAddress, func(s *Settings) *string { return &s.KumaURL }),
		Help: "where a browser finds Uptime Kuma: the operator's page links to it",
	},
	{
		Name: "METRICS_MAX_MODEL_LABELS", Default: "500", form: kept(numberFrom(1, 100000), func(s *Settings) *int { return &s.MaxModelLabels }),
		Help: "(channel, model) pairs that telemetry tells apart beside those that the file names; the rest is _other",
	},
	{
		Name: "DEBUG", Default: "false", OneAPI: true, form: kept(trueOrFalse, func(s *Settings) *bool { return &s.Debug }),
		Help: "more in the log",
	},
	{
		Name: "GIN_MODE", Default: "release", OneAPI: true, form: kept(wordOf("release", "debug", "test"), func(s *Settings) *string { return &s.GinMode }),
		Help: "the mode of the HTTP framework",
	},
	{Name: "TZ", Default: "UTC", OneAPI: true, form: readElsewhere("a time zone").warns(checkZone), Help: "the log's time zone"},
	{Name: "POD_NAME", Unset: "the host's name", form: readElsewhere("text"), Help: "the pod's name in Kubernetes, for telemetry, as are the four below (or K8S_POD_NAME)"},
	{Name: "POD_UID", form: readElsewhere("text"), Help: "the pod's UID (or K8S_POD_UID)"},
	{Name: "POD_NAMESPACE", Unset: "the service account's", form: readElsewhere("text"), Help: "the pod's namespace (or K8S_NAMESPACE)"},
	{Name: "NODE_NAME", form: readElsewhere("text"), Help: "the node's name (or K8S_NODE_NAME)"},
	{Name: "CONTAINER_NAME", form: readElsewhere("text"), Help: "the container's name (or K8S_CONTAINER_NAME)"},
	{Name: "GCE_METADATA_HOST", Unset: "Google's", form: readElsewhere("a host"), Help: "the metadata server that Vertex AI's channels without a credentials_file get their tokens from"},
	{Name: "GOGC", form: readElsewhere("a percentage, or off").warns(checkGC), Help: "Go's garbage collection, where the relay's own goal is not wanted"},
	{Name: "GOMEMLIMIT", Unset: "90 % of the container's", form: readElsewhere("a size"), Help: "Go's memory limit, such as 2GiB or 900MiB: Go itself ends the program at the start if it has another form"},
})

// withKeys adds the variables with which providers' keys make channels, behind that of the file that they stand in for.
func withKeys(others []Variable) []Variable {
	var keys []Variable
	for _, p := range provider.All() {
		for i, name := range p.KeyVariables {
			help := "without a file: makes a channel of type " + p.Type
			if i > 0 {
				help += ", where " + p.KeyVariables[0] + " is not set"
			}
			keys = append(keys, Variable{Name: name, Help: help, form: variableForm{words: "a key", ofChannels: true}})
		}
		for _, v := range p.Account {
			keys = append(keys, Variable{Name: v.Name, Help: v.Help, form: variableForm{words: v.Is, ofChannels: true}})
		}
	}
	at := 1 + slices.IndexFunc(others, func(v Variable) bool { return v.Name == "CONFIG_FILE" })
	return slices.Insert(others, at, keys...)
}
