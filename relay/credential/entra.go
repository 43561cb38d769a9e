package credential

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"one-api/relay/config"
)

// longestAnswer is how much of a token endpoint's answer is read.
const longestAnswer = 64 << 10

// Of is the tokens of a channel; nil: it has keys. asks is the way to whoever gives them out, metadata that to the machine's own server.
func Of(c *config.Channel, asks, metadata http.RoundTripper, o Options) *Source {
	switch {
	case c.Credential.Entra != config.Entra{}:
		return newSource(entra{c.Credential.Entra, asks}.fetch, o)
	case c.Credential.AWS != config.AWS{}:
		return newSource(aws{c.Credential.AWS, client(asks)}.fetch, o)
	case c.Credential.Google != config.Google{}:
		return newSource(google{c.Credential.Google, asks, metadata}.fetch, o)
	}
	return nil
}

// client asks without following anybody elsewhere: what it sends is a secret.
func client(over http.RoundTripper) *http.Client {
	return &http.Client{Transport: over, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// entra fetches tokens by OAuth's client credentials
// (https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow).
type entra struct {
	config.Entra
	over http.RoundTripper
}

func (e entra) fetch(ctx context.Context) (*Token, error) {
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {e.ClientID}, "client_secret": {e.ClientSecret}, "scope": {e.Scope},
	}
	at := e.Authority + "/" + url.PathEscape(e.Tenant) + "/oauth2/v2.0/token"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, at, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, &Error{Text: "the token endpoint's address cannot be used"}
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := client(e.over).Do(request) //nolint:bodyclose // answered closes it
	return answered(response, err)
}

// answered reads what a token endpoint says (RFC 6749, section 5).
func answered(response *http.Response, err error) (*Token, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // it has been read
	body, err := io.ReadAll(io.LimitReader(response.Body, longestAnswer+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > longestAnswer:
		return nil, tooLong()
	case response.StatusCode != http.StatusOK:
		return nil, refused(response.StatusCode, body)
	}
	var said struct {
		AccessToken string      `json:"access_token"`
		ExpiresIn   json.Number `json:"expires_in"` // Entra's first version has it as text
	}
	if json.Unmarshal(body, &said) != nil || !isToken(said.AccessToken) {
		return nil, noToken(body)
	}
	life, err := said.ExpiresIn.Int64()
	if err == nil && life <= 0 {
		return nil, expired()
	}
	return newToken(said.AccessToken, seconds(life)), nil
}

// noToken is the error of a good answer that holds none.
func noToken(body []byte) *Error {
	if isPage(body) {
		return &Error{Text: "the token endpoint answered with a web page: is that really where tokens are given out?"}
	}
	return &Error{Text: "the token endpoint answered with something that is no token"}
}

func tooLong() *Error {
	return &Error{Text: "the token endpoint answered with more than any token is: is that really where tokens are given out?"}
}

func isPage(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) }

// expired is the error of a token that is of no use to anybody. To show it would only put the blame on the upstream.
func expired() *Error {
	return &Error{Text: "the token endpoint gave out a token that has expired already"}
}

// seconds is so many, within what a duration holds.
func seconds(n int64) time.Duration {
	const most = 30 * 24 * 60 * 60
	return time.Duration(min(max(n, 0), most)) * time.Second
}

// isToken reports whether a text can stand in a header, as tokens do (RFC 6750, section 2.1).
func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' })
}

var (
	errorWord = regexp.MustCompile(`^[a-z_]{3,40}$`)
	entraCode = regexp.MustCompile(`\bAADSTS[0-9]{4,9}\b`)
)

// causes are what descriptions say that name nobody, and what has to be changed then: Entra's
// (https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes) and Google's.
var causes = []struct{ word, means string }{
	{"AADSTS7000215", "client_secret is wrong (its value is meant, and not its id)"},
	{"AADSTS7000222", "client_secret has expired: make a new one"},
	{"AADSTS700016", "this tenant knows no application with that client_id"},
	{"AADSTS90002", "there is no such tenant"},
	{"AADSTS500011", "this tenant knows nothing that the scope is good for"},
	{"Invalid JWT Signature", "the key in the credentials file is not the account's any more: make a new one"},
	{"reasonable timeframe", "the clock of this machine is wrong"},
	{"account not found", "there is no such account any more"},
	{"expired or revoked", "whoever had allowed it has to do so once more"},
}

// statusWord is how Google's clouds call errors.
var statusWord = regexp.MustCompile(`^[A-Z_]{3,40}$`)

// refused is the error of a status, with the words in it that are from a closed list of the protocol's: descriptions name tenants,
// applications and accounts. Whoever refuses credentials says so in the protocol's form; what is something else is the word of somebody
// in between, or of another server.
func refused(status int, body []byte) *Error {
	var said struct {
		Error       json.RawMessage `json:"error"`
		Description string          `json:"error_description"`
	}
	_ = json.Unmarshal(body, &said) // what is no object says nothing
	text, word := "status "+strconv.Itoa(status), wordOf(said.Error)
	if word != "" {
		text += " " + word
	}
	if code := entraCode.FindString(said.Description); code != "" {
		text += " (" + code + ")"
	}
	for _, of := range causes {
		if strings.Contains(said.Description, of.word) {
			text += ": " + of.means
			break
		}
	}
	switch {
	case status >= 300 && status < 400:
		text += ": redirects are not followed, since what is sent is a secret; is that really where tokens are given out?"
	case isPage(body):
		text += " and a web page: is that really where tokens are given out?"
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500, status < 400:
	case len(said.Error) > 0:
		return &Error{Refused: true, Text: "the token endpoint refused the credentials: " + text}
	}
	return &Error{Text: "the token endpoint answered with " + text}
}

// wordOf is the code of an error, as OAuth writes one or as Google's clouds do; "": there is none that can be shown.
func wordOf(said json.RawMessage) (word string) {
	if json.Unmarshal(said, &word) == nil && errorWord.MatchString(word) {
		return word
	}
	var google struct {
		Status string `json:"status"`
	}
	if json.Unmarshal(said, &google) == nil && statusWord.MatchString(google.Status) {
		return google.Status
	}
	return ""
}
