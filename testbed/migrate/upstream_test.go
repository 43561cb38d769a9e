package migrate

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// upstream is all the providers of the old channels at one address. It refuses what they would refuse, and a key that no old channel has.
type upstream struct {
	*httptest.Server
	mu    sync.Mutex
	keys  map[string]bool
	asked map[string]arrived // by what the client wrote
	wrong []string
}

// arrived is what a provider is asked.
type arrived struct{ key, model, path string }

var (
	geminiPath = regexp.MustCompile(`^/v1(?:beta|)/models/([^/:]+):(\w+)$`)
	azurePath  = regexp.MustCompile(`^/openai/deployments/([^/]+)/chat/completions$`)
)

func newUpstream(t *testing.T) *upstream {
	u := &upstream{keys: map[string]bool{}, asked: map[string]arrived{}}
	u.Server = httptest.NewServer(u)
	t.Cleanup(u.Close)
	return u
}

// knows makes keys known, which stand one a line or as a channel has them.
func (u *upstream) knows(keys []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, key := range keys {
		u.keys[strings.TrimSpace(key)] = true
		for line := range strings.Lines(key) {
			u.keys[strings.TrimSpace(line)] = true
		}
	}
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	var body struct {
		Model     string
		MaxTokens int `json:"max_tokens"`
		Messages  []struct{ Content any }
		Contents  []struct{ Parts []struct{ Text string } }
	}
	asked := arrived{path: r.URL.Path}
	refuse := func(status int, format string, args ...any) {
		said := fmt.Sprintf(format, args...)
		u.mu.Lock()
		u.wrong = append(u.wrong, fmt.Sprintf("%s %s: %s", r.Method, r.URL, said))
		u.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"error":{"message":%q,"type":"invalid_request_error"}}`, said)
	}
	if err := json.Unmarshal(text, &body); err != nil || r.Method != http.MethodPost {
		refuse(http.StatusBadRequest, "%s is no question", r.Method)
		return
	}
	asked.model = body.Model
	var question, answer string
	where := "Authorization"
	const whole = `{"id":"chatcmpl-made-up","object":"chat.completion","created":1764500000,"model":%q,"choices":[{"index":0,` +
		`"message":{"role":"assistant","content":"yes"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}`
	asked.key, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if gemini := geminiPath.FindStringSubmatch(r.URL.Path); gemini != nil {
		where, asked.key, asked.model = "x-goog-api-key", r.Header.Get("X-Goog-Api-Key"), gemini[1]
		if len(body.Contents) > 0 && len(body.Contents[0].Parts) > 0 {
			question = body.Contents[0].Parts[0].Text
		}
		answer = `{"candidates":[{"content":{"role":"model","parts":[{"text":"yes"}]},"finishReason":"STOP","index":0}],` +
			`"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":3,"totalTokenCount":12},"modelVersion":%q}`
	} else {
		if len(body.Messages) == 0 {
			refuse(http.StatusBadRequest, "there are no messages")
			return
		}
		question = words(body.Messages[len(body.Messages)-1].Content)
		answer = whole
		switch deployment := azurePath.FindStringSubmatch(r.URL.Path); {
		case strings.HasSuffix(r.URL.Path, "/messages"):
			where, asked.key = "x-api-key", r.Header.Get("X-Api-Key")
			if r.Header.Get("Anthropic-Version") == "" || body.MaxTokens == 0 {
				refuse(http.StatusBadRequest, "anthropic-version and max_tokens are required")
				return
			}
			answer = `{"id":"msg_made_up","type":"message","role":"assistant","model":%q,"content":[{"type":"text","text":"yes"}],` +
				`"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":3}}`
		case deployment != nil:
			where, asked.key, asked.model = "api-key", r.Header.Get("Api-Key"), deployment[1]
			version := r.URL.Query().Get("api-version")
			if version == "" {
				refuse(http.StatusNotFound, "Resource not found")
				return
			}
			asked.path += "?api-version=" + version
		case !strings.HasSuffix(r.URL.Path, "/chat/completions"):
			refuse(http.StatusNotFound, "there is no such path")
			return
		}
	}
	u.mu.Lock()
	known := u.keys[asked.key]
	if known {
		u.asked[question] = asked
	}
	u.mu.Unlock()
	if !known {
		refuse(http.StatusUnauthorized, "the key in %s is nobody's", where)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, answer, asked.model)
}

// words is the text of a message, which is a text or in parts.
func words(content any) string {
	switch content := content.(type) {
	case string:
		return content
	case []any:
		for _, part := range content {
			if part, ok := part.(map[string]any); ok {
				if text, ok := part["text"].(string); ok {
					return text
				}
			}
		}
	}
	return ""
}
