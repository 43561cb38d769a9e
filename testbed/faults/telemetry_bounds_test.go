package faults

import (
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"one-api/telemetry"
	"one-api/telemetry/otlptest"
	"one-api/testbed/harness"
)

// toldApart is METRICS_MAX_MODEL_LABELS in this test.
const toldApart = 20

// TestStrangersCannotMakeSeries sends requests whose models, paths, methods, headers, ids and keys are all made up, to a relay
// with a channel that serves every model.
func TestStrangersCannotMakeSeries(t *testing.T) {
	harness.Long(t)
	harness.InMatrix(t, "F15")
	received := otlptest.Start(t)
	harness.ExportTo(t, received, "http/protobuf")
	t.Setenv("OTEL_METRIC_EXPORT_INTERVAL", "200")
	u := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		harness.Answers(200, harness.WholeAnswer)(w, r)
	}))
	t.Cleanup(u.Close)
	o := harness.StartObserved(t, received, toldApart, fmt.Sprintf(`channels:
  - {name: a, type: openai, base_url: %q, keys: [sk-up-a], models: [named, "*"]}
  - {name: b, type: xai, base_url: %q, keys: [sk-up-b], models: ["*"]}
`, u.URL, u.URL), func(c *harness.RelayConfig) {
		c.Logs = func(slog.Handler) slog.Handler { return slog.DiscardHandler }
	})

	beStrange(o, t, strangers/4) // whatever can be there is there now
	exported(o, t)
	forget(o.Relay)
	series, heap := received.Series(), liveHeap()
	beStrange(o, t, strangers*3/4)
	exported(o, t)
	forget(o.Relay)
	require.Less(t, liveHeap(), heap+16<<20, "bytes that are alive, after %d requests more", strangers*3/4)
	o.RequireQuiet(harness.AmongOthers)
	o.Finished()

	require.Empty(t, received.Problems())
	require.Equal(t, strangers, o.Sum(telemetry.HTTPDuration, nil), "all were counted")
	require.Positive(t, o.Sum(telemetry.TelemetryFolded, nil))
	// Methods and endings that are rare may come late; nothing else may.
	require.LessOrEqual(t, received.Series(), series+series/20)
	t.Logf("%d series after %d requests, %d after %d", series, strangers/4, received.Series(), strangers)
	requireBounded(o, t)
	for _, channel := range []string{"a", "b"} {
		require.Positive(t, o.Sum(telemetry.ChannelAttempts, map[string]string{telemetry.AttrChannel: channel, telemetry.AttrModel: "named"}),
			"what the file names has its own series, however many names were made up before it was asked for")
	}
}

// requireBounded asserts that each attribute has as many values as the configuration and closed lists give it.
func requireBounded(o *harness.Observed, t *testing.T) {
	values := map[string]map[string]bool{}
	for _, name := range o.Received.Names() {
		models := map[string]bool{}
		for _, p := range o.Received.Points(name, nil) {
			require.NotContains(t, p.Attributes, "otel.metric.overflow", name)
			for key, value := range p.Attributes {
				if values[key] == nil {
					values[key] = map[string]bool{}
				}
				values[key][value] = true
			}
			if model, ok := p.Attributes[telemetry.AttrModel]; ok {
				models[p.Attributes[telemetry.AttrChannel]+" "+model] = true
			}
		}
		require.LessOrEqual(t, len(models), toldApart+2+2, "%s: models, and for each channel the one that the file names and one other", name)
	}
	routes := map[string]bool{}
	for _, r := range o.Server.Handler().(interface{ Routes() gin.RoutesInfo }).Routes() {
		routes[r.Path] = true
	}
	for route := range values[telemetry.AttrRoute] {
		require.True(t, routes[route], "%q is no route", route)
	}
	for key, most := range map[string]int{
		telemetry.AttrMethod: telemetry.Methods, telemetry.AttrScheme: 1, telemetry.AttrOutcome: 16, telemetry.AttrReason: 5 + 15,
		telemetry.AttrOperation: 3, telemetry.AttrChannel: 2, telemetry.AttrProvider: 2, telemetry.AttrStatus: 20, telemetry.AttrErrorType: 20,
	} {
		require.LessOrEqual(t, len(values[key]), most, "%s: %v", key, values[key])
	}
	for key, all := range values {
		if key == telemetry.AttrModel {
			continue // bounded by their number
		}
		for value := range all {
			require.NotContains(t, value, strange, key)
		}
	}
}

// strange marks whatever the strangers make up.
const strange = "made-up"

func madeUp() string { return fmt.Sprintf("%s-%x", strange, rand.Uint64()) }

// beStrange sends so many requests: most of them to the handler, some over sockets.
func beStrange(o *harness.Observed, t *testing.T, n int) {
	t.Helper()
	const workers = 8
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for i := worker; i < n; i += workers {
				request := strangeRequest(t, i/workers, o.URL)
				if i%50 != 0 {
					o.Server.Handler().ServeHTTP(httptest.NewRecorder(), request)
					continue
				}
				response, err := o.Client.Do(request)
				if err != nil {
					t.Errorf("asking the relay: %v", err)
					return
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
		})
	}
	all.Wait()
}

// strangeRequest is the i-th kind of request.
func strangeRequest(t *testing.T, i int, url string) *http.Request {
	method, path, key, body := http.MethodPost, "/v1/chat/completions", harness.Key, fmt.Sprintf(`{"model":%q,"messages":[]}`, madeUp())
	switch i % 10 {
	case 0, 1: // a model that nobody knows, and every channel serves
	case 2:
		path, body = "/v1/embeddings", fmt.Sprintf(`{"model":%q,"input":"hi"}`, madeUp())
	case 3:
		body = `{"model":"named","messages":[],"user":"` + madeUp() + `"}`
	case 4:
		key = "sk-" + madeUp()
	case 5:
		body = "{" + madeUp()
	case 6:
		path = "/" + madeUp()
	case 7:
		path = "/v1/models/" + madeUp()
		method = []string{http.MethodGet, http.MethodDelete, http.MethodPut}[i/10%3]
	case 8:
		method = strings.ToUpper(strings.ReplaceAll(madeUp(), "-", ""))
	case 9:
		method, path = http.MethodGet, "/api/monitor/channels/"+madeUp()
	}
	request, err := http.NewRequest(method, url+path+"?"+madeUp()+"="+madeUp(), strings.NewReader(body))
	require.NoError(t, err)
	request.RemoteAddr = "127.0.0.1:1"
	request.Header.Set("Authorization", "Bearer "+key)
	for _, name := range []string{"X-Request-Id", "User-Agent", "Origin", "X-Forwarded-For", "X-Forwarded-Proto", "OpenAI-Organization", "X-" + madeUp()} {
		request.Header.Set(name, madeUp())
	}
	return request
}

// forget drops what the harness has noted, for it is more than the relay keeps.
func forget(r *harness.Relay) {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	r.Attempts, r.Ends = nil, nil
}

// exported waits until two more exports have come: the second one began after this was called.
func exported(o *harness.Observed, t *testing.T) {
	t.Helper()
	n := o.Received.Exports()
	require.Eventually(t, func() bool { return o.Received.Exports() >= n+2 }, harness.Patience, 5*time.Millisecond)
}

// liveHeap is what a collection leaves.
func liveHeap() uint64 {
	runtime.GC()
	runtime.GC() // what the first one only took out of pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
