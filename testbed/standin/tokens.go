package standin

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// What an application of Entra's shows, and a project of Google's is called.
const (
	Tenant, ClientID, ClientSecret = "11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000", "q~Hush_hush8Q~secret" //nolint:gosec // made up
	Project                        = "acme-project-271828"
	ServiceAccount                 = "relay@" + Project + ".iam.gserviceaccount.com"
)

// Tokens gives out tokens as Entra, Google's token endpoint and a machine's metadata server do, and remembers which are good.
type Tokens struct {
	Life time.Duration // of a token; 0: an hour
	// Fails is what is answered in the place of a token; nil: it is given.
	Fails func(w http.ResponseWriter)
	Holds <-chan struct{} // for whose closing every answer waits; nil: none does

	mu    sync.Mutex
	key   *rsa.PrivateKey
	asked int
	good  map[string]given
	void  bool
}

type given struct {
	until time.Time
	scope string
}

// Asked is how many tokens were asked for.
func (s *Tokens) Asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// Revoke has no token of before be good any more.
func (s *Tokens) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.good)
}

// Void has no token be good from now on, those to come included.
func (s *Tokens) Void() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.good)
	s.void = true
}

// Good reports whether a header shows a token that is good for something.
func (s *Tokens) Good(authorization, scope string) bool {
	token, bearer := strings.CutPrefix(authorization, "Bearer ")
	s.mu.Lock()
	defer s.mu.Unlock()
	g, known := s.good[token]
	return bearer && known && time.Now().Before(g.until) && g.scope == scope
}

// File is a service account's credentials file, whose tokens come from a URL.
func (s *Tokens) File(tokenURI string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key == nil {
		s.key, _ = rsa.GenerateKey(rand.Reader, 2048) // it has never failed
	}
	der, _ := x509.MarshalPKCS8PrivateKey(s.key)
	file, _ := json.Marshal(map[string]string{
		"type": "service_account", "project_id": Project, "private_key_id": "0a1b2c", "client_email": ServiceAccount, "client_id": "1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": tokenURI,
	})
	return string(file)
}

func (s *Tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.asked++
	n := s.asked
	s.mu.Unlock()
	if s.Holds != nil {
		select {
		case <-s.Holds:
		case <-r.Context().Done():
			return
		}
	}
	if s.Fails != nil {
		s.Fails(w)
		return
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	scope, refused := "", ""
	switch {
	case r.Method == http.MethodPost && r.URL.Path == "/"+Tenant+"/oauth2/v2.0/token":
		scope, refused = entraGrants(r)
	case r.Method == http.MethodPost && r.URL.Path == "/token":
		scope, refused = s.googleGrants(r)
	case r.Method == http.MethodGet && r.URL.Path == "/computeMetadata/v1/instance/service-accounts/default/token":
		if r.Header.Get("Metadata-Flavor") != "Google" || r.Header.Get("X-Forwarded-For") != "" {
			http.Error(w, "Missing required header \"Metadata-Flavor\": \"Google\"", http.StatusForbidden)
			return
		}
		w.Header().Set("Metadata-Flavor", "Google")
		scope = r.URL.Query().Get("scopes")
	default:
		refused = `{"error":"invalid_request","error_description":"AADSTS90002: Tenant '` + r.URL.Path + `' not found."}`
	}
	if refused != "" {
		status := http.StatusBadRequest
		if strings.Contains(refused, "invalid_client") {
			status = http.StatusUnauthorized
		}
		say(w, status, refused)
		return
	}
	life := s.Life
	if life == 0 {
		life = time.Hour
	}
	token := fmt.Sprintf("ya29.a0AfH6SMB-token-%d_ABCDEFGHIJKLMNOP", n)
	s.mu.Lock()
	if s.good == nil {
		s.good = map[string]given{}
	}
	if !s.void {
		s.good[token] = given{time.Now().Add(life), scope}
	}
	s.mu.Unlock()
	say(w, http.StatusOK, fmt.Sprintf(`{"access_token":%q,"expires_in":%d,"token_type":"Bearer"}`, token, int(life.Seconds())))
}

// entraGrants is a grant by client credentials.
func entraGrants(r *http.Request) (scope, refused string) {
	_ = r.ParseForm() // what is no form lacks everything
	switch f := r.PostForm; {
	case f.Get("grant_type") != "client_credentials":
		return "", `{"error":"unsupported_grant_type","error_description":"AADSTS70003: The app requested an unsupported grant type.","error_codes":[70003]}`
	case f.Get("client_id") != ClientID:
		return "", `{"error":"unauthorized_client","error_description":"AADSTS700016: Application with identifier '` + f.Get("client_id") + `' was not found in the directory '` + Tenant + `'.","error_codes":[700016]}`
	case f.Get("client_secret") != ClientSecret:
		return "", `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided for app '` + ClientID + `' in '` + Tenant + `'.","error_codes":[7000215]}`
	case !strings.HasSuffix(f.Get("scope"), "/.default"):
		return "", `{"error":"invalid_scope","error_description":"AADSTS1002012: The provided value for scope is not valid.","error_codes":[1002012]}`
	}
	return r.PostForm.Get("scope"), ""
}

// googleGrants is a grant to a service account, whose signature is looked at.
func (s *Tokens) googleGrants(r *http.Request) (scope, refused string) {
	_ = r.ParseForm() // what is no form lacks everything
	parts := strings.Split(r.PostForm.Get("assertion"), ".")
	if r.PostForm.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || len(parts) != 3 {
		return "", `{"error":"invalid_request","error_description":"Required parameter is missing: assertion"}`
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	signature, _ := base64.RawURLEncoding.DecodeString(parts[2]) // what is none does not verify
	s.mu.Lock()
	key := s.key
	s.mu.Unlock()
	if key == nil || rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature) != nil {
		return "", `{"error":"invalid_grant","error_description":"Invalid JWT Signature for ` + ServiceAccount + `."}`
	}
	var claims struct {
		Iss, Scope string
		Exp, Iat   int64
	}
	text, _ := base64.RawURLEncoding.DecodeString(parts[1]) // it was signed
	if json.Unmarshal(text, &claims) != nil || claims.Iss != ServiceAccount || claims.Exp <= time.Now().Unix() {
		return "", `{"error":"invalid_grant","error_description":"Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."}`
	}
	return claims.Scope, ""
}
