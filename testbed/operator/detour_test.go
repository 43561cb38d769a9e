package operator

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// A provider that falls back by itself is told which models to fall back to. Those are models that a token may use, or none.
func TestAListOfModelsDoesNotPassByWhatATokenMayUse(t *testing.T) {
	passed, err := os.ReadFile("../../relay/gate/testdata/other-models.json")
	require.NoError(t, err)
	u := harness.NewUpstream(t, false, harness.Answers(200, strings.ReplaceAll(harness.WholeAnswer, "m-2026", "cheap")))
	r := harness.StartRelay(t, fmt.Sprintf(`channels:
  - {name: a, type: openai, base_url: %q, keys: [sk-up-a], models: [cheap, small]}
  - {name: b, type: openai, base_url: %q, keys: [sk-up-b], models: [expensive], groups: [paid]}
tokens:
  - {name: test, key: %s, models: [cheap, small, "e*"], groups: [default, paid]}
  - {name: limited, key: sk-limited-0123456789, models: [cheap, small]}
  - {name: free, key: sk-free-0123456789abcd}
  - {name: paid, key: sk-paid-0123456789abcd, groups: [default, paid]}
`, u.URL, u.URL, harness.Key))
	ask := func(key, body string) (int, string) {
		t.Helper()
		request, err := http.NewRequest(http.MethodPost, r.URL+"/v1/chat/completions", strings.NewReader(body))
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+key)
		response, err := r.Client.Do(request)
		require.NoError(t, err)
		defer func() { _ = response.Body.Close() }()
		text := make([]byte, 4<<10)
		n, _ := response.Body.Read(text)
		return response.StatusCode, string(text[:n])
	}
	with := func(more string) string {
		return `{"model":"cheap",` + more + `,"messages":[{"role":"user","content":"hi"}]}`
	}
	for _, c := range []struct {
		name, key, body string
		status          int
		param           string
	}{
		{"another model, in a list", "sk-limited-0123456789", string(passed), 403, "models"},
		{"another model, as a fallback", "sk-limited-0123456789", with(`"fallbacks":[{"model":"expensive"}]`), 403, "fallbacks"},
		{"another model, as a fallback that is a string", "sk-limited-0123456789", with(`"fallbacks":["expensive"]`), 403, "fallbacks"},
		{"another model behind one that may be used", "sk-limited-0123456789", with(`"models":["small","expensive"]`), 403, "models"},
		{"a model of another group", "sk-free-0123456789abcd", with(`"models":["expensive"]`), 403, "models"},
		{"a model that nobody serves", "sk-free-0123456789abcd", with(`"models":["openai/o9"]`), 404, "models"},
		{"two models in one object", "sk-limited-0123456789", with(`"fallbacks":[{"model":"small","Model":"expensive"}]`), 403, "fallbacks"},
		{"a list that cannot be read", "sk-limited-0123456789", with(`"models":"expensive"`), 400, "models"},
		{"an element that cannot be read", "sk-limited-0123456789", with(`"models":[["expensive"]]`), 400, "models"},
		{"an object without a model", "sk-limited-0123456789", with(`"fallbacks":[{"cheap":["expensive"]}]`), 400, "fallbacks"},
		{"a route of another kind", "sk-limited-0123456789", with(`"route":{"to":"expensive"}`), 400, "route"},
		{"more models than anybody takes", "sk-limited-0123456789", with(`"models":[` + strings.Repeat(`"small",`, 40) + `"small"]`), 400, "models"},
		{"models that it may use", "sk-limited-0123456789", with(`"models":["small","cheap"],"route":"fallback","fallbacks":[{"model":"small"}]`), 200, ""},
		{"models of its groups", "sk-paid-0123456789abcd", string(passed), 200, ""},
		{"models that its globs cover", harness.Key, string(passed), 200, ""},
		{"any route, without a list", "sk-free-0123456789abcd", with(`"route":{"by":"price"}`), 200, ""},
		{"nothing", "sk-limited-0123456789", with(`"models":null,"fallbacks":[],"route":null`), 200, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := u.Requests.Load()
			status, answer := ask(c.key, c.body)
			require.Equal(t, c.status, status, answer)
			if c.status == 200 {
				u.Mu.Lock()
				defer u.Mu.Unlock()
				assert.JSONEq(t, c.body, string(u.Bodies[len(u.Bodies)-1]), "it passes as it is")
				return
			}
			assert.Equal(t, before, u.Requests.Load())
			assert.Equal(t, c.param, harness.ErrorOf(t, answer)["param"])
		})
	}
}
