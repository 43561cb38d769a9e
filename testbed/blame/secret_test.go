package blame

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	providers "one-api/relay/provider"
	"one-api/testbed/harness"
)

// TestNoSecretOfAChannelComesBackInWhateverShape has an upstream that repeats all that it knows of the relay: in an error of each
// kind, whole and inside a 200, for each provider. Neither the client, nor the log, nor the monitor shows it.
func TestNoSecretOfAChannelComesBackInWhateverShape(t *testing.T) {
	const key, header, password = "sk-up-0123456789/abc+def-wxyz", "gw-token-9876543210", "pa55:word/xyz"
	for _, p := range providers.All() {
		if p.Speaks[0].Format == providers.Cohere {
			continue // it ranks, and holds no conversations
		}
		kind, statuses := p.Type, []int{200, 400}
		if slices.Contains([]string{"openai", "anthropic", "xai"}, kind) {
			statuses = []int{200, 400, 401, 403, 404, 429, 500}
		}
		for _, status := range statuses {
			t.Run(fmt.Sprint(kind, " ", status), func(t *testing.T) {
				t.Parallel()
				var said string
				p := playsBy(t, func(*http.Request, string) string { return said })
				_, port, err := net.SplitHostPort(strings.TrimPrefix(p.URL, "http://"))
				require.NoError(t, err)
				b := &blamed{primary: p}
				region := ""
				if kind == "bedrock" {
					region = ", region: us-east-1"
				}
				b.Relay = harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: primary, type: %s, base_url: 'http://upstream.test/v1', proxy: 'http://puser-77:%s@127.0.0.1:%s', keys: ['%s'], models: [m], headers: {X-Gateway-Token: '%s'}%s}\n",
					kind, url.QueryEscape(password), port, key, header, region)+blameTokens)
				shapes := []string{
					key, url.QueryEscape(key), url.PathEscape(key), base64.StdEncoding.EncodeToString([]byte(key)), "Bearer " + key, key[:12] + "...", key[:9] + "****" + key[len(key)-4:],
					"****" + key[len(key)-4:], header, base64.StdEncoding.EncodeToString([]byte(header)), password, url.QueryEscape(password),
					base64.StdEncoding.EncodeToString([]byte("puser-77:" + password)), "http://puser-77:" + url.QueryEscape(password) + "@127.0.0.1:" + port,
					"http://upstream.test/v1", "upstream.test", "10.1.2.3:8080", "organization org-AbCdEf0123456789", "ops@operator.example",
				}
				for _, shape := range append(shapes, strings.Repeat("z", 290)+" "+key, strings.Repeat("z", 1990)+" "+key, strings.Join(shapes, " ")) {
					quoted, err := json.Marshal("seen: " + shape)
					require.NoError(t, err)
					said = raw(status, fmt.Sprintf(`{"error":{"message":%s,"type":%s,"code":"odd"}}`, quoted, quoted))
					_, text, _ := b.says(harness.Key, plainCall)
					b.settled()
					if status == 400 {
						require.Contains(t, text, "seen: ")
					}
					_, monitor := b.Get("/api/monitor/channels/primary")
					for _, of := range []string{text, b.Log.String(), fmt.Sprint(monitor)} {
						for _, part := range []string{
							"0123456789", "wxyz", key[:8], "9876543210", "pa55", "puser", "word/x", "word%2", "upstream.test", "10.1.2.3", "AbCdEf", "ops@",
							base64.RawStdEncoding.EncodeToString([]byte(key))[:12], base64.RawStdEncoding.EncodeToString([]byte("puser-77:" + password))[:12],
						} {
							require.NotContains(t, of, part, shape)
						}
					}
				}
			})
		}
	}
}
