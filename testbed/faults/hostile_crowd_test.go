package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// The bound that the README states: base + 2 × (MAX_BUFFERED_MB + connections × ½ MiB). Twice, because Go's collector lets as
// much garbage gather as there is alive.
const (
	attackedBudget = 64
	attackedBase   = 64
	attackedBound  = (attackedBase + 2*(attackedBudget+attackers/2)) << 20
)

// hostileUpstream answers without end, or with much in little.
func hostileUpstream(t *testing.T) *harness.Upstream {
	bomb := packed(t, strings.Repeat(" ", 256<<10))
	spaces, letters, elements := strings.Repeat(" ", 64<<10), strings.Repeat("x", 64<<10), strings.Repeat("0,", 32<<10)
	endless := func(w http.ResponseWriter, r *http.Request, begins, goesOn string) {
		_, _ = io.WriteString(w, begins)
		again := time.NewTicker(50 * time.Millisecond) // it is memory that they are after, and not the processor
		defer again.Stop()
		for {
			if _, err := io.WriteString(w, goesOn); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-again.C:
			}
		}
	}
	return harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		switch harness.ModelOf(r) {
		case "endless-json":
			w.Header().Set("Content-Type", "application/json")
			endless(w, r, `{"choices":[`, spaces)
		case "endless-event":
			w.Header().Set("Content-Type", "text/event-stream")
			endless(w, r, "data: ", letters)
		case "bomb":
			w.Header().Set("Content-Encoding", "gzip")
			endless(w, r, packed(t, `{"choices":[`), bomb)
		case "elements": // to be converted: each of them would be a struct
			_, _ = io.WriteString(w, `{"id":"c","choices":[`+strings.Repeat(elements, 16)+`0]}`)
		case "large":
			_, _ = io.WriteString(w, `{"id":"c","choices":[],"x":"`+strings.Repeat(letters, 16)+`"}`)
		case "ordinary-stream":
			harness.Variant{Stream: true}.Answer(w, r, harness.FromHealthy)
		default:
			harness.Variant{}.Answer(w, r, harness.FromHealthy)
		}
	})
}

// attack is what one of the crowd does, again and again until ctx ends.
type attack struct {
	name string
	once func(ctx context.Context, p *process) (done bool)
	did  atomic.Int64
}

func attackNames(all []*attack) (names []string) {
	for _, a := range all {
		names = append(names, a.name)
	}
	return names
}

func theAttacks(client *http.Client) []*attack {
	ask := func(path, model string, stream bool) func(context.Context, *process) bool {
		return func(ctx context.Context, p *process) bool {
			response, err := askProcess(ctx, client, p, path, model, stream)
			if err != nil {
				return false
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
			return true
		}
	}
	return []*attack{
		{name: "an upload that never ends", once: func(ctx context.Context, p *process) bool {
			return send(ctx, p, "POST /v1/chat/completions HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer "+harness.Key+
				"\r\nContent-Length: 67108864\r\n\r\n"+strings.Repeat(" ", 1100<<10), strings.Repeat(" ", 8<<10))
		}},
		{name: "a header that never ends", once: func(ctx context.Context, p *process) bool {
			return send(ctx, p, "POST /v1/messages HTTP/1.1\r\nHost: relay\r\n"+manyNames(2000), "")
		}},
		{name: "an endless JSON", once: ask("/v1/chat/completions", "endless-json", false)},
		{name: "an endless event", once: ask("/v1/chat/completions", "endless-event", true)},
		{name: "an endless event, converted", once: ask("/v1/messages", "endless-event", true)},
		{name: "a gzip bomb", once: ask("/v1/chat/completions", "bomb", false)},
		{name: "many elements, converted", once: ask("/v1/messages", "elements", false)},
		{name: "an answer that is not read", once: func(ctx context.Context, p *process) bool {
			body := `{"model":"large","messages":[]}`
			return send(ctx, p, "POST /v1/chat/completions HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer "+harness.Key+
				"\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"+body, "")
		}},
	}
}

func askProcess(ctx context.Context, client *http.Client, p *process, path, model string, stream bool) (*http.Response, error) {
	body := fmt.Sprintf(`{"model":%q,"stream":%t,"max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`, model, stream)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+harness.Key)
	return client.Do(request)
}

// send sends a beginning and then drips on until the relay hangs up or ctx ends, and reads nothing.
func send(ctx context.Context, p *process, begins, goesOn string) bool {
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.URL, "http://"))
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if _, err := io.WriteString(conn, begins); err != nil {
		return true // it was refused on the way
	}
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	one := make([]byte, 1)
	for {
		select {
		case <-ctx.Done():
			return true
		case <-again.C:
		}
		if goesOn == "" {
			_, _ = conn.Read(one[:0])
			continue
		}
		if _, err := io.WriteString(conn, goesOn); err != nil {
			return true
		}
	}
}

func TestACrowdOfAttackersStaysWithinTheBoundAndOrdinaryClientsAreServed(t *testing.T) {
	harness.Long(t)
	u := hostileUpstream(t)
	var yaml strings.Builder
	yaml.WriteString("channels:\n")
	for _, model := range []string{"endless-json", "endless-event", "bomb", "elements", "large", "ordinary", "ordinary-stream"} {
		fmt.Fprintf(&yaml, "  - {name: %s, type: openai, base_url: %q, keys: [sk-up-a], models: [%s]}\n", model, u.URL, model)
	}
	fmt.Fprintf(&yaml, "tokens:\n  - {name: test, key: %s}\n", harness.Key)
	p := startProcess(t, yaml.String(), fmt.Sprintf("MAX_BUFFERED_MB=%d", attackedBudget))
	atRest := p.peak(t)

	transport := &http.Transport{MaxIdleConnsPerHost: attackers}
	client := &http.Client{Transport: transport}
	ordinary := &http.Client{Transport: &http.Transport{}, Timeout: harness.Patience}
	defer transport.CloseIdleConnections()
	defer ordinary.CloseIdleConnections()
	attacks := theAttacks(client)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var crowd sync.WaitGroup
	for i := range attackers {
		a := attacks[i%len(attacks)]
		crowd.Go(func() {
			again := time.NewTicker(2 * time.Second)
			defer again.Stop()
			for ctx.Err() == nil {
				if a.once(ctx, p) && ctx.Err() == nil {
					a.did.Add(1)
				}
				select {
				case <-ctx.Done():
				case <-again.C:
				}
			}
		})
	}

	// While they are at it: ordinary calls, and health.
	health := func() (h struct {
		InFlight   int64 `json:"in_flight"`
		OpenBodies int64 `json:"open_bodies"`
		BufferedMB int64 `json:"buffered_mb"`
		Goroutines int64 `json:"goroutines"`
	}, took time.Duration) {
		began := time.Now()
		response, err := ordinary.Get(p.URL + "/api/monitor/health")
		require.NoError(t, err)
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		took = time.Since(began)
		_ = response.Body.Close()
		require.Equal(t, http.StatusOK, response.StatusCode)
		require.NoError(t, json.Unmarshal(text, &h))
		return h, took
	}
	var times []time.Duration
	most := int64(0)
	underWay := time.Now()
	for i := 0; i < ordinaryCalls || most < attackedBudget/2 || time.Since(underWay) < 8*time.Second; i++ {
		require.Less(t, time.Since(underWay), 2*harness.Patience, "the budget was %d MB full, %d calls were made", most, i)
		stream, path := i%2 == 1, []string{"/v1/chat/completions", "/v1/messages"}[i/2%2]
		model := "ordinary"
		if stream {
			model += "-stream"
		}
		response, err := askProcess(t.Context(), ordinary, p, path, model, stream)
		require.NoError(t, err)
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		_ = response.Body.Close()
		require.Equal(t, http.StatusOK, response.StatusCode, string(text))
		require.True(t, bytes.Contains(text, []byte("words of")), string(text))
		h, took := health()
		times, most = append(times, took), max(most, h.BufferedMB)
		require.LessOrEqual(t, h.BufferedMB, int64(attackedBudget))
	}
	stop()
	crowd.Wait()
	transport.CloseIdleConnections()

	require.Eventually(t, func() bool {
		h, _ := health()
		return h.InFlight == 0 && h.OpenBodies == 0 && h.BufferedMB == 0 && h.Goroutines < 60
	}, harness.Patience, 50*time.Millisecond, "everything is given back")
	require.Eventually(t, func() bool { return u.Open.Load() == 0 }, harness.Patience, 10*time.Millisecond)

	slices.Sort(times)
	median, p90, peak := times[len(times)/2], times[len(times)*9/10], p.peak(t)
	t.Logf("%d attackers (%v): the budget held %d of %d MB, the process %d MB at its peak (%d at rest; the bound is %d)",
		attackers, attackNames(attacks), most, attackedBudget, peak>>20, atRest>>20, attackedBound>>20)
	for _, a := range attacks {
		t.Logf("%s: %d times", a.name, a.did.Load())
	}
	t.Logf("health, of %d: median %v, p90 %v, worst %v", len(times), median, p90, times[len(times)-1])
	if judged {
		require.Less(t, median, 50*time.Millisecond, "F17")
		require.Less(t, peak, int64(attackedBound))
	}
}
