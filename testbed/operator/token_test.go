package operator

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/store"
	"one-api/testbed/harness"
)

// admin sends an administrator's request with a body of no particular type.
func admin(r *harness.Relay, method, path, body string) (status int, answer map[string]any) {
	r.T.Helper()
	request, err := http.NewRequest(method, r.URL+path, strings.NewReader(body))
	require.NoError(r.T, err)
	request.Header.Set("Authorization", "Bearer "+harness.AdminToken)
	response, err := r.Client.Do(request)
	require.NoError(r.T, err)
	text, err := io.ReadAll(response.Body)
	require.NoError(r.T, errors.Join(err, response.Body.Close()))
	require.NoError(r.T, json.Unmarshal(text, &answer), string(text))
	return response.StatusCode, answer
}

// asksWith asks with a client key.
func asksWith(r *harness.Relay, key string) (status int) {
	r.T.Helper()
	request, err := http.NewRequest(http.MethodPost, r.URL+"/v1/chat/completions", strings.NewReader(harness.Chat))
	require.NoError(r.T, err)
	request.Header.Set("Authorization", "Bearer "+key)
	response, err := r.Client.Do(request)
	require.NoError(r.T, err)
	_, err = io.Copy(io.Discard, response.Body)
	require.NoError(r.T, errors.Join(err, response.Body.Close()))
	return response.StatusCode
}

func tokenRelay(t *testing.T, target store.Target) *harness.Relay {
	t.Helper()
	kept, err := store.Open(t.Context(), target)
	require.NoError(t, err)
	t.Cleanup(kept.Close)
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	return harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("ADMIN_TOKEN", harness.AdminToken), harness.WithStore(kept))
}

func TestAKeyIsMadeUsedLimitedRotatedAndTakenAwayWhileTheRelayRuns(t *testing.T) {
	r := tokenRelay(t, store.Target{Kind: store.SQLite, Path: filepath.Join(t.TempDir(), "ledger.db")})
	status, made := admin(r, "POST", "/api/token", `{"name":"kid"}`)
	require.Equal(t, 201, status)
	require.Equal(t, "kid", made["name"])
	key := made["key"].(string)
	require.Equal(t, 200, asksWith(r, key), "it works at once")

	status, list := admin(r, "GET", "/api/token", "")
	require.Equal(t, 200, status)
	var names []string
	for _, e := range list["data"].([]any) {
		names = append(names, e.(map[string]any)["name"].(string)+" of "+e.(map[string]any)["source"].(string))
	}
	require.Equal(t, []string{"kid of issued", "test of file"}, names)
	require.NotContains(t, mustJSON(t, list), key[3:])

	status, _ = admin(r, "PATCH", "/api/token/kid", `{"models":["other"]}`)
	require.Equal(t, 200, status)
	require.Equal(t, 403, asksWith(r, key))
	status, shown := admin(r, "PATCH", "/api/token/kid", `{"models":null}`)
	require.Equal(t, 200, status)
	require.Equal(t, []any{}, shown["models"])

	status, rotated := admin(r, "POST", "/api/token/kid/rotate", "")
	require.Equal(t, 200, status)
	second := rotated["key"].(string)
	require.Equal(t, []int{200, 200}, []int{asksWith(r, key), asksWith(r, second)}, "the old one has a day")
	status, rotated = admin(r, "POST", "/api/token/kid/rotate", `{"grace_seconds":0}`)
	require.Equal(t, 200, status)
	third := rotated["key"].(string)
	require.Equal(t, []int{401, 401, 200}, []int{asksWith(r, key), asksWith(r, second), asksWith(r, third)})

	status, _ = admin(r, "DELETE", "/api/token/kid", "")
	require.Equal(t, 200, status)
	require.Equal(t, 401, asksWith(r, third))
	status, _ = admin(r, "GET", "/api/token/kid", "")
	require.Equal(t, 404, status)
}

func TestWhatIsWrongWithATokenIsSaid(t *testing.T) {
	r := tokenRelay(t, store.Target{Kind: store.SQLite, Path: filepath.Join(t.TempDir(), "ledger.db")})
	for _, of := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"POST", "/api/token", `{}`, 400, "name is missing"},
		{"POST", "/api/token", `not JSON`, 400, "must be a JSON object"},
		{"POST", "/api/token", `{"name":"kid","key":"sk-my-own-key-0001"}`, 400, "cannot be chosen"},
		{"POST", "/api/token", `{"name":"kid","modles":["m"]}`, 400, "modles: unknown key (did you mean models?)"},
		{"POST", "/api/token", `{"name":"kid","rpm":1}`, 400, "rpm: unknown key (did you mean limits.rpm?)"},
		{"POST", "/api/token", `{"name":"kid","usd":5}`, 400, "usd: unknown key (did you mean budget.usd?)"},
		{"POST", "/api/token", `{"name":"kid","colour":"red"}`, 400, "colour: unknown key (known: name, groups, models,"},
		{"POST", "/api/token", `{"name":"test"}`, 409, "configuration file"},
		{"PATCH", "/api/token/test", `{"disabled":true}`, 409, "configuration file"},
		{"PATCH", "/api/token/none", `{"disabled":true}`, 404, "no token of that name"},
		{"DELETE", "/api/token/none", ``, 404, "no token of that name"},
		{"POST", "/api/token/none/rotate", `{"grace_seconds":-1}`, 400, "grace_seconds"},
	} {
		status, answer := admin(r, of.method, of.path, of.body)
		require.Equal(t, of.status, status, of)
		require.Contains(t, answer["message"], of.says, of)
		require.Equal(t, false, answer["success"])
	}
}

func TestWithoutADatabaseNoKeyIsMadeAndThatIsSaid(t *testing.T) {
	r := tokenRelay(t, store.Target{Kind: store.None})
	status, answer := admin(r, "POST", "/api/token", `{"name":"kid"}`)
	require.Equal(t, 503, status)
	require.Contains(t, answer["message"], "SQL_DSN=off")
}

func mustJSON(t *testing.T, of any) string {
	t.Helper()
	text, err := json.Marshal(of)
	require.NoError(t, err)
	return string(text)
}
