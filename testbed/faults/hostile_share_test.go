package faults

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// TestTwoSlowReadersDoNotStarveTheRest: two tokens call for large answers as often as they can and read none of them.
func TestTwoSlowReadersDoNotStarveTheRest(t *testing.T) {
	harness.Long(t)
	harness.InMatrix(t, "F7")
	sizes := map[string]int{"large": 1 << 20, "medium": 200 << 10}
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		harness.Say(w, fmt.Sprintf(`{"id":"x","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}]}`,
			strings.Repeat("x", sizes[harness.ModelOf(r)])))
	})
	r := harness.StartRelay(t, fmt.Sprintf(`channels:
  - {name: a, type: openai, base_url: %q, keys: [k], models: [large, medium]}
tokens:
  - {name: hog, key: sk-hog-0123456789abcdef}
  - {name: hog-too, key: sk-hog-too-0123456789abcdef}
  - {name: rest, key: %s}
`, u.URL, harness.Key), harness.WithEnv("MAX_BUFFERED_MB", "16", "CLIENT_WRITE_TIMEOUT", "10m", "RETRY_TIMES", "0"), harness.WithListener(harness.Narrow))

	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	lazy := harness.LazyClient()
	lazy.Transport.(*http.Transport).MaxIdleConnsPerHost = -1
	var mu sync.Mutex
	refused := map[string]http.Header{}
	var hogs sync.WaitGroup
	hog := func(key string) (refusedWith string, header http.Header) {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL+"/v1/chat/completions", strings.NewReader(`{"model":"large","messages":[]}`))
		if err != nil {
			return "", nil
		}
		request.Header.Set("Authorization", "Bearer "+key)
		response, err := lazy.Do(request)
		if err != nil {
			return "", nil
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode == http.StatusOK {
			<-ctx.Done() // it reads nothing
			return "", nil
		}
		text, _ := io.ReadAll(response.Body)
		return fmt.Sprintf("%d %s", response.StatusCode, text), response.Header
	}
	for _, key := range []string{"sk-hog-0123456789abcdef", "sk-hog-too-0123456789abcdef"} {
		for range 10 {
			hogs.Go(func() {
				for ctx.Err() == nil {
					if said, header := hog(key); said != "" {
						mu.Lock()
						said, _, _ = strings.Cut(said, "(request id")
						refused[said] = header
						mu.Unlock()
					}
					select {
					case <-ctx.Done():
					case <-time.After(10 * time.Millisecond):
					}
				}
			})
		}
	}
	r.Eventually("half of the budget and more is held", func() bool { return r.Server.Budget().Used() > 10<<20 })
	for range 20 {
		status, answer, _ := r.Ask("/v1/chat/completions", `{"model":"medium","messages":[]}`)
		require.Equal(t, http.StatusOK, status, answer)
		require.Greater(t, len(answer), 200<<10)
	}
	r.Eventually("a hog is told why", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(refused) > 0
	})
	for _, hog := range []string{"hog", "hog-too"} {
		require.LessOrEqual(t, r.Server.Budget().Owner(hog).Held(), int64(8<<20), "half of it, as there are two and more")
	}
	mu.Lock()
	for said, header := range refused {
		if strings.HasPrefix(said, "429") {
			require.Contains(t, said, "share of the relay's memory")
		} else {
			require.Contains(t, said, "MAX_BUFFERED_MB")
		}
		require.NotEmpty(t, header.Get("Retry-After"))
	}
	mu.Unlock()
	leave()
	hogs.Wait()
	lazy.CloseIdleConnections()
	r.RequireQuiet(harness.AmongOthers, u)
	require.Zero(t, r.Server.Budget().Used())
}
