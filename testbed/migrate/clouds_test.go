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
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

// clouds is Amazon's and Google's hosts, as strict as they are: a signature, a token, a region that is not the host's is refused.
type clouds struct {
	t       *testing.T
	signed  *standin.Bedrock
	bearer  *standin.Bedrock
	gemini  *standin.Server
	claude  *standin.Server
	tokens  *standin.Tokens
	mu      sync.Mutex
	asked   map[string]int // by host
	refused []string
}

var googleHost = regexp.MustCompile(`^(?:([a-z]+-[a-z]+\d+)-)?aiplatform\.googleapis\.com$`)

func newClouds(t *testing.T) *clouds {
	answers := []standin.Answer{{Text: []string{"Good ", "day."}}}
	c := &clouds{t: t, tokens: &standin.Tokens{}, asked: map[string]int{}, signed: &standin.Bedrock{Answers: answers}, bearer: &standin.Bedrock{Answers: answers, Bearer: true}}
	c.gemini = &standin.Server{Dialect: standin.VertexGemini{Tokens: c.tokens}, Answers: answers}
	c.claude = &standin.Server{Dialect: standin.VertexClaude{Tokens: c.tokens}, Answers: answers}
	return c
}

func (c *clouds) refuse(w http.ResponseWriter, format string, args ...any) {
	said := fmt.Sprintf(format, args...)
	c.mu.Lock()
	c.refused = append(c.refused, said)
	c.mu.Unlock()
	http.Error(w, said, http.StatusForbidden)
}

func (c *clouds) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.asked[r.Host]++
	c.mu.Unlock()
	if r.Host == tokenHost {
		c.tokens.ServeHTTP(w, r)
		return
	}
	google := googleHost.FindStringSubmatch(r.Host)
	switch {
	case r.Host == "bedrock-runtime."+standin.BedrockRegion+".amazonaws.com":
		if strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
			c.bearer.ServeHTTP(w, r)
			return
		}
		c.signed.ServeHTTP(w, r)
	case google != nil:
		region := google[1]
		if region == "" {
			region = "global"
		}
		here := "/locations/" + region + "/"
		if !strings.Contains(r.URL.Path, here) {
			c.refuse(w, "%s is asked for %s", r.Host, r.URL.Path)
			return
		}
		// The stand-ins are of the one location.
		r.URL.Path = strings.Replace(r.URL.Path, here, "/locations/global/", 1)
		r.URL.RawPath = ""
		if strings.Contains(r.URL.Path, "/publishers/anthropic/") {
			c.claude.ServeHTTP(w, r)
			return
		}
		c.gemini.ServeHTTP(w, r)
	default:
		c.refuse(w, "nobody is at %s", r.Host)
	}
}

// said is all that was refused.
func (c *clouds) said() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := append([]string(nil), c.refused...)
	for _, of := range []interface{ Refused() []string }{c.signed, c.bearer, c.gemini, c.claude} {
		all = append(all, of.Refused()...)
	}
	return all
}

const tokenHost = "oauth2.googleapis.com"

const cloudClaude = "claude-sonnet-4-5-20250929"

// cloudRow is a channel of a cloud's in an old database, whose rows the real program has written: what it is given here is keys that the
// stand-ins know, models, and where those are.
type cloudRow struct {
	id      int
	columns map[string]string
}

func jsonOf(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}

// rows is each program's own way to have a channel of Bedrock's by keys and by an API key, and one of Vertex AI's.
func (c *clouds) rows(program string) (rows []cloudRow, models []string) {
	t := c.t
	account := c.tokens.File("https://" + tokenHost + "/token")
	gemini := standin.Gemini{}.Model()
	of := func(models ...string) (list, mapping string) {
		to := map[string]string{}
		for _, model := range models {
			to[model] = cloudClaude
			if strings.Contains(model, "gemini") {
				to[model] = gemini
			}
		}
		return strings.Join(models, ","), jsonOf(t, to)
	}
	signed, signedTo := of("aws-claude")
	bearer, bearerTo := of("aws-key-claude")
	vertex, vertexTo := of("vertex-gemini", "vertex-claude")
	keys := strings.Join([]string{standin.BedrockID, standin.BedrockSecret, standin.BedrockRegion}, "|")
	key := standin.BedrockAPIKey + "|" + standin.BedrockRegion
	switch program {
	case "one-api":
		return []cloudRow{
			{67, map[string]string{"key": "x|y|z", "models": signed, "model_mapping": signedTo,
				"config": jsonOf(t, map[string]string{"region": standin.BedrockRegion, "ak": standin.BedrockID, "sk": standin.BedrockSecret})}},
			{84, map[string]string{"models": vertex, "model_mapping": vertexTo,
				"config": jsonOf(t, map[string]string{"region": "us-central1", "vertex_ai_project_id": standin.Project, "vertex_ai_adc": account})}},
		}, []string{"aws-claude", "vertex-gemini", "vertex-claude"}
	case "new-api":
		rows = []cloudRow{
			{67, map[string]string{"key": keys, "models": signed, "model_mapping": signedTo}},
			{128, map[string]string{"key": key, "models": bearer, "model_mapping": bearerTo}},
			{82, map[string]string{"key": account, "models": vertex, "model_mapping": vertexTo, "other": `{"default":"us-east5","vertex-gemini":"global"}`}},
		}
	default:
		rows = []cloudRow{
			{67, map[string]string{"key": keys, "models": signed, "model_mapping": signedTo}},
			{105, map[string]string{"key": key, "models": bearer, "model_mapping": bearerTo}},
			{96, map[string]string{"key": account, "models": vertex, "model_mapping": vertexTo, "config": jsonOf(t, map[string]any{
				"region": "global", "vertex_ai_project_id": standin.Project, "vertex_key_type": "json", "vertex_model_region": map[string]string{"vertex-claude": "us-east5"},
			})}},
		}
	}
	return rows, []string{"aws-claude", "aws-key-claude", "vertex-gemini", "vertex-claude"}
}

// TestImportedChannelsOfCloudsAreCalledAsWhatTheImportWroteSays has no address of its own in the file: the hosts are those of Amazon and
// Google, to which a proxy leads that ends at the stand-ins.
func TestImportedChannelsOfCloudsAreCalledAsWhatTheImportWroteSays(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"one-api", "new-api", "ezlinkai"} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			s := source{program: program, engine: "sqlite"}.load(t, upstreamThen)
			c := newClouds(t)
			host := harness.NewOfficials(t, []string{"*." + standin.BedrockRegion + ".amazonaws.com", "*.googleapis.com"}, c.ServeHTTP)
			rows, models := c.rows(program)
			do := func(statement string, args ...any) {
				result, err := s.db.ExecContext(t.Context(), statement, args...)
				require.NoError(t, err, statement)
				n, err := result.RowsAffected()
				require.NoError(t, err)
				require.EqualValues(t, 1, n, statement)
			}
			for _, row := range rows {
				for column, value := range row.columns {
					do(`UPDATE channels SET "`+column+`" = ? WHERE id = ? AND status = 1`, value, row.id)
				}
				do(`UPDATE channels SET "group" = 'clouds' WHERE id = ?`, row.id)
			}
			const key = "MadeUpKeyOfWhoAsksTheCloudsMadeUpKeyOfWhoAsksTh"
			do(`INSERT INTO users (id, username, password, role, status, quota, "group", access_token, aff_code) VALUES (9001, 'skywalker', 'x', 1, 1, 500000000, 'clouds', 'made-up-sky', 'sky9')`)
			do(`INSERT INTO tokens (id, user_id, "key", status, name, expired_time, remain_quota, unlimited_quota) VALUES (9001, 9001, ?, 1, 'sky', -1, 0, 1)`, key)

			to := target{t.TempDir()}
			report := to.apply(t, s.from)
			authorities := filepath.Join(to.dir, "authorities.pem")
			require.NoError(t, os.WriteFile(authorities, host.PEM(), 0o600))
			relay := to.start(t, "RELAY_PROXY="+host.Proxy.Url(), "SSL_CERT_FILE="+authorities)
			for _, model := range models {
				for _, stream := range []bool{false, true} {
					body := jsonOf(t, map[string]any{"model": model, "max_tokens": 16, "stream": stream, "messages": []any{map[string]string{"role": "user", "content": "Hi!"}}})
					request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, relay+"/v1/chat/completions", bytes.NewReader([]byte(body)))
					require.NoError(t, err)
					request.Header.Set("Authorization", "Bearer sk-"+key)
					response, err := http.DefaultClient.Do(request)
					require.NoError(t, err)
					heard, err := io.ReadAll(response.Body)
					require.NoError(t, err)
					require.NoError(t, response.Body.Close())
					require.Equal(t, http.StatusOK, response.StatusCode, "%s: %s\n%v\n%s", model, heard, c.said(), report)
					require.Contains(t, string(heard), "Good ", model)
				}
			}
			require.Empty(t, c.said(), "what a provider refuses")
			c.mu.Lock()
			defer c.mu.Unlock()
			places := map[string]map[string]int{
				"one-api": {"us-central1-aiplatform.googleapis.com": 4}, "new-api": {"aiplatform.googleapis.com": 2, "us-east5-aiplatform.googleapis.com": 2},
				"ezlinkai": {"aiplatform.googleapis.com": 2, "us-east5-aiplatform.googleapis.com": 2},
			}[program]
			places["bedrock-runtime."+standin.BedrockRegion+".amazonaws.com"] = 2 * (len(models) - 2)
			require.Positive(t, c.asked[tokenHost])
			delete(c.asked, tokenHost)
			require.Equal(t, places, c.asked)
		})
	}
}
