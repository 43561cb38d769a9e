package telemetry

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric"

	"one-api/telemetry/otlptest"
)

// TestWhatAProcessHasExportedEndsWithIt: gauges that nobody ends would stand beside those of the process that takes over.
func TestWhatAProcessHasExportedEndsWithIt(t *testing.T) {
	for _, c := range []struct{ name, protocol, compression, temporality string }{
		{"gRPC", "grpc", "", ""}, {"gRPC, compressed", "grpc", "gzip", ""}, {"HTTP", "http/protobuf", "", ""}, {"HTTP, compressed", "http/protobuf", "gzip", ""}, {"delta", "grpc", "", "delta"},
	} {
		t.Run(c.name, func(t *testing.T) {
			received := otlptest.Start(t)
			if c.temporality == "delta" {
				received.AllowDeltas()
			}
			endpoint := received.HTTP
			if c.protocol == "grpc" {
				endpoint = received.GRPC
			}
			environ(t, "OTEL_EXPORTER_OTLP_ENDPOINT", endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL", c.protocol, "OTEL_EXPORTER_OTLP_COMPRESSION", c.compression,
				"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", c.temporality, "OTEL_TRACES_EXPORTER", "none")
			started := startForTest(t, nil)
			gauge, err := started.Meter.Int64ObservableGauge("relay.some.gauge", metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
				o.Observe(7)
				return nil
			}))
			require.NoError(t, err)
			require.NotNil(t, gauge)
			started.Metrics.Channel("primary", "openai").Attempt(streamed(chunked()))
			started.Shutdown()
			point := received.Points("relay.some.gauge", nil)[0]
			require.True(t, point.Ended)
			require.InDelta(t, 7, point.Value, 0, "and whoever does not know the flag is told nothing new")
			require.InDelta(t, 1, received.Sum(ChannelAttempts, nil), 0)
			require.Equal(t, c.temporality == "", received.Points(ChannelAttempts, nil)[0].Ended, "what is added up is not sent twice")
			require.Empty(t, received.Problems())
			before := received.Requests()
			started.Shutdown()
			require.Equal(t, before, received.Requests(), "nothing begins anew")
		})
	}
}

func TestNothingIsEndedAtACollectorThatIsAway(t *testing.T) {
	received := otlptest.Start(t)
	environ(t, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", received.HTTP+"/v1/metrics")
	received.Behave(t, otlptest.Fail)
	started := startForTest(t, nil)
	started.Shutdown()
	require.EqualValues(t, 1, received.Requests())
}

// TestTheVariablesForTLSHoldOverHTTP has a server that wants a certificate of its client.
func TestTheVariablesForTLSHoldOverHTTP(t *testing.T) {
	directory := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	write := func(name, kind string, data []byte) string {
		file := filepath.Join(directory, name)
		require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600))
		return file
	}
	clients := x509.NewCertPool()
	parsed, err := x509.ParseCertificate(certificate)
	require.NoError(t, err)
	clients.AddCert(parsed)
	exports := make(chan string, 10)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { exports <- r.URL.Path + " " + r.Header.Get("X-Key") }))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	defer server.Close()
	environ(t, "OTEL_EXPORTER_OTLP_ENDPOINT", server.URL, "OTEL_TRACES_EXPORTER", "none", "OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20b",
		"OTEL_EXPORTER_OTLP_CERTIFICATE", write("ca.pem", "CERTIFICATE", server.Certificate().Raw),
		"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", write("client.pem", "CERTIFICATE", certificate), "OTEL_EXPORTER_OTLP_CLIENT_KEY", write("client.key", "PRIVATE KEY", private))
	startForTest(t, nil).Shutdown()
	close(exports)
	n := 0
	for export := range exports {
		require.Equal(t, "/v1/metrics a b", export)
		n++
	}
	require.Equal(t, 2, n, "the last one, and its end")
}

func TestTheTimeOfOneExportHoldsOverHTTP(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 10 * time.Second, "50": 50 * time.Millisecond} {
		environ(t, "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", text)
		client, err := (&ender{}).client()
		require.NoError(t, err)
		require.Equal(t, want, client.Timeout)
	}
}
