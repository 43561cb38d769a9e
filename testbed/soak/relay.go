package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"one-api/testbed/internal/process"
)

// Clocks of the subject, short so that a soak of minutes sees many of them run out.
const (
	hastyClock         = time.Second // header, first event, silence, on the hasty channels
	keepAlive          = 500 * time.Millisecond
	clientWriteTimeout = time.Second
	keysOfChannel      = 64
	nowhere            = "http://127.0.0.1:1" // where nobody listens
)

const (
	monitorToken = "soak-monitor-token"
	adminToken   = "soak-admin-token"
)

// startRelay starts the real thing.
func startRelay(ctx context.Context, work, binary string, u *upstreams) (*subject, error) {
	ports, err := process.FreePorts(2)
	if err != nil {
		return nil, err
	}
	file, trust := filepath.Join(work, "channels.yaml"), filepath.Join(work, "authority.pem")
	if err := errors.Join(os.WriteFile(file, []byte(relayConfig(u)), 0o600), os.WriteFile(trust, u.authority, 0o600)); err != nil {
		return nil, err
	}
	s := &subject{name: "the relay", url: "http://127.0.0.1:" + ports[0], metrics: "http://127.0.0.1:" + ports[1] + "/metrics"}
	return start(ctx, s, work, binary, []string{
		"PORT=" + ports[0], "CONFIG_FILE=" + file, "SSL_CERT_FILE=" + trust,
		"MONITOR_TOKEN=" + monitorToken, "ADMIN_TOKEN=" + adminToken,
		"CLIENT_WRITE_TIMEOUT=" + clientWriteTimeout.String(), "KEEPALIVE_INTERVAL=" + keepAlive.String(), "MAX_REQUEST_BODY_MB=1", "SHUTDOWN_TIMEOUT=5s",
		"OTEL_METRICS_EXPORTER=prometheus", "OTEL_EXPORTER_PROMETHEUS_HOST=127.0.0.1", "OTEL_EXPORTER_PROMETHEUS_PORT=" + ports[1],
	})
}

// relayConfig has a channel for each kind, protocol and lane, and behind them healthy ones. Each has many keys: those that are
// refused or limited rest, and the next fault needs another one.
func relayConfig(u *upstreams) string {
	var keys []string
	for i := range keysOfChannel {
		keys = append(keys, fmt.Sprintf("sk-up-%02d", i))
	}
	var y strings.Builder
	y.WriteString("channels:\n")
	channel := func(name, kind, url, models, more string) {
		fmt.Fprintf(&y, "  - {name: %s, type: %s, base_url: %q, keys: [%s], models: [%s], %s}\n", name, kind, url, strings.Join(keys, ", "), models, more)
	}
	clocks := map[lane]string{
		patient: "timeouts: {connect: 10s, header: 60s, first_token: 60s, idle: 60s}",
		hasty:   fmt.Sprintf("timeouts: {connect: 10s, header: %[1]v, first_token: %[1]v, idle: %[1]v}", hastyClock),
	}
	for _, kind := range []string{"openai", "anthropic", "xai"} {
		for _, l := range []lane{patient, hasty} {
			for proto, at := range map[protocol]*upstream{plain: u.plain, secure: u.secure, http2: u.http2} {
				model := fmt.Sprintf("%s.%s.%s", l, kind, proto)
				channel(strings.ReplaceAll(model, ".", "-"), kind, at.url, model+".only, "+model+".two", "priority: 10, "+clocks[l])
			}
		}
	}
	for _, kind := range []string{"openai", "anthropic"} {
		model := fmt.Sprintf("%s.%s.h2", rude, kind)
		channel(strings.ReplaceAll(model, ".", "-"), kind, u.rude.url, model+".only, "+model+".two", "priority: 10, "+clocks[patient])
		others := []string{string(patient), string(rude), string(refused), string(untrusted)}
		var models []string
		for _, l := range others {
			models = append(models, fmt.Sprintf(`"%s.%s.*.two"`, l, kind))
		}
		extra := ""
		if kind == "openai" {
			models, extra = append(models, fmt.Sprintf(`"%s.xai.*.two"`, patient)), fmt.Sprintf(`, "%s.xai.*.two"`, hasty)
		}
		channel("second-"+kind, kind, u.fallback.url, strings.Join(models, ", "), "priority: 1, "+clocks[patient])
		channel("second-hasty-"+kind, kind, u.fallback.url, fmt.Sprintf(`"%s.%s.*.two"`, hasty, kind)+extra, "priority: 1, "+clocks[hasty])
	}
	model := fmt.Sprintf("%s.openai.h1", refused)
	channel("refused", "openai", nowhere, model+".only, "+model+".two", "priority: 10")
	model = fmt.Sprintf("%s.anthropic.h2", untrusted)
	channel("untrusted", "anthropic", u.untrusted.url, model+".only, "+model+".two", "priority: 10")
	fmt.Fprintf(&y, "tokens:\n  - {name: soak, key: %s}\n", clientKey)
	return y.String()
}
