package redact

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/config"
)

const (
	aKey      = `sk-proj-"Ab/C+d=0123456789"-wxyz`
	aPassword = "p@ss w/rd-77"
	aHeader   = "Bearer hdr-0123456789-tail"
)

func redactorOf(t *testing.T) *Redactor {
	t.Helper()
	base, err := url.Parse("https://relay.inside.example:8443/v4/accounts/0123456789abcdef0123/openai/v1")
	require.NoError(t, err)
	proxy := &url.URL{Scheme: "http", Host: "proxy.example:3128", User: url.UserPassword("puser-1", aPassword)}
	return New(config.Channel{
		Proxy: proxy, BaseURL: base, Keys: []string{aKey, "AKIDEXAMPLE1:secret-of-aws-9"},
		Headers: map[string]string{
			"X-Gateway": aHeader, "X-Auth": aHeader, "Cookie": "theme=dark; session=cafebabe-0001", "Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte("guser:gpass-5678")),
			"X-Title": "My relay of 2026", "Anthropic-Beta": "context-1m-2025-08-07",
		},
	})
}

func TestSecretsAreTakenOutInWhateverShapeTheyComeBack(t *testing.T) {
	r := redactorOf(t)
	quoted, err := json.Marshal(aKey)
	require.NoError(t, err)
	for name, secret := range map[string]string{
		"the key":                     aKey,
		"in JSON":                     string(quoted[1 : len(quoted)-1]),
		"in a query":                  url.QueryEscape(aKey),
		"in a path":                   url.PathEscape(aKey),
		"in base64":                   base64.StdEncoding.EncodeToString([]byte(aKey)),
		"in base64 of URLs":           base64.RawURLEncoding.EncodeToString([]byte(aKey)),
		"with its scheme":             "Bearer " + aKey,
		"in capitals":                 strings.ToUpper(aKey),
		"with its ends":               "sk-proj-****wxyz",
		"with its beginning":          "sk-proj-***",
		"with its end":                "****wxyz",
		"with dots":                   "sk-pr...xyz",
		"with an ellipsis":            "sk-pr…wxyz",
		"with crosses":                "sk-projxxxxxxxxwxyz",
		"a part of one":               "secret-of-aws",
		"the other part":              "AKIDEXAMPLE1",
		"of a proxy":                  aPassword,
		"of a proxy, escaped":         url.QueryEscape(aPassword),
		"of a proxy, with its user":   "puser-1",
		"of a proxy, as it is sent":   base64.StdEncoding.EncodeToString([]byte("puser-1:" + aPassword)),
		"a proxy's URL":               "http://puser-1:" + url.QueryEscape(aPassword) + "@proxy.example:3128",
		"a header":                    aHeader,
		"a header without its scheme": "hdr-0123456789-tail",
		"a cookie":                    "cafebabe-0001",
		"a password of basic auth":    "gpass-5678",
		"another's key":               "sk-live-0123456789abcdef",
		"Google's":                    "AIzaSyD-0123456789abcdefghijk",
	} {
		got := r.Text("it says: " + secret + ", so there")
		require.True(t, strings.HasPrefix(got, "it says: ") && strings.HasSuffix(got, ", so there"), "%s: %s", name, got)
		for _, part := range []string{"wxyz", "0123456789", "secret-of", "AKID", "w/rd", "cafebabe", "5678", "sk-", "AIza", "puser", "hdr-"} {
			require.NotContains(t, strings.ToLower(got), strings.ToLower(part), "%s: %s", name, got)
		}
	}
}

func TestAddressesAreTakenOut(t *testing.T) {
	r := redactorOf(t)
	for _, text := range []string{
		"https://relay.inside.example:8443/v4/accounts/0123456789abcdef0123/openai/v1", "relay.inside.example", "RELAY.INSIDE.EXAMPLE:8443",
		"proxy.example", "0123456789abcdef0123", "10.0.0.7", "10.0.0.7:8080", "192.168.1.9", "203.0.113.9", "127.0.0.1:11434", "[fd00::1]:443", "fe80::1", "::1",
		"http://vllm:8000/v1", "http://10.1.2.3/x?y=z", "http://svc.ns.svc.cluster.local:80/", "redis.prod.internal", "localhost:8000", "http://user:pw@pub.example/",
	} {
		got := r.Text("dial " + text + " failed")
		require.Contains(t, got, hiddenAddress, text)
		require.NotContains(t, got, text)
		require.True(t, strings.HasPrefix(got, "dial ") && strings.HasSuffix(got, " failed"), got)
	}
}

func TestTheOperatorsAccountIsTakenOut(t *testing.T) {
	r := redactorOf(t)
	for text, want := range map[string]string{
		"Rate limit reached for gpt-4o in organization org-AbCdEf0123456789 on tokens": "Rate limit reached for gpt-4o in organization *** on tokens",
		"in organization `org_01hq7a` service tier":                                    "in organization `***` service tier",
		"Project `proj_abcDEF12345` does not have access":                              "Project `***` does not have access",
		"Consumer 'project_number:123456789012' has been suspended":                    "Consumer '***' has been suspended",
		"projects/my-project-77/locations/us":                                          "***/locations/us",
		"arn:aws:iam::123456789012:user/me is not authorized":                          "*** is not authorized",
		"account 123456789012 is over":                                                 "account *** is over",
		"Account ID: 99887766, plan":                                                   "Account ID: ***, plan",
		"Too many requests for team 11111111-2222-3333-4444-555555555555 and":          "Too many requests for team *** and",
		"API key ID: 99999999-2222-3333-4444-555555555555, Model: grok-4":              "API key ID: ***, Model: grok-4",
		"write to someone@operator.example":                                            "write to ***",
	} {
		require.Equal(t, want, r.Text(text))
	}
}

func TestWhatIsNobodysSecretStays(t *testing.T) {
	r := redactorOf(t)
	for _, text := range []string{
		"This model's maximum context length is 8192 tokens. However, your messages resulted in 9631 tokens.",
		"Unknown parameter: 'foo'. See https://platform.openai.com/docs/guides/error-codes for more.",
		"Invalid value for `messages[0].content[1]`: at 12:30:45, version 1.2.3, std::vector<int>", "My relay of 2026",
		"unknown beta context-1m-2025-08-07", "prompt is too long: 208310 tokens > 200000 maximum", "the user said ***bold*** and so on... fine",
		"tool_use ids were found without tool_result blocks: toolu_01A09q90qw90lq917835lq9", "The model `gpt-4o-2024-08-06` does not exist", "",
	} {
		require.Equal(t, text, r.Text(text))
	}
}

func TestWordsThatStandForNoKeyAreNoSecrets(t *testing.T) {
	for _, none := range []string{"none", "EMPTY", "dummy", "x", ""} {
		r := New(config.Channel{Keys: []string{none}})
		require.Equal(t, "none of EMPTY dummy x", r.Text("none of EMPTY dummy x"))
	}
}
