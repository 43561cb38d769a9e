package clouds

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

const someone = `{"model":"m","user":"someone@example.com","max_tokens":99,"messages":[{"role":"user","content":"Hi!"}]}`

// nameOf is how the upstream that was asked last knows the end user.
func nameOf(asked []standin.Asked) (name string) {
	walk(asked[len(asked)-1].Body, func(member, value string) {
		if member == "user" || member == "user_id" {
			name = value
		}
	})
	return name
}

// TestAnEndUserHasAPseudonymWhereAChannelHasNoKey as well: it follows from whatever secret the channel has instead of one, or from another
// of the installation's. It is the same in every replica, and nobody makes it of the name alone.
func TestAnEndUserHasAPseudonymWhereAChannelHasNoKey(t *testing.T) {
	anybodys := hmac.New(sha256.New, nil)
	anybodys.Write([]byte("someone@example.com"))
	plain := sha256.Sum256([]byte("someone@example.com"))
	for who, h := range holders {
		if strings.Contains(who, "Entra") {
			continue // which is asked in the client's own format
		}
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, h.dialect, hello)
			yaml := "channels:\n" + h.channel(t, c)
			ask := func(yaml string, env ...string) string {
				options := []harness.RelayOption{harness.WithEnv(env...)}
				if h.env != nil {
					options = append(options, h.env(c))
				}
				r := harness.StartRelay(t, yaml, options...)
				status, answer, _ := r.Ask("/v1/chat/completions", someone)
				require.Equal(t, http.StatusOK, status, "%s %v", answer, c.Refused())
				return nameOf(c.Asked())
			}
			name := ask(yaml)
			require.Regexp(t, `^u_[0-9a-f]{40}$`, name)
			require.NotEqual(t, "u_"+hex.EncodeToString(anybodys.Sum(nil))[:40], name)
			require.NotContains(t, hex.EncodeToString(plain[:]), name[2:])
			require.Equal(t, name, ask(yaml), "another replica says the same")
			require.NotEqual(t, name, ask(yaml, "USER_HASH_KEY", "of-the-operators-own-choice"))
		})
	}
}

// TestWhatAProviderHasSignedGoesToAnotherAccountOfIts if it takes that: Anthropic's models read each other's thoughts wherever the same
// provider serves them, whoever pays. What OpenAI has encrypted only that account can read; it is left out elsewhere, and the client is told.
func TestWhatAProviderHasSignedGoesToAnotherAccountOfIts(t *testing.T) {
	const other = standin.Key + "-other"
	for name, of := range map[string]struct {
		kind, signed string
		dialect      standin.Dialect
		talk         string
		second       string // the second channel's key
		travels      bool
	}{
		"Anthropic, another account": {"anthropic", standin.AnthropicSignature, standin.Anthropic{}, "responses", other, true},
		"Anthropic, the same":        {"anthropic", standin.AnthropicSignature, standin.Anthropic{}, "responses", standin.Key, true},
		"OpenAI, another account":    {"openai, api: responses", standin.ResponsesSealed, standin.Responses{}, "messages", other, false},
		"OpenAI, the same":           {"openai, api: responses", standin.ResponsesSealed, standin.Responses{}, "messages", standin.Key, true},
		"Gemini, the same":           {"gemini", standin.GeminiSignature, standin.Gemini{}, "chat", standin.Key, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := standin.Answer{Thought: "Hm.", Text: []string{"Let me see."}, Calls: []standin.Call{{ID: "call_abc123", Name: "get_weather", Arguments: []string{`{"city":"Oslo"}`}}}}
			s := &standin.Server{Dialect: of.dialect, Answers: []standin.Answer{calls, {Text: []string{"Mild there."}}}}
			var down atomic.Bool
			u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("X-Of") == "one" && down.Load() {
					http.Error(w, `{"error":{"message":"overloaded"}}`, http.StatusServiceUnavailable)
					return
				}
				for _, header := range []string{"X-Api-Key", "Authorization"} {
					if r.Header.Get(header) != "" {
						r.Header.Set(header, strings.ReplaceAll(r.Header.Get(header), other, standin.Key))
					}
				}
				s.ServeHTTP(w, r)
			})
			channel := func(name, key string, priority int) string {
				return fmt.Sprintf("  - {name: %s, type: %s, base_url: %q, keys: [%s], models: [m], model_mapping: {m: %q}, priority: %d, headers: {X-Of: %s}}\n", name, of.kind, u.URL, key, of.dialect.Model(), priority, name)
			}
			r := harness.StartRelay(t, "channels:\n"+channel("one", standin.Key, 2)+channel("two", of.second, 1))
			k := &talks[slices.IndexFunc(talks, func(k talk) bool { return k.name == of.talk })]
			turns := []string{plainly(k.first)}
			status, answer, _ := r.Ask(k.path, k.body(turns, false, k.name != "chat"))
			require.Equal(t, http.StatusOK, status, "%s %v", answer, s.Refused())
			require.NotContains(t, answer, of.signed, "it is sealed")
			var said map[string]any
			require.NoError(t, json.Unmarshal([]byte(answer), &said))
			turns = append(turns, k.next(said)...)

			down.Store(true)
			status, answer, header := r.Ask(k.path, k.body(turns, false, k.name != "chat"))
			require.Equal(t, http.StatusOK, status, "%s %v", answer, s.Refused())
			last := s.Asked()[len(s.Asked())-1]
			if of.travels {
				require.Contains(t, string(last.Text), of.signed)
				require.Empty(t, header.Get("X-Oneapi-Dropped"))
			} else {
				require.NotContains(t, string(last.Text), of.signed)
				require.Equal(t, "reasoning", header.Get("X-Oneapi-Dropped"))
			}
			require.NotContains(t, string(last.Text), "__sealed_")
			require.Equal(t, "two", r.Attempt(2).Channel.Name)
			require.Empty(t, s.Refused(), "nothing is sent that is refused")
		})
	}
}
