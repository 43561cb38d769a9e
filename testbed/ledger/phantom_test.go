package ledger

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/internal/process"
)

// phantoms is a relay whose upstream begins answers and never ends them, and two keys: of one two calls may be open, and the budget of the
// other has room for one reservation.
type phantoms struct {
	*relay
	metrics string
}

const (
	fewKey   = "sk-few-0123456789abcdef"
	tightKey = "sk-tight-0123456789abcdef"
	openEnd  = `{"model":"m","stream":true,"max_tokens":250,"messages":[{"role":"user","content":"hi"}]}`
)

func newPhantoms(t *testing.T, binary string, env ...string) *phantoms {
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, `data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]}`+"\n\n")
		_ = http.NewResponseController(w).Flush()
		<-q.Context().Done()
	})
	u.Forgets = true
	ports, err := process.FreePorts(1)
	require.NoError(t, err)
	yaml := harness.OpenAIChannel("a", u, "") + fmt.Sprintf("tokens:\n  - {name: few, key: %s, limits: {concurrent: 2}, budget: {usd: 1, per: day}}\n"+
		"  - {name: tight, key: %s, budget: {usd: 0.0003, per: total}}\nprices: [{model: m, input: 0.1, output: 1}]\n", fewKey, tightKey)
	return &phantoms{
		relay: newRelay(t, binary, yaml, append(env, "SHUTDOWN_TIMEOUT=0.2", "CLIENT_GONE_DRAIN=0", "OTEL_SDK_DISABLED=false", "OTEL_METRICS_EXPORTER=prometheus",
			"OTEL_EXPORTER_PROMETHEUS_HOST=127.0.0.1", "OTEL_EXPORTER_PROMETHEUS_PORT="+ports[0])...),
		metrics: "http://127.0.0.1:" + ports[0] + "/metrics",
	}
}

// opens begins a call, which is answered and goes on; a refusal is its status.
func (p *phantoms) opens(key string) (body io.Closer, status int) {
	p.t.Helper()
	request, err := http.NewRequest(http.MethodPost, p.url+"/v1/chat/completions", strings.NewReader(openEnd))
	require.NoError(p.t, err)
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	response, err := p.client.Do(request)
	require.NoError(p.t, err)
	if response.StatusCode != http.StatusOK {
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(p.t, errors.Join(err, response.Body.Close()))
		return nil, response.StatusCode
	}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() && !strings.Contains(lines.Text(), "word") {
	}
	require.Contains(p.t, lines.Text(), "word")
	return response.Body, response.StatusCode
}

// fills opens as many calls as there is room for, and finds that there is none for more.
func (p *phantoms) fills() (open []io.Closer) {
	p.t.Helper()
	for _, key := range []string{fewKey, fewKey, tightKey} {
		body, status := p.opens(key)
		require.Equal(p.t, http.StatusOK, status, "something is reserved that no call holds: %s", p.log)
		open = append(open, body)
	}
	for _, key := range []string{fewKey, tightKey} {
		_, status := p.opens(key)
		require.Equal(p.t, http.StatusTooManyRequests, status)
	}
	return open
}

var (
	reservedLine = regexp.MustCompile(`(?m)^relay_ledger_balance\{[^}]*balance="reserved"[^}]*\} (\S+)$`)
	usedLine     = regexp.MustCompile(`(?m)^relay_budget_used_ratio\{[^}]*relay_budget_name="(few|tight)"[^}]*\} (\S+)$`)
)

// requireNothingReserved waits for a scrape in which nothing is reserved that no open call holds, and returns how much of the budgets is used.
func (p *phantoms) requireNothingReserved() (used map[string]string) {
	p.t.Helper()
	last := ""
	require.Eventually(p.t, func() bool {
		response, err := p.client.Get(p.metrics)
		if err != nil {
			return false
		}
		text, err := io.ReadAll(response.Body)
		if errors.Join(err, response.Body.Close()) != nil {
			return false
		}
		last = string(text)
		found := reservedLine.FindStringSubmatch(last)
		return found != nil && found[1] == "0"
	}, harness.Patience, 20*time.Millisecond, "%s", p.log)
	used = map[string]string{}
	for _, found := range usedLine.FindAllStringSubmatch(last, -1) {
		used[found[1]] = found[2]
	}
	return used
}

// cuts stops the relay, which says that there were calls that did not end by themselves.
func (p *phantoms) cuts() {
	p.t.Helper()
	require.EqualError(p.t, p.process.Stop(harness.Patience), "exit status 1", "%s", p.log)
	p.process = nil
	p.client.CloseIdleConnections()
}

// TestWhatOpenCallsHadReservedIsFreeOnceTheRelayIsStoppedOrKilled: nobody is kept out by calls of a process that is no more.
func TestWhatOpenCallsHadReservedIsFreeOnceTheRelayIsStoppedOrKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the relay")
	}
	binary := build(t)
	for _, kind := range []string{"SQLite", "PostgreSQL"} {
		for name, end := range map[string]func(p *phantoms){"stopped": (*phantoms).cuts, "killed": func(p *phantoms) { p.kill() }} {
			t.Run(kind+", "+name, func(t *testing.T) {
				d := newDatabase(t, kind, false)
				p := newPhantoms(t, binary, d.env()...)
				for range 2 {
					open := p.fills()
					p.requireNothingReserved()
					end(p)
					for _, body := range open {
						_ = body.Close() // its relay is no more
					}
					p.start()
					used := p.requireNothingReserved()
					require.Len(t, used, 2)
				}
				for _, body := range p.fills() {
					require.NoError(t, body.Close())
				}
				rows := int64(3) // a call of each time that was filled up has its row
				if name == "killed" {
					rows = 1 // and calls that were open then have none
				}
				var by map[string]used
				require.Eventually(t, func() (ok bool) {
					by, ok = p.usage()
					return ok && by["few"].Requests == 2*rows && by["tight"].Requests == rows
				}, harness.Patience, 20*time.Millisecond, "%s", p.log)
				require.Less(t, int64(by["tight"].ChargeUSD), int64(50_000), "what the cut calls took, and not what they had reserved")
				require.Equal(t, by["tight"].Requests, by["tight"].Estimated)
				d.requireBalanced(t)
			})
		}
	}
}
