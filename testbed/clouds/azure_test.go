package clouds

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

var azureUsage = wire.Usage{Uncached: standin.Input - standin.Cached, CacheRead: standin.Cached, Text: standin.Output}

func TestEverySurfaceIsServedByAzure(t *testing.T) {
	for _, version := range []string{"", dated} {
		for who, shows := range map[string]func(c *cloud) string{
			"a key": func(*cloud) string { return key }, "a token": func(c *cloud) string { return c.entra(standin.ClientSecret) },
		} {
			t.Run(version+" "+who, func(t *testing.T) {
				everySurface(t, func(c *cloud) string { return c.azure("a", version, ", api: chat"+shows(c)) }, azureOf(version), azureUsage)
			})
		}
	}
}

func TestEmbeddingsAreMadeByAzuresDeployments(t *testing.T) {
	for _, version := range []string{"", dated} {
		c := newCloud(t, azureOf(version), hello)
		r := harness.StartRelay(t, "channels:\n"+c.azure("a", version, key))
		status, answer, _ := r.Ask("/v1/embeddings", `{"model":"e","input":"x"}`)
		require.Equal(t, 200, status, "%s %v", answer, c.Refused())
	}
}

// TestWhatAzureRefusesIsSaidAsItIs has a deployment that there is not, a wrong key, a prompt that its filter blocks.
func TestWhatAzureRefusesIsSaidAsItIs(t *testing.T) {
	for _, version := range []string{"", dated} {
		t.Run(version, func(t *testing.T) {
			c := newCloud(t, azureOf(version), hello)
			channel := strings.Replace(c.azure("a", version, key), "models: [m, e]", "models: [m, e, nonsense]", 1)
			r := harness.StartRelay(t, "channels:\n"+channel)
			status, answer, _ := r.Ask("/v1/chat/completions", strings.Replace(harness.Chat, `"m"`, `"nonsense"`, 1))
			require.Equal(t, http.StatusNotFound, status, answer)
			require.Contains(t, answer, "deployment for this resource does not exist")

			status, answer, _ = r.Ask("/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"BLOCKED"}]}`)
			require.Equal(t, http.StatusBadRequest, status, answer)
			require.Equal(t, "content_filter", harness.ErrorOf(t, answer)["code"])
			status, answer, _ = r.Ask("/v1/messages", `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"BLOCKED"}]}`)
			require.Equal(t, http.StatusBadRequest, status, answer)
			require.Equal(t, "healthy", string(r.Server.Pool().Set().All()[0].State(r.Attempt(0).Began)))

			r = harness.StartRelay(t, "channels:\n"+c.azure("a", version, ", keys: [k-wrong-0123456789]"))
			status, answer, _ = r.Ask("/v1/chat/completions", harness.Chat)
			require.Equal(t, http.StatusBadGateway, status, answer)
			require.Equal(t, "upstream_refused_credentials", harness.ErrorOf(t, answer)["code"])
		})
	}
}

// TestAResourceThatIsAskedTheOtherWayIsToldOnItsOperator: the classic API of a resource that has another date, or the v1 API of one that
// has none.
func TestAResourceThatIsAskedTheOtherWayIsToldOnItsOperator(t *testing.T) {
	c := newCloud(t, azureOf(dated), hello)
	for _, version := range []string{"", "2024-10-21"} {
		r := harness.StartRelay(t, "channels:\n"+c.azure("a", version, key), harness.WithEnv("RETRY_TIMES", "0"))
		status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
		require.Equal(t, http.StatusBadGateway, status, answer)
		require.NotEqual(t, "healthy", string(r.Server.Pool().Set().All()[0].State(r.Attempt(0).Began)))
	}
}

// TestAFormGoesToItsDeployment although the model stands in the form.
func TestAFormGoesToItsDeployment(t *testing.T) {
	for version, want := range map[string]string{"": "/openai/v1/audio/transcriptions", dated: "/openai/deployments/" + standin.Deployment + "/audio/transcriptions?api-version=" + dated} {
		u := harness.NewUpstream(t, false, harness.Answers(200, `{"text":"hello"}`))
		c := &cloud{Server: &standin.Server{Dialect: standin.Azure{}}, at: u}
		r := harness.StartRelay(t, "channels:\n"+c.azure("a", version, key))
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		file, err := w.CreateFormFile("file", "a.wav")
		require.NoError(t, err)
		_, _ = io.WriteString(file, strings.Repeat("x", 5000))
		require.NoError(t, w.WriteField("model", "m"))
		require.NoError(t, w.Close())
		request, err := http.NewRequest(http.MethodPost, r.URL+"/v1/audio/transcriptions", &b)
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+harness.Key)
		request.Header.Set("Content-Type", w.FormDataContentType())
		response, err := r.Client.Do(request)
		require.NoError(t, err)
		require.Equal(t, 200, response.StatusCode)
		_ = response.Body.Close()
		require.Equal(t, want, u.LastPath())
		require.Equal(t, standin.Key, u.LastHeader().Get("Api-Key"))
		require.Empty(t, u.LastHeader().Get("Authorization"))
	}
}

func TestASessionIsAskedForByItsDeployment(t *testing.T) {
	for version, want := range map[string]string{"": "/openai/v1/realtime?model=" + standin.Deployment, dated: "/openai/realtime?api-version=" + dated + "&deployment=" + standin.Deployment} {
		u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
			conn, err := websocket.Accept(w, r, nil)
			if err == nil {
				_ = conn.Close(websocket.StatusNormalClosure, "")
			}
		})
		c := &cloud{Server: &standin.Server{Dialect: standin.Azure{}}, at: u}
		r := harness.StartRelay(t, "channels:\n"+c.azure("a", version, key))
		conn, _, err := websocket.Dial(context.Background(), strings.Replace(r.URL, "http", "ws", 1)+"/v1/realtime?model=m", &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + harness.Key}}})
		require.NoError(t, err)
		_, _, err = conn.Read(context.Background())
		require.Equal(t, websocket.StatusNormalClosure, websocket.CloseStatus(err))
		require.Equal(t, want, u.LastPath())
		require.Equal(t, standin.Key, u.LastHeader().Get("Api-Key"))
	}
}

// TestClaudeOnFoundryIsAskedByAnthropicsAPI with a key, or with a token for another audience than OpenAI's models.
func TestClaudeOnFoundryIsAskedByAnthropicsAPI(t *testing.T) {
	tokens := &standin.Tokens{}
	server := &standin.Server{Dialect: standin.Anthropic{}, Answers: []standin.Answer{hello}}
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		if tokens.Good(r.Header.Get("Authorization"), "https://ai.azure.com/.default") {
			r.Header.Set("X-Api-Key", standin.Key)
		}
		r.URL.Path = strings.TrimPrefix(r.URL.Path, "/anthropic")
		server.ServeHTTP(w, r)
	})
	c := &cloud{issuer: harness.NewUpstream(t, false, tokens.ServeHTTP)}
	for _, who := range []string{key, c.entra(standin.ClientSecret)} {
		r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: azure, base_url: %q, models: [m], model_mapping: {m: claude-sonnet-4-5}%s}\n", u.URL+"/anthropic", who))
		for _, s := range surfaces {
			for _, stream := range []string{"", `,"stream":true`} {
				status, answer, _ := r.Ask(s.path, fmt.Sprintf(s.body, stream))
				require.Equal(t, 200, status, "%s %v", answer, server.Refused())
			}
		}
		require.Equal(t, "azure.ai.inference", r.Server.Pool().Set().All()[0].Provider)
	}
	require.Equal(t, 1, tokens.Asked())
}
