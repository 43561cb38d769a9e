package relay

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/config"
)

func TestTheOpenAPIDocumentHasEveryOperatorsEndpointAndNoOther(t *testing.T) {
	env := map[string]string{"ADMIN_TOKEN": "admin-test-token"}
	source := config.Source{
		File: filepath.Join(t.TempDir(), "none.yaml"), Providers: ConfigProviders(),
		Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		ReadFile: func(string) ([]byte, error) {
			return []byte("channels:\n  - {name: a, type: openai, keys: [sk-x]}\n"), nil
		},
	}
	settings, err := config.LoadSettings(source)
	require.NoError(t, err)
	load := func([]byte) (*config.Config, error) { return config.Load(source, settings) }
	cfg, err := load(nil)
	require.NoError(t, err)
	s, err := New(ServerOptions{Settings: settings, Config: cfg, Log: slog.New(slog.DiscardHandler), Check: load})
	require.NoError(t, err)
	t.Cleanup(s.pool.Close)
	t.Cleanup(s.door.Close)

	var served []string
	parameter := regexp.MustCompile(`:(\w+)`)
	for _, route := range s.front.engine.Routes() {
		if strings.HasPrefix(route.Path, "/api/") && route.Method != http.MethodHead {
			served = append(served, route.Method+" "+parameter.ReplaceAllString(route.Path, "{$1}"))
		}
	}
	answer := httptest.NewRecorder()
	s.front.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/api/openapi.json", nil))
	var document struct{ Paths map[string]map[string]any }
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &document))
	var told []string
	for path, methods := range document.Paths {
		for method := range methods {
			told = append(told, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(served)
	slices.Sort(told)
	require.Equal(t, served, told)
}
