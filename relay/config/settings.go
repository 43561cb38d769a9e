package config

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// Settings are what only the environment says. Each variable is read from NAME or, where that is unset or empty, from the file
// that NAME_FILE names. Durations are seconds ("900", "0.5") or Go durations ("90s", "2m").
type Settings struct {
	Port               int            // PORT; 0: any free port
	RetryTimes         int            // RETRY_TIMES: attempts after the first, 0 … 100
	RelayProxy         *url.URL       // RELAY_PROXY; nil: the process environment's proxy
	NoProxy            string         // NO_PROXY, else no_proxy: what RELAY_PROXY is not for
	Debug              bool           // DEBUG
	GinMode            string         // GIN_MODE: debug, release or test
	KeepAlive          time.Duration  // KEEPALIVE_INTERVAL: silence before a ": ping"; 0: none is sent
	ClientWriteTimeout time.Duration  // CLIENT_WRITE_TIMEOUT; 0: no clock
	MaxRequestBody     int64          // MAX_REQUEST_BODY_MB, in bytes
	MaxBuffered        int64          // MAX_BUFFERED_MB, in bytes: what all large bodies may hold together
	ShutdownTimeout    time.Duration  // SHUTDOWN_TIMEOUT
	AdminToken         string         // ADMIN_TOKEN; "": there are no admin endpoints
	MonitorToken       string         // MONITOR_TOKEN; "": loopback and MonitorAllow only
	MonitorAllow       []netip.Prefix // MONITOR_ALLOW_CIDR, masked; IPv4 never as IPv4-in-IPv6
	PublicHealth       bool           // PUBLIC_HEALTH
	TrustedProxies     []netip.Prefix // TRUSTED_PROXIES: whose X-Forwarded-For is believed; as MonitorAllow
	// MaxClientConnections is MAX_CLIENT_CONNECTIONS; 0: as many as the descriptor limit leaves room for.
	MaxClientConnections int
	// DrainClientGone is CLIENT_GONE_DRAIN: how long an upstream is still read, for its usage, after its client left.
	// 0: it is cancelled at once.
	DrainClientGone time.Duration
	Timeouts        Timeouts // what channels get where the file is silent: RELAY_TIMEOUT, FIRST_TOKEN_TIMEOUT, STREAMING_TIMEOUT
	// MaxModelLabels is METRICS_MAX_MODEL_LABELS: how many (channel, model) pairs telemetry tells apart, 1 … 100000.
	MaxModelLabels   int
	UserHashKey      string // USER_HASH_KEY: with which pseudonyms of end users are made; "": with a channel's first key
	InitialRootToken string // INITIAL_ROOT_TOKEN: the key of the token "root"; "": there is none
}

const (
	defaultConnectTimeout = 10 * time.Second
	maxBodyMB             = 1 << 20 // a terabyte: keeps the byte count far from overflow
)

// LoadSettings reads the environment. Its error is a Problems.
func LoadSettings(source Source) (Settings, error) {
	r := &settingsReader{env: source.environment()}
	s := Settings{
		Port:                 r.integer("PORT", 3000, 0, 65535),
		RetryTimes:           r.integer("RETRY_TIMES", 3, 0, 100),
		RelayProxy:           r.proxy("RELAY_PROXY"),
		NoProxy:              cmp.Or(r.text("NO_PROXY").text, r.text("no_proxy").text),
		Debug:                r.boolean("DEBUG", false),
		GinMode:              r.oneOf("GIN_MODE", "release", "debug", "test"),
		KeepAlive:            r.duration("KEEPALIVE_INTERVAL", 15*time.Second),
		ClientWriteTimeout:   r.duration("CLIENT_WRITE_TIMEOUT", 30*time.Second),
		MaxRequestBody:       r.megabytes("MAX_REQUEST_BODY_MB", 64<<20),
		MaxBuffered:          r.megabytes("MAX_BUFFERED_MB", defaultBuffered()),
		ShutdownTimeout:      r.duration("SHUTDOWN_TIMEOUT", time.Minute),
		AdminToken:           r.secret("ADMIN_TOKEN"),
		MonitorToken:         r.secret("MONITOR_TOKEN"),
		MonitorAllow:         r.prefixes("MONITOR_ALLOW_CIDR"),
		PublicHealth:         r.boolean("PUBLIC_HEALTH", true),
		TrustedProxies:       r.prefixes("TRUSTED_PROXIES"),
		MaxClientConnections: r.count("MAX_CLIENT_CONNECTIONS"),
		DrainClientGone:      r.duration("CLIENT_GONE_DRAIN", 0),
		Timeouts: Timeouts{
			Connect:      defaultConnectTimeout,
			Header:       r.duration("RELAY_TIMEOUT", 15*time.Minute),
			StreamHeader: r.duration("STREAM_HEADER_TIMEOUT", 90*time.Second),
			FirstToken:   r.duration("FIRST_TOKEN_TIMEOUT", 0),
			Idle:         r.duration("STREAMING_TIMEOUT", 5*time.Minute),
		},
		MaxModelLabels:   r.integer("METRICS_MAX_MODEL_LABELS", 500, 1, 100000),
		UserHashKey:      r.secret("USER_HASH_KEY"),
		InitialRootToken: r.text("INITIAL_ROOT_TOKEN").text, // Load judges it beside the other client keys
	}
	r.judge()
	if err := r.problems.asError(); err != nil {
		return Settings{}, err
	}
	return s, nil
}

type settingsReader struct {
	env      *environment
	problems Problems
	judged   map[string]bool
}

// text is the value of a variable. What cannot be read, or holds what is no part of a value, is reported once and is none.
func (r *settingsReader) text(name string) setting {
	s := r.env.get(name)
	message := blemish(s.text)
	if s.err == nil && message == "" {
		return s
	}
	if r.judged == nil {
		r.judged = map[string]bool{}
	}
	if !r.judged[name] {
		r.judged[name] = true
		if s.err != nil {
			r.problems = append(r.problems, variable(name+"_FILE").problem("cannot read the file: %v", s.err))
		} else {
			r.problems = append(r.problems, variable(name).problem("%s", message))
		}
	}
	return setting{}
}

// wrong reports a value. One that came from a secret file is not shown: the wrong file may have been named.
func (r *settingsReader) wrong(name string, s setting, message string) {
	got := fmt.Sprintf("%q", s.text)
	if s.fromFile {
		got = "the content of its file"
	}
	r.problems = append(r.problems, variable(name).problem("%s (got %s)", message, got))
}

func (r *settingsReader) integer(name string, fallback, least, most int) int {
	s := r.text(name)
	if s.text == "" {
		return fallback
	}
	n, err := strconv.Atoi(s.text)
	if err != nil || n < least || n > most {
		r.wrong(name, s, fmt.Sprintf("must be a whole number from %d to %d", least, most))
	}
	return n
}

// count reads a number of at least 1; 0: it is not set.
func (r *settingsReader) count(name string) int {
	if r.env.get(name) == (setting{}) {
		return 0
	}
	return r.integer(name, 0, 1, maxCount)
}

// megabytes reads a number of them, in bytes.
func (r *settingsReader) megabytes(name string, fallback int64) int64 {
	if r.env.get(name) == (setting{}) {
		return fallback
	}
	return int64(r.integer(name, 0, 1, maxBodyMB)) << 20
}

// defaultBuffered is a gigabyte or, where the Go runtime was given a memory limit (GOMEMLIMIT), half of that: the other half is
// for everything else.
func defaultBuffered() int64 {
	const usual = 1 << 30
	limit := debug.SetMemoryLimit(-1) // only reads it
	if limit == math.MaxInt64 {
		return usual
	}
	return max(limit/2, 1<<20)
}

func (r *settingsReader) boolean(name string, fallback bool) bool {
	s := r.text(name)
	switch strings.ToLower(s.text) {
	case "":
		return fallback
	case "true", "1":
		return true
	case "false", "0":
		return false
	}
	r.wrong(name, s, "must be true or false")
	return false
}

func (r *settingsReader) oneOf(name, fallback string, others ...string) string {
	s := r.text(name)
	if s.text == "" || s.text == fallback {
		return fallback
	}
	for _, other := range others {
		if s.text == other {
			return other
		}
	}
	r.wrong(name, s, "must be one of "+fallback+", "+strings.Join(others, ", "))
	return ""
}

func (r *settingsReader) duration(name string, fallback time.Duration) time.Duration {
	s := r.text(name)
	if s.text == "" {
		return fallback
	}
	d, message := parseDuration(s.text)
	if message != "" {
		r.wrong(name, s, message)
	}
	return d
}

func (r *settingsReader) proxy(name string) *url.URL {
	s := r.text(name)
	if s.text == "" {
		return nil
	}
	proxy, message := parseProxy(s.text)
	if message != "" {
		r.problems = append(r.problems, variable(name).problem("%s", message))
	}
	return proxy
}

func (r *settingsReader) secret(name string) string {
	s := r.text(name)
	if message := keyProblem(s.text); message != "" && s.text != "" {
		r.problems = append(r.problems, variable(name).problem("%s", message))
	}
	return s.text
}

func (r *settingsReader) prefixes(name string) []netip.Prefix {
	s := r.text(name)
	var prefixes []netip.Prefix
	for item := range strings.SplitSeq(s.text, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		prefix, ok := parsePrefix(item)
		if !ok {
			r.wrong(name, setting{text: item, fromFile: s.fromFile}, "must be a list of networks or addresses such as 10.0.0.0/8,192.0.2.7")
			continue
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes
}

func parsePrefix(text string) (netip.Prefix, bool) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), true
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, false
	}
	// An address is unmapped before it is looked for, so a network has to be unmapped as well to ever hold one.
	if prefix.Addr().Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked(), true
}

// parseDuration reads seconds or a Go duration that is not negative. message is what is wrong, "" for nothing.
func parseDuration(text string) (d time.Duration, message string) {
	const form = "must be seconds or a duration such as 30, 90s or 15m"
	unit := ""
	if strings.Trim(text, "+-.0123456789") == "" {
		unit = "s"
	}
	d, err := time.ParseDuration(text + unit)
	switch {
	case err != nil:
		return 0, form
	case d < 0:
		return 0, "must not be negative"
	case d > math.MaxInt64/2:
		return 0, form // a deadline computed from it would overflow
	}
	return d, ""
}
