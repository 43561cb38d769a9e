package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/internal/process"
)

// drain is CLIENT_GONE_DRAIN.
const drain = 2 * time.Second

// relay is the program, which may be killed and started again.
type relay struct {
	t       *testing.T
	binary  string
	work    string
	env     []string
	url     string
	client  *http.Client
	log     *harness.LogBuffer
	process *process.Process
}

// build builds the relay of this checkout.
func build(t *testing.T) (binary string) {
	binary = filepath.Join(t.TempDir(), "one-api")
	said, err := exec.Command("go", "build", "-C", "../..", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, string(said))
	return binary
}

func newRelay(t *testing.T, binary, yaml string, env ...string) *relay {
	r := &relay{t: t, binary: binary, work: t.TempDir(), log: &harness.LogBuffer{}, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}}
	file := filepath.Join(r.work, "channels.yaml")
	require.NoError(t, os.WriteFile(file, []byte(yaml), 0o600))
	r.env = append([]string{
		"CONFIG_FILE=" + file, "ADMIN_TOKEN=" + harness.AdminToken, "CLIENT_GONE_DRAIN=" + drain.String(), "OTEL_SDK_DISABLED=true", "TZ=UTC",
		"USAGE_RETENTION_DAYS=30,400",
	}, env...)
	t.Cleanup(r.client.CloseIdleConnections)
	r.start()
	t.Cleanup(func() {
		if r.process != nil {
			r.stop()
		}
	})
	return r
}

func (r *relay) start() {
	r.t.Helper()
	ports, err := process.FreePorts(1)
	require.NoError(r.t, err)
	r.url = "http://127.0.0.1:" + ports[0]
	r.process, err = process.Start(process.Options{Name: "one-api", Work: r.work, Environment: append(r.env, "PORT="+ports[0]), Output: r.log}, r.binary)
	require.NoError(r.t, err)
	require.NoError(r.t, r.process.Ready(context.Background(), harness.Patience, 10*time.Millisecond, func(context.Context) error {
		response, err := r.client.Get(r.url + "/api/status")
		if err == nil {
			err = response.Body.Close()
		}
		return err
	}))
}

// stop ends it as an operator does.
func (r *relay) stop() {
	r.t.Helper()
	require.NoError(r.t, r.process.Stop(harness.Patience), "%s", r.log)
	r.process = nil
	r.client.CloseIdleConnections()
}

// kill is kill -9.
func (r *relay) kill() {
	r.process.Signal(syscall.SIGKILL)
	<-r.process.Ended
	r.process = nil
}

// ask asks as an operator. Its error is what went wrong on the way.
func (r *relay) ask(path string, into any) (status int) {
	r.t.Helper()
	request, err := http.NewRequest(http.MethodGet, r.url+path, nil)
	require.NoError(r.t, err)
	request.Header.Set("Authorization", "Bearer "+harness.AdminToken)
	response, err := r.client.Do(request)
	require.NoError(r.t, err)
	text, err := io.ReadAll(response.Body)
	require.NoError(r.t, errors.Join(err, response.Body.Close()))
	if response.StatusCode == http.StatusOK {
		require.NoError(r.t, json.Unmarshal(text, into), string(text))
	}
	return response.StatusCode
}

// logged is what GET /api/requests/:id says.
type logged struct {
	ID, Outcome string
	Attempts    []struct {
		Channel, Outcome, Source string
		InputTokens              int64 `json:"input_tokens"`
		CachedTokens             int64 `json:"cached_tokens"`
		CacheWriteTokens         int64 `json:"cache_write_5m_tokens"`
		OutputTokens             int64 `json:"output_tokens"`
		CostUSD                  nano  `json:"cost_usd"`
		ChargeUSD                nano  `json:"charge_usd"`
		Unpriced                 bool
	}
}

// used is an element of GET /api/usage.
type used struct {
	Token               string
	Requests, Attempts  int64
	Estimated, Unpriced int64
	CostUSD             nano `json:"cost_usd"`
	ChargeUSD           nano `json:"charge_usd"`
}

// nano is money as the API writes it, in nano-dollars.
type nano int64

func (n *nano) UnmarshalJSON(text []byte) error {
	var dollars, rest int64
	if _, err := fmt.Sscanf(string(text), `"%d.%09d"`, &dollars, &rest); err != nil {
		return fmt.Errorf("%s: %w", text, err)
	}
	*n = nano(dollars*1e9 + rest)
	return nil
}

// usage is what each token has used these days. ok: the database answers.
func (r *relay) usage() (by map[string]used, ok bool) {
	r.t.Helper()
	now := time.Now().UTC()
	var answer struct{ Data []used }
	status := r.ask(fmt.Sprintf("/api/usage?by=token&from=%s&to=%s", now.AddDate(0, 0, -1).Format(time.DateOnly), now.AddDate(0, 0, 1).Format(time.DateOnly)), &answer)
	by = map[string]used{}
	for _, u := range answer.Data {
		by[u.Token] = u
	}
	return by, status == http.StatusOK
}
