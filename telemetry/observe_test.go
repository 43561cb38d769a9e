package telemetry

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// gaugesOf collects once what Observe registers.
func gaugesOf(t *testing.T, reader sdkmetric.Reader) map[string]metricdata.Metrics {
	t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(context.Background(), &all))
	byName := map[string]metricdata.Metrics{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			byName[m.Name] = m
		}
	}
	return byName
}

func TestAMethodThatWasAskedForOnceFallsToZeroAndIsNotForgotten(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	defer func() { require.NoError(t, provider.Shutdown(context.Background())) }()
	var state State
	require.NoError(t, Observe(provider.Meter(ScopeName), "v0", func() State { return state }))
	active := func() map[string]int64 {
		values := map[string]int64{}
		data := gaugesOf(t, reader)[HTTPActive].Data
		var points []metricdata.DataPoint[int64]
		switch data := data.(type) {
		case metricdata.Gauge[int64]:
			points = data.DataPoints
		case metricdata.Sum[int64]:
			points = data.DataPoints
		}
		for _, p := range points {
			method, _ := p.Attributes.Value(attribute.Key(AttrMethod))
			values[method.AsString()] = p.Value
		}
		return values
	}
	require.Equal(t, map[string]int64{"GET": 0, "POST": 0}, active())
	state.ActiveRequests[MethodIndex("DELETE")] = 1
	require.Equal(t, map[string]int64{"GET": 0, "POST": 0, "DELETE": 1}, active())
	state.ActiveRequests[MethodIndex("DELETE")] = 0
	require.Equal(t, map[string]int64{"GET": 0, "POST": 0, "DELETE": 0}, active())
}
