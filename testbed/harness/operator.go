package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/stretchr/testify/require"

	"one-api/relay/inflight"
)

// Operate sends an operator's request, with the admin token.
func (r *Relay) Operate(method, path string) (status int, answer string) {
	r.T.Helper()
	request, err := http.NewRequest(method, r.URL+path, nil)
	require.NoError(r.T, err)
	request.Header.Set("Authorization", "Bearer "+AdminToken)
	response, err := r.Client.Do(request)
	require.NoError(r.T, err)
	text, err := io.ReadAll(response.Body)
	require.NoError(r.T, errors.Join(err, response.Body.Close()))
	return response.StatusCode, string(text)
}

// InFlight is what GET /api/monitor/requests lists, once it lists n requests.
func (r *Relay) InFlight(n int) (list []inflight.Listed) {
	r.T.Helper()
	r.Eventually("requests in flight", func() bool {
		response, err := r.Client.Get(r.URL + "/api/monitor/requests")
		require.NoError(r.T, err)
		var answer struct{ Data []inflight.Listed }
		require.NoError(r.T, errors.Join(json.NewDecoder(response.Body).Decode(&answer), response.Body.Close()))
		require.NotNil(r.T, answer.Data)
		list = answer.Data
		return len(list) == n
	})
	return list
}

// InPhase waits until the only request in flight is in a phase.
func (r *Relay) InPhase(phase string) (is inflight.Listed) {
	r.T.Helper()
	r.Eventually("the request is "+phase, func() bool {
		is = r.InFlight(1)[0]
		return is.Phase == phase
	})
	return is
}

// Later asks on a goroutine of its own.
func (r *Relay) Later(body string) <-chan Heard {
	heardOf := make(chan Heard, 1)
	go func() {
		response, err := r.Post(context.Background(), "/v1/chat/completions", body)
		if err != nil {
			heardOf <- Heard{Err: err}
			return
		}
		text, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		heardOf <- Heard{err, response.StatusCode, response.Header, string(text)}
	}()
	return heardOf
}

const ChatStream = `{"stream":true,` + `"model":"m","messages":[{"role":"user","content":"hi"}]}`

// Hangs says nothing, until its client leaves.
func Hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// TwoChannels is the YAML of a channel and of one behind it.
func TwoChannels(first, second *Upstream, more string) string {
	return OpenAIChannel("a", first, ", priority: 10"+more) + fmt.Sprintf("  - {name: b, type: openai, base_url: %q, keys: [sk-up-b], models: [m]}\n", second.URL)
}

const AdminToken = "admin-test-token"
