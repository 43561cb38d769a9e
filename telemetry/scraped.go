package telemetry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
)

// Bounds of being scraped. An answer is made in memory before it is sent.
const (
	scrapeReadTimeout  = 5 * time.Second
	scrapeWriteTimeout = 10 * time.Second
	scrapeIdleTimeout  = 2 * time.Minute
)

// scraped is a reader that Prometheus pulls from. autoexport has one too, but it never answers in OpenMetrics, and Prometheus' own text
// format has no exemplars.
type scraped struct {
	sdkmetric.Reader

	server *http.Server
}

// scrapedAt is the address at which Prometheus finds the metrics. A host may be an IPv6 address, in brackets or without.
func scrapedAt(getenv func(string) string) string {
	host := strings.Trim(getenv("OTEL_EXPORTER_PROMETHEUS_HOST"), "[]")
	return net.JoinHostPort(cmp.Or(host, "localhost"), cmp.Or(getenv("OTEL_EXPORTER_PROMETHEUS_PORT"), "9464"))
}

func newScraped(ctx context.Context, address string, producers []sdkmetric.Producer) (*scraped, error) {
	registry := prometheus.NewRegistry()
	reader, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithProducer(joined(producers)))
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("binding address %s for Prometheus: %w", address, err), reader.Shutdown(ctx))
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry, EnableOpenMetrics: true}))
	server := &http.Server{Handler: mux, ReadTimeout: scrapeReadTimeout, WriteTimeout: scrapeWriteTimeout, IdleTimeout: scrapeIdleTimeout}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			otel.Handle(fmt.Errorf("metrics cannot be scraped any more: %w", err))
		}
	}()
	return &scraped{reader, server}, nil
}

// Shutdown stops the reader and its server. Nothing is sent: what Prometheus has not pulled is lost.
func (s *scraped) Shutdown(ctx context.Context) error {
	return errors.Join(s.Reader.Shutdown(ctx), s.server.Shutdown(ctx))
}
