package clouds

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay"
	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

// holder is a channel whose tokens are fetched, and who gives them out.
type holder struct {
	channel func(t *testing.T, c *cloud) string
	dialect func(*standin.Tokens) standin.Dialect
	env     func(c *cloud) harness.RelayOption
}

var holders = map[string]holder{
	"an application of Entra's": {
		channel: func(_ *testing.T, c *cloud) string {
			return c.azure("a", "", ", timeouts: {connect: 1500ms}"+c.entra(standin.ClientSecret))
		},
		dialect: azureOf(""),
	},
	"a service account": {
		channel: func(t *testing.T, c *cloud) string { return c.vertex(t, "a", ", timeouts: {connect: 1500ms}") },
		dialect: func(s *standin.Tokens) standin.Dialect { return standin.VertexClaude{Tokens: s} },
	},
	"a machine of Google's": {
		channel: func(_ *testing.T, c *cloud) string {
			return fmt.Sprintf("  - {name: a, type: vertex, base_url: %q, project: %s, models: [m], model_mapping: {m: %q}, timeouts: {connect: 1500ms}}\n", c.at.URL, standin.Project, c.Dialect.Model())
		},
		dialect: func(s *standin.Tokens) standin.Dialect { return standin.VertexClaude{Tokens: s} },
		env: func(c *cloud) harness.RelayOption {
			return harness.WithEnv("GCE_METADATA_HOST", strings.TrimPrefix(c.issuer.URL, "http://"))
		},
	},
}

func (h holder) relay(t *testing.T, c *cloud) *harness.Relay {
	t.Helper()
	options := []harness.RelayOption{harness.WithEnv("RETRY_TIMES", "0")}
	if h.env != nil {
		options = append(options, h.env(c))
	}
	return harness.StartRelay(t, "channels:\n"+h.channel(t, c), options...)
}

// TestWhoeverGivesOutTokensMayFailInEveryWay: an outage, a web page, a redirect, nothing at all, a token that has expired already. The client
// is told of a gateway's error, nobody's secret is in it, the upstream is not asked, and who gives out tokens not for every call. The monitor
// and the probe say what it was.
func TestWhoeverGivesOutTokensMayFailInEveryWay(t *testing.T) {
	webPage := func(status int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Metadata-Flavor", "Google")
			w.WriteHeader(status)
			_, _ = w.Write([]byte("<html>secret.example</html>"))
		}
	}
	saying := func(body string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Metadata-Flavor", "Google")
			failing(200, body)(w)
		}
	}
	for who, h := range holders {
		for name, f := range map[string]struct {
			fails  func(http.ResponseWriter)
			status int
			says   string
		}{
			"an outage":               {failing(503, `{"error":"temporarily_unavailable"}`), http.StatusBadGateway, "answered with status 503 temporarily_unavailable"},
			"an outage as a web page": {webPage(500), http.StatusBadGateway, "answered with status 500 and a web page: is that really where tokens are given out?"},
			"a web page":              {webPage(200), http.StatusBadGateway, "answered with a web page: is that really where tokens are given out?"},
			"another's 404":           {webPage(404), http.StatusBadGateway, "answered with status 404 and a web page"},
			"a firewall's 403":        {failing(403, `blocked`), http.StatusBadGateway, "answered with status 403"},
			"too many":                {failing(429, `{"error":"slow_down"}`), http.StatusBadGateway, "answered with status 429 slow_down"},
			"a refusal":               {failing(400, `{"error":"invalid_grant","error_description":"account not found for secret.example"}`), http.StatusBadGateway, "refused the credentials: status 400 invalid_grant: there is no such account any more"},
			"a redirect": {func(w http.ResponseWriter) {
				w.Header().Set("Location", "http://127.0.0.1:1/")
				w.WriteHeader(http.StatusFound)
			}, http.StatusBadGateway, "answered with status 302: redirects are not followed"},
			"a cut": {func(w http.ResponseWriter) {
				w.Header().Set("Metadata-Flavor", "Google")
				w.Header().Set("Content-Length", "500")
				_, _ = w.Write([]byte(`{"access_token":`))
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			}, http.StatusBadGateway, "could not be asked: the connection was closed early"},
			"a reset":                {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, http.StatusBadGateway, "could not be asked: the connection was closed early"},
			"a book":                 {saying(`{"access_token":"` + strings.Repeat("a", 1<<20) + `","expires_in":3599}`), http.StatusBadGateway, "answered with more than any token is"},
			"no token":               {saying(`{"token_type":"Bearer","expires_in":3599}`), http.StatusBadGateway, "answered with something that is no token"},
			"an expired token":       {saying(`{"access_token":"ya29.old","token_type":"Bearer","expires_in":0}`), http.StatusBadGateway, "expired already"},
			"a long expired token":   {saying(`{"access_token":"ya29.old","token_type":"Bearer","expires_in":-3600}`), http.StatusBadGateway, "expired already"},
			"silence":                {nil, http.StatusGatewayTimeout, "did not answer in time"},
			"a token that is a line": {saying(`{"access_token":"ya29.a\r\nX: y","token_type":"Bearer","expires_in":3599}`), http.StatusBadGateway, "no token"},
		} {
			t.Run(who+", "+name, func(t *testing.T) {
				t.Parallel()
				c := newCloud(t, h.dialect, hello)
				hold := make(chan struct{})
				defer close(hold)
				if c.tokens.Fails = f.fails; f.fails == nil {
					c.tokens.Holds = hold
				}
				r := h.relay(t, c)
				status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
				require.Equal(t, f.status, status, answer)
				require.Contains(t, r.Attempt(0).Failure.Detail, f.says)
				for range 4 {
					_, more, _ := r.Ask("/v1/chat/completions", harness.Chat)
					answer += more
				}
				require.LessOrEqual(t, c.tokens.Asked(), 4, "not for every call")
				require.Zero(t, c.at.Requests.Load(), "nothing is asked without a token")
				require.NotEqual(t, "healthy", string(r.Server.Pool().Set().All()[0].State(time.Now())))
				_, shown := r.Get("/api/monitor/channels/a")
				require.Contains(t, shown["reason"], f.says)
				requireNoSecret(t, r, answer)
				require.NotContains(t, answer+r.Log.String(), "secret.example")
				if h.env == nil { // a probe has no environment here
					table, found := probesFor(t, "channels:\n"+h.channel(t, c), relay.Question{Call: true})
					require.Equal(t, relay.SomeFail, found, table)
					require.Contains(t, table, f.says)
				}
			})
		}
	}
}

// TestATokenThatIsRefusedMidWayIsFetchedAnewOnce and the client is told if the new one is refused as well.
func TestATokenThatIsRefusedMidWayIsFetchedAnewOnce(t *testing.T) {
	for who, h := range holders {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, h.dialect, hello)
			r := h.relay(t, c)
			ask := func() (int, string) {
				status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
				return status, answer
			}
			status, answer := ask()
			require.Equal(t, 200, status, answer)
			c.tokens.Revoke()
			status, answer = ask()
			require.Equal(t, 200, status, "the same attempt goes on with a new one: %s", answer)
			require.Equal(t, 2, c.tokens.Asked())
			require.EqualValues(t, 3, c.at.Requests.Load())
			require.Equal(t, []string{"completed", "completed"}, r.Outcomes(2))

			c.tokens.Void()
			status, answer = ask()
			require.Equal(t, http.StatusBadGateway, status, answer)
			require.Equal(t, "upstream_refused_credentials", harness.ErrorOf(t, answer)["code"])
			require.Equal(t, 3, c.tokens.Asked(), "once")
			require.EqualValues(t, 5, c.at.Requests.Load())
			requireNoSecret(t, r, answer)
		})
	}
}

// TestTheCredentialsOfAMachineOfAmazonsMayFailInEveryWay as well, and are fetched anew once if Bedrock says that they have expired.
func TestTheCredentialsOfAMachineOfAmazonsMayFailInEveryWay(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
	t.Setenv("AWS_CONFIG_FILE", "/nowhere")
	var asked atomic.Int64
	var says atomic.Value
	machine := harness.NewUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		says.Load().(func(http.ResponseWriter))(w)
	})
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", machine.URL+"/role")
	good := func(until time.Duration) func(http.ResponseWriter) {
		return failing(200, fmt.Sprintf(`{"AccessKeyId":%q,"SecretAccessKey":%q,"Token":%q,"Expiration":%q}`, standin.BedrockID, standin.BedrockSecret, standin.BedrockToken,
			time.Now().Add(until).UTC().Format(time.RFC3339)))
	}
	channel := func(u *harness.Upstream) string {
		return strings.Replace(bedrockChannel("a", u.URL, standin.BedrockNova, ", timeouts: {connect: 10s}"), fmt.Sprintf(", keys: [%q]", bedrockKey), "", 1)
	}
	for name, f := range map[string]struct {
		fails func(http.ResponseWriter)
		says  string
	}{
		"an outage":     {failing(503, `{"message":"no"}`), "the container's address answered with an error"},
		"a web page":    {failing(200, `<html>`), "whoever was asked for some answered with something that is none"},
		"a refusal":     {failing(403, `{"code":"AccessDenied","message":"`+standin.BedrockSecret+`"}`), "whoever was asked for some has refused (AccessDenied): may this machine assume the role?"},
		"nothing in it": {failing(200, `{}`), "answered with something that is none"},
		"a line in it":  {failing(200, `{"AccessKeyId":"AKID\r\nX: y","SecretAccessKey":"0123456789","Token":"x"}`), "answered with something that is none"},
		"a book":        {failing(200, `{"AccessKeyId":"`+strings.Repeat("A", 4<<20)+`","SecretAccessKey":"0123456789"}`), "whoever was asked for some answered with more than any credentials are"},
		"a cut": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "500")
			_, _ = w.Write([]byte(`{"AccessKeyId":`))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, "whoever was asked for some answered with something that is none"},
		"a redirect": {func(w http.ResponseWriter) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(http.StatusFound)
		}, "the container's address answered with an error"},
		"expired already": {good(-time.Hour), "expired already"},
	} {
		t.Run(name, func(t *testing.T) {
			says.Store(f.fails)
			asked.Store(0)
			server := &standin.Bedrock{Answers: []standin.Answer{hello}, Session: true}
			u := harness.NewUpstream(t, false, server.ServeHTTP)
			r := harness.StartRelay(t, "channels:\n"+channel(u), harness.WithEnv("RETRY_TIMES", "0"))
			status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
			require.Equal(t, http.StatusBadGateway, status, answer)
			for range 4 {
				_, more, _ := r.Ask("/v1/chat/completions", harness.Chat)
				answer += more
			}
			require.Zero(t, u.Requests.Load(), "nothing is asked without credentials")
			_, shown := r.Get("/api/monitor/channels/a")
			require.Contains(t, shown["reason"], f.says, "%s %v", r.Log.String(), r.Attempt(0).Failure)
			table, found := probesFor(t, "channels:\n"+channel(u), relay.Question{Call: true})
			require.Equal(t, relay.SomeFail, found, table)
			require.Contains(t, table, f.says)
			require.LessOrEqual(t, asked.Load(), int64(15), "not for every call, with the library's own second tries")
			for _, secret := range []string{standin.BedrockSecret, standin.BedrockID, standin.BedrockToken} {
				require.NotContains(t, answer+r.Log.String(), secret)
			}
		})
	}
	t.Run("expired mid-way", func(t *testing.T) {
		says.Store(good(time.Hour))
		asked.Store(0)
		refuses := atomic.Int64{}
		server := &standin.Bedrock{Answers: []standin.Answer{hello}, Session: true, Fail: func() (string, int, string) {
			if refuses.Add(-1) >= 0 {
				return "ExpiredTokenException", 403, "The security token included in the request is expired"
			}
			return "", 0, ""
		}}
		u := harness.NewUpstream(t, false, server.ServeHTTP)
		r := harness.StartRelay(t, "channels:\n"+channel(u), harness.WithEnv("RETRY_TIMES", "0"))
		for n, want := range []struct {
			refused int64
			status  int
			fetched int64
		}{{0, 200, 1}, {1, 200, 2}, {2, http.StatusBadGateway, 3}} {
			refuses.Store(want.refused)
			status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
			require.Equal(t, want.status, status, "%d: %s %v", n, answer, server.Refused())
			require.Equal(t, want.fetched, asked.Load(), "once")
		}
	})
}
