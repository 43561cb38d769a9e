package credential

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/config"
)

// endpoint gives out tokens as its handler says.
func endpoint(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server.URL
}

// once is a way whose connections are used once, as upstream's.
func once() http.RoundTripper { return &http.Transport{DisableKeepAlives: true} }

func fetched(t *testing.T, c config.Credential) (*Token, error) {
	t.Helper()
	s := Of(&config.Channel{Credential: c}, once(), once(), Options{})
	require.NotNil(t, s)
	defer s.Retire()
	return s.Wait(t.Context())
}

func entraAt(at string) config.Credential {
	return config.Credential{Entra: config.Entra{Tenant: "contoso.onmicrosoft.com", ClientID: "app", ClientSecret: "s&cret=", Authority: at, Scope: "https://cognitiveservices.azure.com/.default"}}
}

func TestEntraIsAskedByClientCredentials(t *testing.T) {
	at := endpoint(t, func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "/contoso.onmicrosoft.com/oauth2/v2.0/token", r.URL.Path)
		require.NoError(t, r.ParseForm())
		require.Equal(t, "client_credentials app s&cret= https://cognitiveservices.azure.com/.default",
			strings.Join([]string{r.PostForm.Get("grant_type"), r.PostForm.Get("client_id"), r.PostForm.Get("client_secret"), r.PostForm.Get("scope")}, " "))
		_, _ = io.WriteString(w, `{"token_type":"Bearer","expires_in":"3599","ext_expires_in":3599,"access_token":"eyJ0.eyJ1.x"}`)
	})
	token, err := fetched(t, entraAt(at))
	require.NoError(t, err)
	require.Equal(t, []string{"Bearer eyJ0.eyJ1.x"}, token.Header())
	require.WithinDuration(t, time.Now().Add(3589*time.Second), token.expires, 5*time.Second)
}

// TestWhatATokenEndpointSaysIsReadWithoutItsNames has what refuses, what fails, and what is no token at all.
func TestWhatATokenEndpointSaysIsReadWithoutItsNames(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		body    string
		refused bool
		says    string
	}{
		"a wrong secret":   {401, `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided for app 'f00' in tenant contoso.","error_codes":[7000215]}`, true, "the token endpoint refused the credentials: status 401 invalid_client (AADSTS7000215): client_secret is wrong (its value is meant, and not its id)"},
		"no such tenant":   {400, `{"error":"invalid_request","error_description":"AADSTS90002: Tenant 'contoso' not found."}`, true, "the token endpoint refused the credentials: status 400 invalid_request (AADSTS90002): there is no such tenant"},
		"a clock":          {400, `{"error":"invalid_grant","error_description":"Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim."}`, true, "the token endpoint refused the credentials: status 400 invalid_grant: the clock of this machine is wrong"},
		"words of its own": {400, `{"error":"<b>contoso</b>"}`, true, "the token endpoint refused the credentials: status 400"},
		"a page":           {403, `<html>contoso</html>`, false, "the token endpoint answered with status 403 and a web page: is that really where tokens are given out?"},
		"an outage":        {503, `contoso`, false, "the token endpoint answered with status 503"},
		"too many":         {429, `{}`, false, "the token endpoint answered with status 429"},
		"elsewhere":        {302, ``, false, "the token endpoint answered with status 302: redirects are not followed, since what is sent is a secret; is that really where tokens are given out?"},
		"nothing":          {200, `{}`, false, "the token endpoint answered with something that is no token"},
		"a page, kindly":   {200, `<html>`, false, "the token endpoint answered with a web page: is that really where tokens are given out?"},
		"a header's end":   {200, `{"access_token":"a\r\nX-Evil: 1","expires_in":9}`, false, "the token endpoint answered with something that is no token"},
	} {
		t.Run(name, func(t *testing.T) {
			at := endpoint(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "http://"+r.Host+"/elsewhere")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			_, err := fetched(t, entraAt(at))
			var known *Error
			require.ErrorAs(t, err, &known)
			require.Equal(t, c.says, known.Text)
			require.Equal(t, c.refused, known.Refused)
		})
	}
}

func TestATokenEndpointThatIsNotThereIsNamedByNobody(t *testing.T) {
	_, err := fetched(t, entraAt("http://127.0.0.1:1"))
	require.EqualError(t, err, "the token endpoint could not be asked: the connection failed")
}

// serviceAccount is a credentials file with a key of its own.
func serviceAccount(t *testing.T, tokenURI string) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	file, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "my-project", "private_key_id": "k1", "client_email": "relay@my-project.iam.gserviceaccount.com",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": tokenURI,
	})
	require.NoError(t, err)
	return string(file)
}

func TestAServiceAccountSignsWhatItAsksItsOwnTokenURIFor(t *testing.T) {
	says := func(w http.ResponseWriter) {
		_, _ = io.WriteString(w, `{"access_token":"ya29.x","expires_in":3599,"token_type":"Bearer"}`)
	}
	at := endpoint(t, func(w http.ResponseWriter, r *http.Request) {
		require.NoError(t, r.ParseForm())
		require.Equal(t, "urn:ietf:params:oauth:grant-type:jwt-bearer", r.PostForm.Get("grant_type"))
		require.Len(t, strings.Split(r.PostForm.Get("assertion"), "."), 3)
		says(w)
	})
	file := serviceAccount(t, at+"/token")
	c := config.Credential{Google: config.Google{JSON: file, Kind: "service_account"}}
	token, err := fetched(t, c)
	require.NoError(t, err)
	require.Equal(t, []string{"Bearer ya29.x"}, token.Header())
	require.WithinDuration(t, time.Now().Add(3589*time.Second), token.expires, 5*time.Second)

	says = func(w http.ResponseWriter) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"invalid_grant","error_description":"Invalid JWT Signature for relay@my-project."}`)
	}
	_, err = fetched(t, c)
	require.EqualError(t, err, "the token endpoint refused the credentials: status 400 invalid_grant: the key in the credentials file is not the account's any more: make a new one")

	_, err = fetched(t, config.Credential{Google: config.Google{JSON: serviceAccount(t, "http://127.0.0.1:1"), Kind: "service_account"}})
	require.EqualError(t, err, "the token endpoint could not be asked: the connection failed")

	_, err = fetched(t, config.Credential{Google: config.Google{JSON: file, Kind: "authorized_user"}})
	require.EqualError(t, err, "the credentials file cannot be used", "it is of another type than was allowed")
}

func TestTheMetadataServerIsAskedAsGoogleWantsIt(t *testing.T) {
	flavor := "Google"
	at := endpoint(t, func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "/computeMetadata/v1/instance/service-accounts/default/token", r.URL.Path)
		require.Equal(t, "Google", r.Header.Get("Metadata-Flavor"))
		w.Header().Set("Metadata-Flavor", flavor)
		if flavor == "" {
			w.WriteHeader(http.StatusOK)
		}
		_, _ = io.WriteString(w, `{"access_token":"ya29.m","expires_in":600,"token_type":"Bearer"}`)
	})
	c := config.Credential{Google: config.Google{MetadataHost: strings.TrimPrefix(at, "http://")}}
	token, err := fetched(t, c)
	require.NoError(t, err)
	require.Equal(t, []string{"Bearer ya29.m"}, token.Header())
	flavor = ""
	_, err = fetched(t, c)
	require.EqualError(t, err, "whoever answers in the metadata server's place is not Google's")
	_, err = fetched(t, config.Credential{Google: config.Google{MetadataHost: "127.0.0.1:1"}})
	require.EqualError(t, err, "the token endpoint could not be asked: the connection failed")
}
