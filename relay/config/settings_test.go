package config

import (
	"math"
	"net/netip"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnEmptyEnvironmentGivesTheDefaultsOfTheContract(t *testing.T) {
	limit := debug.SetMemoryLimit(math.MaxInt64) // whatever the tests run under
	t.Cleanup(func() { debug.SetMemoryLimit(limit) })
	want := Settings{
		Port: 3000, RetryTimes: 3, GinMode: "release", KeepAlive: 15 * time.Second, ClientWriteTimeout: 30 * time.Second,
		MaxRequestBody: 64 << 20, MaxBuffered: 1 << 30, MaxSpool: 4 << 30, ShutdownTimeout: 60 * time.Second, PublicHealth: true, Timeouts: defaultTimeouts, MaxModelLabels: 500,
		SQLitePath: "one-api-ledger.db", Retention: Retention{Requests: 30, Sums: 400},
	}
	for name, variables := range map[string]map[string]string{
		"nothing is set":        nil,
		"set to the empty text": {"PORT": "", "RELAY_TIMEOUT": "", "PUBLIC_HEALTH": "", "MONITOR_ALLOW_CIDR": "", "GIN_MODE": ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := LoadSettings(options(variables, nil))
			require.NoError(t, err)
			assert.Equal(t, want, s)
		})
	}
}

func TestEveryVariableIsRead(t *testing.T) {
	s, err := LoadSettings(options(map[string]string{
		"PORT": "0", "RETRY_TIMES": "100", "RELAY_PROXY": "http://user:pass@proxy:3128", "DEBUG": "1", "GIN_MODE": "debug",
		"KEEPALIVE_INTERVAL": "0", "CLIENT_WRITE_TIMEOUT": "1m30s", "MAX_REQUEST_BODY_MB": "1", "MAX_BUFFERED_MB": "256", "MAX_SPOOL_MB": "512", "SHUTDOWN_TIMEOUT": "0.5",
		"ADMIN_TOKEN": "admin", "MONITOR_TOKEN_FILE": "secrets/monitor", "PUBLIC_HEALTH": "FALSE", "CLIENT_GONE_DRAIN": "2m",
		"MONITOR_ALLOW_CIDR": "10.1.2.3/8, 192.0.2.7,,2001:db8::1,::ffff:192.0.2.9,::ffff:172.16.0.0/108",
		"RELAY_TIMEOUT":      "0", "STREAM_HEADER_TIMEOUT": "45", "FIRST_TOKEN_TIMEOUT": "60", "STREAMING_TIMEOUT": "600", "INITIAL_ROOT_TOKEN": "root-key",
		"METRICS_MAX_MODEL_LABELS": "7", "TRUSTED_PROXIES": "10.0.0.1", "MAX_CLIENT_CONNECTIONS": "500",
		"SQL_DSN": "postgres://u:p@h/d", "SQLITE_PATH": "/data/x.db", "LEDGER_SPILL_DIR": "/data/spill", "USAGE_RETENTION_DAYS": "7, 90",
	}, map[string]string{"secrets/monitor": "monitor\n"}))
	require.NoError(t, err)
	assert.Equal(t, Settings{
		Port: 0, RetryTimes: 100, RelayProxy: parseURL(t, "http://user:pass@proxy:3128"), Debug: true, GinMode: "debug",
		KeepAlive: 0, ClientWriteTimeout: 90 * time.Second, MaxRequestBody: 1 << 20, MaxBuffered: 256 << 20, MaxSpool: 512 << 20, ShutdownTimeout: 500 * time.Millisecond,
		AdminToken: "admin", MonitorToken: "monitor", PublicHealth: false, DrainClientGone: 2 * time.Minute,
		MonitorAllow: []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("2001:db8::1/128"),
			netip.MustParsePrefix("192.0.2.9/32"), netip.MustParsePrefix("172.16.0.0/12"),
		},
		MaxClientConnections: 500,
		TrustedProxies:       []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")},
		Timeouts:             Timeouts{Connect: 10 * time.Second, StreamHeader: 45 * time.Second, FirstToken: time.Minute, Idle: 10 * time.Minute},
		MaxModelLabels:       7,
		SQLDSN:               "postgres://u:p@h/d", SQLitePath: "/data/x.db", LedgerSpillDir: "/data/spill", Retention: Retention{Requests: 7, Sums: 90},
		InitialRootToken: "root-key",
	}, s)
}

func TestRetentionIsOneNumberOrTwo(t *testing.T) {
	for text, want := range map[string]Retention{
		"30": {30, 400}, "500": {500, 500}, "0": {0, 0}, "0,0": {0, 0}, "7,0": {7, 0}, "7,30": {7, 30},
	} {
		s, err := LoadSettings(options(map[string]string{"USAGE_RETENTION_DAYS": text}, nil))
		require.NoError(t, err, text)
		require.Equal(t, want, s.Retention, text)
	}
	for _, text := range []string{"-1", "x", "1,2,3", "30d", "30,"} {
		_, err := LoadSettings(options(map[string]string{"USAGE_RETENTION_DAYS": text}, nil))
		require.ErrorContains(t, err, "as in 30,400", text)
	}
}

func TestWhatLargeBodiesMayHoldFollowsTheMemoryLimitOfTheRuntime(t *testing.T) {
	unlimited := debug.SetMemoryLimit(3 << 30)
	t.Cleanup(func() { debug.SetMemoryLimit(unlimited) })
	for value, want := range map[string]int64{"": 3 << 29, "100": 100 << 20} {
		s, err := LoadSettings(options(map[string]string{"MAX_BUFFERED_MB": value}, nil))
		require.NoError(t, err)
		assert.Equal(t, want, s.MaxBuffered)
	}
}

func TestAVariableThatIsSetHidesItsFile(t *testing.T) {
	s, err := LoadSettings(options(map[string]string{"PORT": "1", "PORT_FILE": "absent"}, nil))
	require.NoError(t, err)
	assert.Equal(t, 1, s.Port)
}

func TestABadVariableIsNamedWithWhatIsWrong(t *testing.T) {
	for _, test := range []struct{ name, value, want string }{
		{"PORT", "65536", `PORT: must be a whole number from 0 to 65535 (got "65536")`},
		{"PORT", "http", `PORT: must be a whole number from 0 to 65535 (got "http")`},
		{"RETRY_TIMES", "-1", `RETRY_TIMES: must be a whole number from 0 to 100 (got "-1")`},
		{"MAX_REQUEST_BODY_MB", "0", `MAX_REQUEST_BODY_MB: must be a whole number from 1 to 1048576 (got "0")`},
		{"MAX_BUFFERED_MB", "0", `MAX_BUFFERED_MB: must be a whole number from 1 to 1048576 (got "0")`},
		{"MAX_BUFFERED_MB", "1GB", `MAX_BUFFERED_MB: must be a whole number from 1 to 1048576 (got "1GB")`},
		{"DEBUG", "yes", `DEBUG: must be true or false (got "yes")`},
		{"GIN_MODE", "prod", `GIN_MODE: must be one of release, debug, test (got "prod")`},
		{"RELAY_TIMEOUT", "-5", `RELAY_TIMEOUT: must not be negative (got "-5")`},
		{"RELAY_TIMEOUT", "15 min", `RELAY_TIMEOUT: must be seconds or a duration such as 30, 90s or 15m (got "15 min")`},
		{"STREAMING_TIMEOUT", "9e99", `STREAMING_TIMEOUT: must be seconds or a duration such as 30, 90s or 15m (got "9e99")`},
		{"STREAMING_TIMEOUT", "9000000000", `STREAMING_TIMEOUT: must be seconds or a duration such as 30, 90s or 15m (got "9000000000")`},
		{"RELAY_PROXY", "ftp://user:secret@proxy", "RELAY_PROXY: must be an http, https, socks5 or socks5h URL such as http://proxy.example.com:3128"},
		{"RELAY_PROXY", "http://", "RELAY_PROXY: must have a host"},
		{"RELAY_PROXY", "http://proxy:99999", "RELAY_PROXY: must have a port from 1 to 65535, or none"},
		{"MONITOR_ALLOW_CIDR", "10.0.0.0/8,10.0.0.0/33", `MONITOR_ALLOW_CIDR: must be a list of networks or addresses such as 10.0.0.0/8,192.0.2.7 (got "10.0.0.0/33")`},
		{"MAX_CLIENT_CONNECTIONS", "0", `MAX_CLIENT_CONNECTIONS: must be a whole number from 1 to 1000000000 (got "0")`},
		{"TRUSTED_PROXIES", "nginx", `TRUSTED_PROXIES: must be a list of networks or addresses such as 10.0.0.0/8,192.0.2.7 (got "nginx")`},
		{"ADMIN_TOKEN", "se cret", "ADMIN_TOKEN: must not contain spaces, line breaks or invisible characters"},
		{"MONITOR_TOKEN_FILE", "secrets/absent", "MONITOR_TOKEN_FILE: cannot read the file: it does not exist"},
		{"ADMIN_TOKEN_FILE", "large", "ADMIN_TOKEN_FILE: cannot read the file: it is over 64 KiB"},
		{"PORT_FILE", "secrets/other", "PORT: must be a whole number from 0 to 65535 (got the content of its file)"},
	} {
		t.Run(test.name+"="+test.value, func(t *testing.T) {
			_, err := LoadSettings(options(map[string]string{test.name: test.value}, map[string]string{
				"secrets/other": "secret", "large": strings.Repeat("x", 64<<10+1),
			}))
			assert.EqualError(t, err, "environment: "+test.want)
		})
	}
}

func TestAllBadVariablesAreReportedAtOnce(t *testing.T) {
	_, err := LoadSettings(options(map[string]string{"PORT": "x", "DEBUG": "x", "RELAY_TIMEOUT": "x"}, nil))
	problems, ok := err.(Problems)
	require.True(t, ok)
	assert.Len(t, problems, 3)
}

func TestTokensGoThroughRelayProxyWhereverTheirUpstreamIs(t *testing.T) {
	source := withFile("channels:\n  - {name: a, type: azure, base_url: 'https://acme.corp/openai', entra: {tenant: t.example.com, client_id: a-b, client_secret: hush~hush}}\n"+
		"  - {name: b, type: azure, base_url: 'https://acme.corp/openai', keys: [k-0123456789abcdef]}\n", map[string]string{"RELAY_PROXY": "http://proxy:3128", "NO_PROXY": ".corp"})
	source.Providers = cloudProviders
	c := loadAll(t, source).Channels
	assert.True(t, c[0].Direct)
	for at, want := range map[string]bool{"https://login.microsoftonline.com": true, "https://login.corp": false, "http://127.0.0.1:1": false} {
		through, err := c[0].TokenProxy.For(parseURL(t, at))
		require.NoError(t, err)
		assert.Equal(t, want, through != nil, at)
	}
	assert.Equal(t, TokenProxy{}, c[1].TokenProxy, "it has a key")
}
