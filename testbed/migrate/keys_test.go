package migrate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// answer is what the real program said to a request, and what its upstream was asked: relay/migrate/testdata/README.md.
type answer struct {
	Key, Spelling, Path, Model string
	Pin, Status                int
	UpstreamKey                string `json:"upstream_key"`
	UpstreamModel              string `json:"upstream_model"`
	UpstreamPath               string `json:"upstream_path"`
}

func (s source) answers(t *testing.T) (list []answer) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "relay", "migrate", "testdata", s.program, "answers.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &list))
	require.NotEmpty(t, list)
	return list
}

// header is how a client sends its key.
func (a answer) header() (name, value string) {
	switch a.Spelling {
	case "bearer sk-":
		return "Authorization", "Bearer sk-" + a.Key
	case "bearer":
		return "Authorization", "Bearer " + a.Key
	case "authorization sk-":
		return "Authorization", "sk-" + a.Key
	case "bearer sk- suffix":
		return "Authorization", fmt.Sprintf("Bearer sk-%s-%d", a.Key, a.Pin)
	case "x-api-key sk-":
		return "x-api-key", "sk-" + a.Key
	}
	return "x-goog-api-key", "sk-" + a.Key
}

// asks makes the request again, with a question of its own.
func (a answer) asks(t *testing.T, relay, question string) (status int, said string) {
	t.Helper()
	path := a.Path
	body := map[string]any{"model": a.Model, "max_tokens": 16, "messages": []any{map[string]any{"role": "user", "content": question}}}
	if a.Path == "/v1beta" {
		path += "/models/" + a.Model + ":generateContent"
		body = map[string]any{"contents": []any{map[string]any{"role": "user", "parts": []any{map[string]any{"text": question}}}}}
	}
	text, err := json.Marshal(body)
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, relay+path, bytes.NewReader(text))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	name, value := a.header()
	request.Header.Set(name, value)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	heard, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(heard)
}

// pinned is what a client with a channel's number at its key is told.
var pinned = regexp.MustCompile(`(?i)channel`)

// TestOldKeysWorkAsTheyDidBefore asks what the real program was asked: who was served is served by a channel with the same key, as the
// same model, and nobody else is.
func TestOldKeysWorkAsTheyDidBefore(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s source) {
		up := newUpstream(t)
		s = s.load(t, up.URL)
		up.knows(s.texts(t, `SELECT "key" FROM channels`))
		to := target{t.TempDir()}
		to.apply(t, s.from)
		said, err := os.ReadFile(to.config())
		require.NoError(t, err)
		given := newGiven(t, s, string(said))
		relay := to.start(t)
		served := 0
		for n, a := range s.answers(t) {
			if !given.has(a.Key) {
				continue // PostgreSQL's sequence gave the program a number that was taken: it made no such key there
			}
			question := fmt.Sprintf("made-up question %d", n)
			status, heard := a.asks(t, relay, question)
			up.mu.Lock()
			asked := up.asked[question]
			up.mu.Unlock()
			if problem := given.judge(a, status, heard, asked); problem != "" {
				t.Errorf("%s %s, key %s, model %q: before %d by %s, and now %d by %+v: %s: %s",
					a.Path, a.Spelling, a.Key, a.Model, a.Status, a.UpstreamKey, status, asked, problem, heard)
			}
			if status == http.StatusOK {
				served++
			}
		}
		require.Greater(t, served, 100, "that few were served: the test says nothing")
		up.mu.Lock()
		defer up.mu.Unlock()
		require.Empty(t, up.wrong, "what a provider refuses")
	})
}

// given is what the judge knows of the old rows.
type given struct {
	keys map[string]bool
	// alike are the upstream keys that a call for a model may go by.
	alike map[string][]string
	// blank are models whose channel has a blank in its list of them or of groups.
	blank map[string]bool
	// poor are the keys that had one unit of quota left, or whose user had.
	poor map[string]bool
	// left are models whose channels the import says it cannot take over.
	left map[string]bool
}

func (g given) has(key string) bool {
	return key == "" || strings.Contains(key, "NobodyKnows") || g.keys[key]
}

// unsupported finds the comments of what is not taken over.
var unsupported = regexp.MustCompile(`(?m)^ *# +models: \[(.*)\]`)

func newGiven(t *testing.T, s source, config string) given {
	g := given{
		keys: map[string]bool{}, alike: map[string][]string{}, left: map[string]bool{}, blank: map[string]bool{}, poor: map[string]bool{},
	}
	for _, key := range s.texts(t, `SELECT "key" FROM tokens WHERE remain_quota = 1 OR user_id IN (SELECT id FROM users WHERE quota = 1)`) {
		g.poor[key] = true
	}
	for _, key := range s.texts(t, `SELECT "key" FROM tokens`) {
		g.keys[key] = true
	}
	s.rows(t, `SELECT "key", models, "group" FROM channels WHERE status = 1`, func(scan func(...any)) {
		var key, models, groups string
		scan(&key, &models, &groups)
		for model := range strings.SplitSeq(models, ",") {
			if name := strings.TrimSpace(model); name != model || strings.Contains(groups, " ") {
				g.blank[name] = true
			}
			for line := range strings.Lines(key) {
				g.alike[model] = append(g.alike[model], strings.TrimSpace(line))
			}
		}
	})
	for _, found := range unsupported.FindAllStringSubmatch(config, -1) {
		for model := range strings.SplitSeq(found[1], ",") {
			g.left[strings.Trim(strings.TrimSpace(model), `"`)] = true
		}
	}
	return g
}

// judge says what is wrong with an answer; empty: nothing.
func (g given) judge(a answer, status int, heard string, asked arrived) string {
	switch {
	case strings.HasPrefix(a.Model, " "):
		return "" // a name with a blank, which is taken away
	case a.Status == http.StatusInternalServerError, a.Status == http.StatusBadGateway:
		return "" // an adaptor that could not talk to this upstream
	case a.Status == http.StatusOK:
		return g.judgeServed(a, status, heard, asked)
	case status == http.StatusOK:
		return g.judgeLetIn(a)
	case status == http.StatusBadGateway && g.poor[a.Key]:
		return "" // there a call was reserved at its price before it began; here what is left of a budget lets one begin
	}
	if want := refusals[a.Status]; !slices.Contains(want, status) {
		return fmt.Sprintf("it is none of %v", want)
	}
	return ""
}

// judgeServed is judge for whom the old program served.
func (g given) judgeServed(a answer, status int, heard string, asked arrived) string {
	switch {
	case status != http.StatusOK && a.Pin != 0:
		if status >= http.StatusInternalServerError || !pinned.MatchString(heard) {
			return "it is not told that a channel cannot be chosen"
		}
	case status != http.StatusOK && g.alike[a.Model] != nil && !g.left[a.Model] && a.UpstreamKey != "":
		return "it was served" // and not by an adaptor of its own, or a channel that was changed behind the old program's back
	case status != http.StatusOK, a.UpstreamKey == "":
	case asked.key != a.UpstreamKey && g.left[a.Model]:
		return "it is served, and its channel is said not to be supported"
	case asked.key != a.UpstreamKey && !slices.Contains(g.alike[a.Model], asked.key):
		return "another channel serves it"
	case asked.model != a.UpstreamModel:
		return "its upstream is asked for another model"
	}
	return ""
}

// judgeLetIn is judge for whom the old program refused, and who is served.
func (g given) judgeLetIn(a answer) string {
	header, _ := a.header()
	switch {
	case header != "Authorization" && a.Status == http.StatusUnauthorized:
		return "" // the old program knew no such header; who has the key may ask
	case g.poor[a.Key], g.blank[a.Model]:
		return ""
	}
	return "it was refused"
}

// refusals is what refusals of the old programs are here.
var refusals = map[int][]int{
	// The old programs look at the key first; here what a key that is good may not use can be said of one that is used up as well.
	http.StatusUnauthorized: {
		http.StatusUnauthorized, http.StatusForbidden, http.StatusPaymentRequired, http.StatusTooManyRequests, http.StatusNotFound,
	},
	// No quota is a budget that is used up, and somebody who is off has keys that are off.
	http.StatusForbidden: {http.StatusUnauthorized, http.StatusForbidden, http.StatusPaymentRequired, http.StatusTooManyRequests, http.StatusNotFound},
	// No channel of the group has the model.
	http.StatusServiceUnavailable: {http.StatusForbidden, http.StatusNotFound, http.StatusServiceUnavailable, http.StatusTooManyRequests},
}
