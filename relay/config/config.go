// Package config turns channels.yaml and the environment into one validated Config. It reads and checks; it never logs, never
// prints and never dials.
package config

import (
	"crypto/sha256"
	"net/netip"
	"net/url"
	"time"

	"golang.org/x/net/http/httpproxy"

	"one-api/relay/provider"
	"one-api/relay/secret"
)

// Config is what the relay serves: its upstreams and its clients. It is plain data and never changed after Load, so a reload
// can tell by reflect.DeepEqual whether anything changed (Warnings carry line numbers: a moved line with a warning is a change).
type Config struct {
	Path     string   // the file it came from, as it was named; "" when it came from the environment alone
	EnvFile  string   // what env_file names, as it can be opened; "": nothing
	Files    []string // that channels name: credentials
	Channels []Channel
	Tokens   []Token // never empty
	// ContextFallback is the larger model (value) that is asked where a request is longer than a model's context (key). It has no
	// circles. nil: none.
	ContextFallback map[string]string
	// Prices are the operator's own, of which the first that a model matches applies. Groups is what is said of groups, by name; nil: nothing.
	Prices []Price
	Groups map[string]Group
	// Owners is what is said of owners of tokens, by name; nil: nothing.
	Owners map[string]Owner
	// Limits and Budget are for all clients together.
	Limits Limits
	Budget Budget
	// GeneratedToken is the client key that was made because none is configured; "" otherwise. Whoever starts the process
	// prints it once.
	GeneratedToken string
	// Warnings are rendered like Problems, and free of secrets.
	Warnings []string
}

// Channel is one upstream.
type Channel struct {
	Name string // unique; ^[A-Za-z0-9._-]{1,64}$
	Type string // a key of Source.Providers
	// BaseURL has no trailing slash and, unless the server has none, a version segment (https://api.openai.com/v1, …/api/paas/v4,
	// …/v1beta/openai); an endpoint's path is joined to it without its own /v1. nil for Demo only.
	BaseURL  *url.URL
	Official bool // no base_url, or the provider's own spelt out: the provider itself answers
	Demo     bool // the built-in channel, answered in-process
	// Keys may be empty where the channel is not Official: then no credentials are sent.
	Keys   []string
	Models []string // names and globs, see Match; never empty
	// ModelMapping says what the upstream is asked for (value) when a client asks for a model (key). nil: none.
	ModelMapping  map[string]string
	Groups        []string // never empty
	Priority      int      // higher first
	Weight        int      // 0 … 1e9, share within one priority
	MaxConcurrent int      // 0: no bound
	RetrySame     int      // 0 … 100: how often it is tried again before another channel is
	Disabled      bool
	// Proxy is http, https, socks5 or socks5h: the channel's own, or RELAY_PROXY unless NO_PROXY or loopback excepts its host.
	// nil: the process environment's proxy, or none if the channel is Direct.
	Proxy      *url.URL
	Direct     bool
	TokenProxy TokenProxy
	HTTP       HTTP
	Headers    map[string]string // extra request headers under their canonical names (net/http.CanonicalHeaderKey); nil: none
	Timeouts   Timeouts
	// PropagateTrace says that the upstream is sent the W3C trace context. It is not by default: who runs the upstream need not
	// know which calls belong together.
	PropagateTrace bool
	Resume         Resume
	StreamUsage    StreamUsage
	API            API
	// APIVersion is the date of Azure's classic API, or preview for its v1 API; "" for all others.
	APIVersion string
	// Form is a key of Source.Providers in place of Type, if the type has several APIs and the address or another key says which; "": Type.
	Form string
	// Project and Location are whose Vertex AI is asked, and where.
	Project, Location string
	Credential        Credential
	Region            string // AWS's, for bedrock
	// UserHashKey is USER_HASH_KEY or, for a channel that has no secret of its own, one that follows from another's; "": there is none
	// (see Secret).
	UserHashKey string
	// Kin is the keys, by Secret, of all channels to whoever answers on this one, if they are not all the same; nil: they are.
	Kin []secret.Key
	// Discount is the part of the list price that is paid, in millionths; nil: all of it.
	Discount *int64
}

// TokenProxy is RELAY_PROXY for a channel without a proxy of its own that has its tokens fetched, and whom NO_PROXY excepts: whoever gives
// them out is at another host than the one that Channel.Proxy is for. nil: there is none.
type TokenProxy struct {
	Relay *url.URL
	Not   string
}

// For is the proxy on the way to an address; nil: there is none.
func (p TokenProxy) For(at *url.URL) (*url.URL, error) {
	if p.Relay == nil {
		return nil, nil
	}
	through := httpproxy.Config{HTTPProxy: p.Relay.String(), HTTPSProxy: p.Relay.String(), NoProxy: p.Not}
	return through.ProxyFunc()(at)
}

// Share is the part of the list price that is paid, in millionths.
func (c *Channel) Share() int64 {
	if c.Discount == nil {
		return million
	}
	return *c.Discount
}

// API is which of OpenAI's formats a channel's models are served on (the channel option api).
type API string

// The APIs.
const (
	APIAuto      API = ""          // those that the provider is known to have
	APIChat      API = "chat"      // chat completions only
	APIResponses API = "responses" // the Responses API: chat completions are converted to it
)

// HTTP is the version of HTTP that a channel's upstream is spoken to in (the channel option http).
type HTTP string

// The versions.
const (
	HTTPAuto HTTP = ""  // over TLS what the two agree on, else 1.1
	HTTP1    HTTP = "1" // HTTP/1.1
	HTTP2    HTTP = "2" // HTTP/2, without TLS as well ("prior knowledge", RFC 9113, section 3.3)
)

// StreamUsage is whether an upstream is asked for the usage of streams whose clients do not ask for it (the channel option
// stream_usage).
type StreamUsage string

// The ways.
const (
	StreamUsageAuto  StreamUsage = ""      // it is, unless the provider is known to tell it unasked
	StreamUsageAsk   StreamUsage = "ask"   // it is
	StreamUsageNever StreamUsage = "never" // it is not
)

// Resume is a channel's part in the rescue of streams that break off (the channel option resume).
type Resume string

// The parts.
const (
	ResumeUnsaid Resume = ""      // it finishes a stream of a channel that takes part, where it can be trusted to continue one
	ResumeOff    Resume = "false" // neither are its streams finished elsewhere nor does it finish others'
	ResumeOn     Resume = "true"  // both; an assistant's message at the end of a call is continued without being told
	// ResumePrefix is ResumeOn for a server that continues a message with "prefix": true in it (DeepSeek, Mistral).
	ResumePrefix Resume = "prefix"
	// ResumeContinueFinal is ResumeOn for a server that has to be told continue_final_message (vLLM, SGLang).
	ResumeContinueFinal Resume = "continue_final_message"
)

// Timeouts are the clocks of an upstream call, one a phase. 0: no clock.
type Timeouts struct {
	Connect time.Duration // DNS, dial, proxy and TLS. Never 0 where the file gives it
	Header  time.Duration // until the response header, and for the whole of an answer that is not a stream
	// StreamHeader is STREAM_HEADER_TIMEOUT, where the provider's own host is asked and the file gives no Header: for streams,
	// while another channel is left.
	StreamHeader time.Duration
	FirstToken   time.Duration // until the first content of a stream
	Idle         time.Duration // silence inside a stream
	Total        time.Duration // the whole call
}

// Token is one client key with what it may use.
type Token struct {
	Name string // unique; the syntax of a channel's
	// Digests are the SHA-256 sums of every spelling of the key that is accepted: the key, and "sk-"+key where the key does
	// not start so (one-api stored its keys without that prefix). One for a key_sha256.
	Digests   [][sha256.Size]byte
	Groups    []string // empty with AllGroups
	AllGroups bool
	Models    []string // names and globs, see Match; empty: every model of its groups
	Disabled  bool
	Expires   time.Time      // from when on it is good for nothing; zero: never
	AllowFrom []netip.Prefix // of whose addresses it may be used, as Settings.MonitorAllow; nil: of any
	// Former is the digest of a key that was replaced, and works until FormerUntil; nil: none was.
	Former      *digest
	FormerUntil time.Time
	// ForeignIDs says that it may name what an upstream keeps and the relay does not know to be its own (previous_response_id, files).
	ForeignIDs bool
	Limits     Limits
	Budget     Budget
	ShowCost   bool // whole answers say what they cost
	Unpriced   Unpriced
	Owner      string // whose it is, for people; "": nobody has said
}

// Unpriced is what becomes of a token's calls for models whose price nobody knows (the token option unpriced).
type Unpriced string

// What becomes of them.
const (
	UnpricedUnsaid Unpriced = "" // they are refused if a budget counts for the token, and go through otherwise
	UnpricedAllow  Unpriced = "allow"
	UnpricedRefuse Unpriced = "refuse"
)

// Provider is what a channel's type adds where the file is silent.
type Provider = provider.Provider

// Source says where a configuration comes from.
type Source struct {
	// File is --config or CONFIG_FILE and has to exist; "": channels.yaml in the working directory, if it exists.
	File      string
	Env       func(string) (string, bool)  // nil: os.LookupEnv
	Names     func() []string              // of all variables that are set, among which misspelt ones are looked for; nil: none are
	Providers map[string]Provider          // by type
	ReadFile  func(string) ([]byte, error) // nil: the file system
	// Generated is the GeneratedToken of this process's earlier Load, which a reload keeps; "": a new one is made if needed.
	Generated string
}
