package operator

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

func TestAGlobIsListedAsItsUpstreamListsIt(t *testing.T) {
	var asked atomic.Int64
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/v1/models" {
			harness.Answers(200, harness.WholeAnswer)(w, r)
			return
		}
		asked.Add(1)
		harness.Answers(200, `{"object":"list","x":{"data":[{"id":"nested"}]},"data":[{"id":"qwen-max"},{"id":"qwen-plus","owned_by":1},{"id":"llama-3"},{"id":"hidden-qwen"},
			{"id":"qwen-\u0000bad"},{"id":"qwen-`+strings.Repeat("x", 300)+`"},{"no":"id"},{"id":"secret-qwen"}]}`)(w, r)
	})
	r := harness.StartRelay(t, fmt.Sprintf("channels:\n"+
		"  - {name: a, type: openai, base_url: %[1]q, keys: [sk-upstream-secret], models: [named, 'qwen-*', '*-qwen'], model_mapping: {mapped: named}}\n"+
		"  - {name: other, type: openai, base_url: %[1]q, keys: [sk-upstream-secret], groups: [other], models: ['*']}\n"+
		"tokens:\n  - {name: test, key: %[2]s, models: ['q*', named, mapped, 'hidden-*']}\n", u.URL, harness.Key))
	ids, answer := r.List()
	require.Equal(t, []string{"hidden-qwen", "mapped", "named", "qwen-max", "qwen-plus"}, ids)
	require.Equal(t, "list", answer["object"])
	require.Equal(t, "Bearer sk-upstream-secret", u.LastHeader().Get("Authorization"))
	r.List()
	require.EqualValues(t, 1, asked.Load(), "what it said is kept")

	for model, want := range map[string]int{"named": 200, "mapped": 200, "qwen-max": 200, "qwen-of-tomorrow": 200, "llama-3": 404, "secret-qwen": 404, strings.Repeat("q", 600): 404, "": 404} {
		status, answer := r.Models("/v1/models/" + model)
		require.Equal(t, want, status, model)
		if want == 200 {
			require.Equal(t, model, answer["id"])
			require.Equal(t, "model", answer["object"])
		}
	}
	r.RequireQuiet(harness.AmongOthers, u)
}

// TestAListOfManyPagesIsAskedForInOne: Anthropic gives 20 models without being asked for more, and Gemini 50.
func TestAListOfManyPagesIsAskedForInOne(t *testing.T) {
	for kind, provider := range map[string]struct {
		path, size string
		usually    int
		one, page  string
	}{
		"anthropic": {"/v1/models", "limit", 20, `{"type":"model","id":"many-%03d"}`, `{"data":[%s],"has_more":%t,"first_id":"many-000"}`},
		"gemini":    {"/v1beta/models", "pageSize", 50, `{"name":"models/many-%03d","supportedGenerationMethods":["generateContent"]}`, `{"models":[%s],"nextPageToken":"%t"}`},
	} {
		t.Run(kind, func(t *testing.T) {
			const all = 120
			u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != provider.path {
					http.NotFound(w, r)
					return
				}
				size := provider.usually
				if asked, err := strconv.Atoi(r.URL.Query().Get(provider.size)); err == nil && asked <= 1000 {
					size = min(asked, all)
				}
				list := make([]string, size)
				for i := range list {
					list[i] = fmt.Sprintf(provider.one, i)
				}
				harness.Answers(200, fmt.Sprintf(provider.page, strings.Join(list, ","), size < all))(w, r)
			})
			r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: %s, base_url: %q, keys: [sk-upstream-secret], models: ['many-*']}\n", kind, u.URL))
			ids, _ := r.List()
			require.Len(t, ids, all)
			require.Equal(t, "many-119", ids[all-1])
			r.RequireQuiet(harness.AmongOthers, u)
		})
	}
}

func TestTheListIsInTheAskersFormat(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	for _, headers := range [][]string{{"Anthropic-Version", "2023-06-01"}, {"X-Api-Key", harness.Key, "Authorization", ""}} {
		ids, answer := r.List(headers...)
		require.Equal(t, []string{"m", "m-other"}, ids)
		require.Equal(t, false, answer["has_more"])
		require.Equal(t, "m", answer["first_id"])
		require.Equal(t, "m-other", answer["last_id"])
		first := answer["data"].([]any)[0].(map[string]any)
		require.Equal(t, "model", first["type"])
		require.Equal(t, "m", first["display_name"])
		_, err := time.Parse(time.RFC3339, first["created_at"].(string))
		require.NoError(t, err)
		status, one := r.Models("/v1/models/m", headers...)
		require.Equal(t, 200, status)
		require.Equal(t, "model", one["type"])
		status, refused := r.Models("/v1/models/none", headers...)
		require.Equal(t, 404, status)
		require.Equal(t, "error", refused["type"])
	}
}

func TestAnUpstreamThatListsNothingKeepsNobodyWaitingForLong(t *testing.T) {
	harness.Long(t)
	for name, says := range map[string]http.HandlerFunc{
		"an error":      harness.Answers(500, `{}`),
		"a refusal":     harness.Answers(401, `{"error":{"message":"bad key"}}`),
		"no JSON":       harness.Answers(200, `<html>`),
		"another shape": harness.Answers(200, `{"data":{"id":"x"}}`),
		"no data":       harness.Answers(200, `{"object":"list"}`),
		"an endless one": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"data":[`)
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, `{"id":"`+strings.Repeat("x", 64<<10)+`"},`); err != nil {
					return
				}
			}
		},
		"silence": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := harness.NewUpstream(t, false, says)
			r := harness.StartRelay(t, harness.OpenAIChannel("a", u, "")+"  - {name: b, type: openai, base_url: "+u.URL+", keys: [k-0123456789], models: ['*']}\n")
			ids, _ := r.List()
			require.Equal(t, []string{"m", "m-other"}, ids)
			_, c := r.Get("/api/monitor/channels/b")
			require.Equal(t, "healthy", c["state"], "a list is no call")
			require.Empty(t, c["attempts"])
			r.Stop()
			require.NoError(t, <-r.Ended)
			r.Ended <- nil
			require.Zero(t, r.Server.Pool().InFlight())
		})
	}
}

// TestAKeyOfGlobsIsToldWhatItMayUseAlthoughNoListIsKnown and nobody is sent to a list with nothing on it.
func TestAKeyOfGlobsIsToldWhatItMayUseAlthoughNoListIsKnown(t *testing.T) {
	const (
		globs, named, every = "models: ['gpt-*', 'o3*']", "models: ['gpt-*', my-model]", "groups: [default]"
		none                = ". No names of such models are known here: ask for one that you know, or have the relay's operator name it in the channel's models."
	)
	for name, c := range map[string]struct {
		list, models, key string
		ids               []string
		says              string
	}{
		"a list that the globs match":      {`{"data":[{"id":"gpt-4o"},{"id":"o3"},{"id":"claude-x"}]}`, "'*'", globs, []string{"gpt-4o", "o3"}, "This key may use gpt-*, o3*; GET /v1/models lists the models."},
		"a list that they do not":          {`{"data":[{"id":"claude-x"}]}`, "'*'", globs, nil, "This key may use gpt-*, o3*" + none},
		"an empty list":                    {`{"data":[]}`, "'*'", globs, nil, "This key may use gpt-*, o3*" + none},
		"no list":                          {`{}`, "'*'", globs, nil, "This key may use gpt-*, o3*" + none},
		"no list and a name":               {`{}`, "'*'", named, []string{"my-model"}, "This key may use gpt-*, my-model; GET /v1/models lists the models."},
		"a list without the name":          {`{"data":[{"id":"gpt-4o"}]}`, "'*'", named, []string{"gpt-4o"}, "This key may use gpt-*, my-model; GET /v1/models lists the models."},
		"no list and a key without models": {`{}`, "'qwen-*', 'glm-?'", every, nil, "This key may use qwen-*, glm-?" + none},
		"a named model":                    {`{}`, "m", every, []string{"m"}, "GET /v1/models lists the models that this key may use."},
		"a group without a channel":        {`{}`, "m", "groups: [nobody]", nil, "No channel of this key's groups has any model; the operator of this relay has to look at that."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := harness.NewUpstream(t, false, harness.Answers(200, c.list))
			r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: openai, base_url: %q, keys: [sk-upstream-secret], models: [%s]}\n"+
				"  - {name: o, type: openai, base_url: %[1]q, keys: [sk-upstream-secret], models: [of-another-group], groups: [other]}\n"+
				"tokens:\n  - {name: test, key: %[3]s, %[4]s}\n", u.URL, c.models, harness.Key, c.key))
			ids, answer := r.List()
			require.Equal(t, c.ids, ids)
			if len(ids) == 0 {
				require.Equal(t, c.says, answer["message"])
			} else {
				require.NotContains(t, answer, "message")
			}
			status, refused := r.Models("/v1/models/of-another-group")
			require.Equal(t, 404, status)
			require.Contains(t, harness.ErrorOf(t, asJSON(t, refused))["message"], "This key has no model of that name. "+c.says)
			status, body, _ := r.Ask("/v1/chat/completions", strings.Replace(harness.Chat, `"m"`, `"of-another-group"`, 1))
			require.Equal(t, 403, status, body)
			require.Contains(t, harness.ErrorOf(t, body)["message"], "This key may not use the model `of-another-group`. "+c.says)
			require.NotContains(t, body, "secret")
		})
	}
}

// TestWhoSeesNoListSincePartOfItCouldNotBeHadIsWarnedOfOnce in the log, with what to do.
func TestWhoSeesNoListSinceItCouldNotBeHadIsWarnedOfOnce(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(404, `{"error":{"message":"nothing here"}}`))
	r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: openai, base_url: %q, keys: [sk-upstream-secret], models: ['*']}\n", u.URL))
	for range 3 {
		r.List()
	}
	r.Eventually("a line in the log", func() bool { return strings.Contains(r.Log.String(), "the list of models could not be had") })
	require.Equal(t, 1, strings.Count(r.Log.String(), "the list of models could not be had: clients see nothing of what the channel's globs cover on theirs, unless models names it"))
	require.Contains(t, r.Log.String(), "nothing here")
}

// TestAPrivateAddressOfACloudListsWhatIsWellKnownOfIt since it has no list of its own to be asked for.
func TestAPrivateAddressOfACloudListsWhatIsWellKnownOfIt(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(500, `{}`))
	r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: bedrock, region: us-east-1, base_url: %q, keys: ['AKIA0123456789ABCDEF:0123456789'], models: ['*']}\n"+
		"tokens:\n  - {name: test, key: %s, models: ['*claude*']}\n", u.URL, harness.Key))
	ids, _ := r.List()
	require.NotEmpty(t, ids)
	for _, id := range ids {
		require.Contains(t, id, "claude")
	}
	require.Zero(t, u.Requests.Load())
}

func asJSON(t *testing.T, of map[string]any) string {
	t.Helper()
	text, err := json.Marshal(of)
	require.NoError(t, err)
	return string(text)
}
