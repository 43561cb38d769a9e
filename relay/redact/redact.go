// Package redact takes out of an upstream's words what only the operator may know.
package redact

import (
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"one-api/relay/config"
)

// Redactor takes out of an upstream's words what only the operator may know: the channel's secrets in whatever shape they come
// back, where it is, and whose account it is. It works on failures only, and on all of their text before anything is cut from
// it: half a key at a cut would not be recognized. It is made when a channel first fails.
type Redactor struct {
	channel config.Channel
	proxy   *url.URL // what the channel's connections go through; nil means none
	once    sync.Once

	accounts  *regexp.Regexp // whose they are; nil if nothing is known
	secrets   []string       // keys, passwords, values of headers
	exactly   *regexp.Regexp // the secrets in all shapes; nil if there is none
	addresses *regexp.Regexp // the base URL, its host; nil if there is none
}

// New returns the Redactor of a channel.
func New(c config.Channel) *Redactor { return &Redactor{channel: c, proxy: c.Proxy} }

// What stands in the place of what was taken out.
const (
	hiddenKey     = "[key]"
	hiddenAddress = "[upstream]"
	hiddenAccount = "***"
)

// shortestSecret is the length from which a secret is looked for. Servers without keys are given "none", "EMPTY" or "dummy" as one,
// which are ordinary words.
const shortestSecret = 6

func (r *Redactor) prepare() {
	for _, secret := range r.channel.Keys {
		r.keep(secret, ":")
	}
	r.keep(r.channel.Credential.Entra.ClientSecret, "")
	for name, value := range r.channel.Headers {
		if isSecretHeader(name, value) {
			r.keep(value, " ;=,")
		}
	}
	urls := []*url.URL{r.channel.BaseURL, r.proxy}
	var logins []string
	for _, u := range urls {
		if u == nil || u.User == nil {
			continue
		}
		password, _ := u.User.Password()
		r.keep(password, "")
		r.keep(u.User.Username(), "")
		logins = append(logins, u.User.Username()+":"+password)
	}
	slices.SortFunc(r.secrets, func(a, b string) int { return len(b) - len(a) })
	r.secrets = slices.Compact(r.secrets)
	var shapes []string
	for _, secret := range append(slices.Clone(r.secrets), logins...) {
		shapes = append(shapes, shapesOf(secret)...)
	}
	r.exactly = anyOf(shapes)
	var places []string
	for _, u := range urls {
		places = append(places, placesOf(u)...)
	}
	r.addresses = anyOf(places)
	r.accounts = anyOf(slices.DeleteFunc([]string{
		r.channel.Credential.Entra.Tenant, r.channel.Credential.Entra.ClientID, r.channel.Project,
	}, func(s string) bool { return len(s) < shortestSecret }))
}

// keep notes a secret, and its parts if it has some: "Bearer xyz", "id:secret", "a=b; session=xyz", "Basic dXNlcjpwYXNz".
func (r *Redactor) keep(secret, separators string) {
	if len(secret) < shortestSecret {
		return
	}
	r.secrets = append(r.secrets, secret)
	if separators == "" || !strings.ContainsAny(secret, separators) {
		return
	}
	for _, part := range strings.FieldsFunc(secret, func(c rune) bool { return strings.ContainsRune(separators, c) }) {
		if len(part) < 8 {
			continue // the scheme, or a name
		}
		r.secrets = append(r.secrets, part)
		if login, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(part, "=")); err == nil && utf8.Valid(login) {
			if _, password, found := strings.Cut(string(login), ":"); found && len(password) >= shortestSecret {
				r.secrets = append(r.secrets, password)
			}
		}
	}
}

var (
	secretName = regexp.MustCompile(`(?i)auth|key|token|secret|cookie|password|credential|session|signature|organization|project|account`)
	openName   = regexp.MustCompile(`(?i)^(?:accept.*|content-type|user-agent|http-referer|referer|x-title|anthropic-(?:beta|version)|openai-beta|api-version|origin)$`)
	randomly   = regexp.MustCompile(`^[A-Za-z0-9_\-+/=.]{16,}$`)
)

// isSecretHeader reports whether a header that the operator adds is taken for a secret: by its name, or because it looks like
// one.
func isSecretHeader(name, value string) bool {
	if openName.MatchString(name) {
		return false
	}
	return secretName.MatchString(name) || randomly.MatchString(value) && strings.ContainsAny(value, "0123456789")
}

// shapesOf lists the forms in which a secret may come back: as it is, in a URL, in JSON, in base64.
func shapesOf(secret string) []string {
	shapes := []string{secret, url.QueryEscape(secret), url.PathEscape(secret)}
	if quoted, err := json.Marshal(secret); err == nil {
		shapes = append(shapes, string(quoted[1:len(quoted)-1]))
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		shapes = append(shapes, encoding.EncodeToString([]byte(secret)))
	}
	return slices.DeleteFunc(shapes, func(s string) bool { return len(s) < shortestSecret })
}

// placesOf lists the parts of a URL that reveal where it leads. A long part of its path is an account's number, as in Cloudflare's gateway.
func placesOf(u *url.URL) []string {
	if u == nil {
		return nil
	}
	bare := *u
	bare.User = nil
	places := []string{bare.String(), u.Host, u.Hostname()}
	for part := range strings.SplitSeq(u.Path, "/") {
		if len(part) >= 16 && randomly.MatchString(part) {
			places = append(places, part)
		}
	}
	return slices.DeleteFunc(places, func(s string) bool { return len(s) < 3 })
}

// anyOf finds any of these texts, the longest first, in whatever case; nil if there are none.
func anyOf(texts []string) *regexp.Regexp {
	if len(texts) == 0 {
		return nil
	}
	slices.SortFunc(texts, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	texts = slices.Compact(texts)
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = regexp.QuoteMeta(text)
	}
	return regexp.MustCompile(`(?i:` + strings.Join(quoted, "|") + `)`)
}

var (
	// masked finds a key of which an upstream shows both ends, such as sk-ab***xyz, or only the end.
	masked = regexp.MustCompile(`([A-Za-z0-9_\-]*)(?:[*•]{2,}|\.{3,}|…+|[xX]{4,})([A-Za-z0-9_\-]*)`)
	// pieces finds what may be part of a key.
	pieces = regexp.MustCompile(`[A-Za-z0-9_\-+/=.]{8,}`)
	// ids finds what providers call accounts, and keys other than the channel's.
	ids = regexp.MustCompile(`\b(?:(?:org|proj|acct|team|wrkspc|workspace|apikey|user|cust|tenant)[-_][A-Za-z0-9][A-Za-z0-9_-]{7,}|(?:sk|xai|gsk|pk|rk)-[A-Za-z0-9_*-]{8,}|AIza[A-Za-z0-9_-]{20,}|A[KS]IA[A-Z0-9]{12,}|arn:aws[a-z-]*:[^\s"'<>]+|ya29\.[A-Za-z0-9._-]{8,}|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9._-]+|projects/[^/\s"'<>]+|project_number:[0-9]+)`)
	// owners finds ids by the word before them. They contain a digit.
	owners = regexp.MustCompile("(?i)\\b((?:organi[sz]ation|org|project|account|team|tenant|subscription|workspace|customer|api key id|user)(?: (?:id|number|uid))?['\"]?(?: ?[:=] ?| )[`'\"(]{0,2})(?:(?:org|proj|acct|team)[-_][A-Za-z0-9_-]+|[A-Za-z0-9_-]*[0-9][A-Za-z0-9_-]{5,}|[A-Za-z0-9_-]{5,}[0-9][A-Za-z0-9_-]*)")
	// ownerFields finds xAI's words about the owner of the key: "Team: …, API key ID: …, Model: …".
	ownerFields = regexp.MustCompile(`(?i)\bteam: (?:[^,]*, ?(?:api key id: (?:[^,]*, ?|\S+))?|\S+)`)
	// canonical finds what AWS had expected to be signed: header fields and all.
	canonical = regexp.MustCompile(`(?is)\s*the canonical string for this request should have been.*|\s*the string-to-sign should have been.*`)
	emails    = regexp.MustCompile(`[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+`)
	// The following find URLs, and what may be an address.
	innerURL = regexp.MustCompile(`(?i)\b(?:https?|wss?|socks5h?)://[^\s"'<>)\]]+`)
	ipv4     = regexp.MustCompile(`\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?::[0-9]{1,5})?\b`)
	ipv6     = regexp.MustCompile(`\[?[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:%[0-9A-Za-z]+)?\]?(?::[0-9]{1,5})?`)
	hosts    = regexp.MustCompile(`(?i)\b(?:localhost(?::[0-9]{1,5})?|[a-z0-9][a-z0-9.\-]*\.(?:internal|local|lan|svc|cluster\.local|intranet|corp|home\.arpa))(?::[0-9]{1,5})?\b`)
)

// Text returns s without what only the operator may know.
func (r *Redactor) Text(s string) string {
	if s == "" {
		return s
	}
	r.once.Do(r.prepare)
	s = canonical.ReplaceAllLiteralString(s, "")
	if r.exactly != nil {
		s = r.exactly.ReplaceAllLiteralString(s, hiddenKey)
		s = replace(masked, s, func(m []string) string {
			if r.showsEnds(m[1], m[2]) {
				return hiddenKey
			}
			return m[0]
		})
		s = pieces.ReplaceAllStringFunc(s, func(piece string) string {
			if r.isPiece(piece) {
				return hiddenKey
			}
			return piece
		})
	}
	if r.addresses != nil {
		s = r.addresses.ReplaceAllLiteralString(s, hiddenAddress)
	}
	if r.accounts != nil {
		s = r.accounts.ReplaceAllLiteralString(s, hiddenAccount)
	}
	s = ownerFields.ReplaceAllLiteralString(s, "")
	s = ids.ReplaceAllLiteralString(s, hiddenAccount)
	s = owners.ReplaceAllString(s, "${1}"+hiddenAccount)
	if strings.Contains(s, "@") {
		s = emails.ReplaceAllLiteralString(s, hiddenAccount)
	}
	return withoutAddresses(s)
}

// withoutAddresses returns s without what leads to machines of the operator, or the provider's own.
func withoutAddresses(s string) string {
	if strings.Contains(s, "://") {
		s = innerURL.ReplaceAllStringFunc(s, func(found string) string {
			if u, err := url.Parse(found); err == nil && !isInner(u.Hostname()) && u.User == nil {
				return found
			}
			return hiddenAddress
		})
	}
	s = hosts.ReplaceAllLiteralString(s, hiddenAddress)
	s = ipv4.ReplaceAllStringFunc(s, withoutAddress)
	if strings.Count(s, ":") > 1 {
		s = withoutIPv6(s)
	}
	return s
}

// withoutIPv6 looks at the neighbours of what it finds: std::vector, too, contains an address.
func withoutIPv6(s string) string {
	var out strings.Builder
	done := 0
	for _, at := range ipv6.FindAllStringIndex(s, -1) {
		if at[0] > 0 && isWord(s[at[0]-1]) || at[1] < len(s) && isWord(s[at[1]]) {
			continue
		}
		out.WriteString(s[done:at[0]])
		out.WriteString(withoutAddress(s[at[0]:at[1]]))
		done = at[1]
	}
	return out.String() + s[done:]
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func replace(pattern *regexp.Regexp, s string, by func(groups []string) string) string {
	return pattern.ReplaceAllStringFunc(s, func(found string) string { return by(pattern.FindStringSubmatch(found)) })
}

// showsEnds reports whether a masked text shows the beginning or the end of a secret.
func (r *Redactor) showsEnds(first, last string) bool {
	for _, secret := range r.secrets {
		if len(first) >= 2 && strings.HasPrefix(secret, first) || len(last) >= 3 && strings.HasSuffix(secret, last) {
			return true
		}
	}
	return false
}

// isPiece reports whether a text is a part of a secret, such as its beginning.
func (r *Redactor) isPiece(text string) bool {
	for _, secret := range r.secrets {
		piece := strings.TrimRight(text, ".")
		if len(secret) < 12 || len(secret) <= len(piece) {
			continue
		}
		if strings.HasPrefix(secret, piece) || strings.HasSuffix(secret, piece) || len(piece) >= 12 && strings.Contains(secret, piece) {
			return true
		}
	}
	return false
}

func isInner(host string) bool {
	if hosts.MatchString(host) || !strings.Contains(host, ".") {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}

// withoutAddress returns what may be shown of a possible address and port: nothing, if it is one.
func withoutAddress(found string) string {
	if _, err := netip.ParseAddr(strings.Trim(found, "[]")); err == nil && strings.Trim(found, "[]:") != "" {
		return hiddenAddress
	}
	if _, err := netip.ParseAddrPort(found); err == nil {
		return hiddenAddress
	}
	return found
}
