package faults

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/telemetry"
	"one-api/telemetry/otlptest"
	"one-api/testbed/harness"
	"one-api/testbed/internal/cert"
)

// TestACallTakesNoLongerWithABackendInTroubleThanWithoutTelemetry makes calls by turns to a relay that exports metrics and every trace to a
// backend in trouble, and to one that exports nothing.
func TestACallTakesNoLongerWithABackendInTroubleThanWithoutTelemetry(t *testing.T) {
	harness.Long(t)
	harness.InMatrix(t, "F12")
	const calls = 60
	for _, protocol := range harness.Protocols {
		for _, manner := range []otlptest.Manner{otlptest.Refuse, otlptest.Hang, otlptest.Mute, otlptest.Slow, otlptest.Throttle, otlptest.Small} {
			t.Run(fmt.Sprint(protocol, " ", manner), func(t *testing.T) {
				received := otlptest.Start(t)
				harness.ExportTo(t, received, protocol)
				t.Setenv("OTEL_METRIC_EXPORT_INTERVAL", "10")
				t.Setenv("OTEL_TRACES_EXPORTER", "otlp")
				t.Setenv("OTEL_TRACES_SAMPLER", "always_on")
				t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
				received.Behave(t, manner, time.Second)
				u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
				o := harness.StartObserved(t, received, 500, harness.OpenAIChannel("a", u, ""))
				bare := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
				took := func(ask func(path, body string) (int, string, http.Header)) time.Duration {
					began := time.Now()
					status, _, _ := ask("/v1/chat/completions", harness.Chat)
					require.Equal(t, http.StatusOK, status)
					return time.Since(began)
				}
				var with, without []time.Duration
				for range calls {
					with, without = append(with, took(o.Ask)), append(without, took(bare.Ask))
				}
				slices.Sort(with)
				slices.Sort(without)
				t.Log("in the middle:", with[calls/2], "with,", without[calls/2], "without; at most:", with[calls-1], "with,", without[calls-1], "without")
				require.Less(t, with[calls/2], 4*without[calls/2]+20*time.Millisecond)
				require.Less(t, with[calls-1], 4*without[calls-1]+2*time.Second)
				received.Behave(t, otlptest.Accept)
				bare.RequireQuiet(harness.AmongOthers, u)
				o.RequireQuiet(harness.AmongOthers, u)
			})
		}
	}
}

// TestABackendWhoseCertificateHasExpiredIsSaidOnceAndCountsCatchUp has the backend show a certificate that was good until yesterday, and then
// one that is.
func TestABackendWhoseCertificateHasExpiredIsSaidOnceAndCountsCatchUp(t *testing.T) {
	harness.InMatrix(t, "F12")
	received := otlptest.Start(t)
	harness.ExportTo(t, received, "http/protobuf")
	secured := newSecuredBackend(t, received.HTTP)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", secured.url)
	t.Setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", secured.authority)
	t.Setenv("OTEL_METRIC_EXPORT_INTERVAL", "50")
	t.Setenv("OTEL_METRIC_EXPORT_TIMEOUT", "500")
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	o := harness.StartObserved(t, received, 500, harness.OpenAIChannel("a", u, ""))
	askedAndAnswered(o, t, 50)
	require.Eventually(t, func() bool { return secured.refused.Load() > 2 }, harness.Patience, 5*time.Millisecond, "it is tried")
	require.Eventually(t, func() bool { return complaints(o) > 0 }, harness.Patience, 5*time.Millisecond)
	require.Contains(t, o.TelemetryLog.String(), "certificate has expired")
	require.Zero(t, received.Requests())
	secured.renew()
	require.Eventually(t, func() bool { return o.Sum(telemetry.ChannelAttempts, nil) == 50 }, harness.Patience, 5*time.Millisecond, "the counts catch up")
	require.Positive(t, o.Sum(telemetry.TelemetryFailed, nil))
	require.Equal(t, 1, complaints(o), "one line a minute:\n%s", o.TelemetryLog)
	o.RequireQuiet(harness.AmongOthers, u)
	o.Finished()
}

// securedBackend is TLS before an OTLP receiver, with a certificate that has expired until it is renewed.
type securedBackend struct {
	url, authority string
	renewed        atomic.Bool
	refused        atomic.Int64 // handshakes that did not come about
}

func (s *securedBackend) renew() { s.renewed.Store(true) }

func newSecuredBackend(t *testing.T, behind string) *securedBackend {
	t.Helper()
	s := &securedBackend{authority: filepath.Join(t.TempDir(), "authority.pem")}
	old, fresh := selfSigned(t, time.Now().Add(-time.Hour)), selfSigned(t, time.Now().Add(time.Hour))
	var trusted []byte
	for _, c := range []tls.Certificate{old, fresh} {
		trusted = append(trusted, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})...)
	}
	require.NoError(t, os.WriteFile(s.authority, trusted, 0o600))
	target, err := url.Parse(behind)
	require.NoError(t, err)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, Transport: &http.Transport{DisableKeepAlives: true}}
	server := httptest.NewUnstartedServer(proxy)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		shown := old
		if s.renewed.Load() {
			shown = fresh
		} else {
			s.refused.Add(1)
		}
		return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{shown}}, nil
	}}
	server.StartTLS()
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// selfSigned is a certificate for the loopback address that is good until then.
func selfSigned(t *testing.T, until time.Time) tls.Certificate {
	t.Helper()
	c, err := cert.SelfSigned(until)
	require.NoError(t, err)
	return c
}
