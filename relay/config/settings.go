package config

import (
	"math"
	"net/netip"
	"net/url"
	"runtime/debug"
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
	MaxSpool           int64          // MAX_SPOOL_MB, in bytes: what large uploads may hold on disk together
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
	GrafanaURL       string // GRAFANA_URL and UPTIME_KUMA_URL: what the operator's page links to; "": there is no link
	KumaURL          string
	SQLDSN           string    // SQL_DSN; "": SQLite. It may hold a password
	SQLitePath       string    // SQLITE_PATH
	LedgerSpillDir   string    // LEDGER_SPILL_DIR; "": where there is room
	Retention        Retention // USAGE_RETENTION_DAYS
	UserHashKey      string    // USER_HASH_KEY: with which pseudonyms of end users are made; "": with a channel's own secret
	InitialRootToken string    // INITIAL_ROOT_TOKEN: the key of the token "root"; "": there is none
}

// Retention is how many days what is remembered is kept; 0: for ever.
type Retention struct{ Requests, Sums int }

// LoadSettings reads the environment. Its error is a Problems.
func LoadSettings(source Source) (Settings, error) {
	r := &settingsReader{env: source.environment()}
	s := Settings{Timeouts: timeoutsObject.defaults()}
	for i := range Variables {
		v := &Variables[i]
		if v.form.ofChannels {
			continue
		}
		if given := r.text(v.Name); given.text != "" {
			v.form.read(r, v.Name, given, &s)
		} else if v.Default != "" {
			v.form.read(r, v.Name, setting{text: v.Default}, &s)
		}
	}
	if s.NoProxy == "" {
		s.NoProxy = r.text("no_proxy").text
	}
	if s.MaxBuffered == 0 {
		s.MaxBuffered = defaultBuffered()
	}
	if err := r.problems.asError(); err != nil {
		return Settings{}, err
	}
	return s, nil
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
