package standin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

var sigV4 = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/]+)/([0-9]{8})/([^/]+)/([^/]+)/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$`)

// signed says what is wrong with who asks: the signature is made once more, by hand
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
func (s *Bedrock) signed(r *http.Request, body []byte) *Refusal { //nolint:cyclop // a list of what the provider refuses, in the order in which it does
	given := r.Header.Get("Authorization")
	if s.Bearer {
		if given != "Bearer "+BedrockAPIKey {
			return &Refusal{Status: 403, Kind: "AccessDeniedException", Message: "Authentication failed: API Key not valid."}
		}
		return nil
	}
	m := sigV4.FindStringSubmatch(given)
	if m == nil {
		return &Refusal{Status: 403, Kind: "MissingAuthenticationTokenException", Message: "Missing Authentication Token"}
	}
	id, day, region, service, names, signature := m[1], m[2], m[3], m[4], strings.Split(m[5], ";"), m[6]
	if id != BedrockID {
		return &Refusal{Status: 403, Kind: "UnrecognizedClientException", Message: "The security token included in the request is invalid."}
	}
	now := time.Now()
	if s.Now != nil {
		now = s.Now()
	}
	date := r.Header.Get("X-Amz-Date")
	at, err := time.Parse("20060102T150405Z", date)
	switch {
	case err != nil || !strings.HasPrefix(date, day):
		return &Refusal{Status: 403, Kind: "IncompleteSignatureException", Message: "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP"}
	case now.Sub(at) > 5*time.Minute:
		return &Refusal{Status: 403, Kind: "InvalidSignatureException", Message: fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - 5 min.)", date,
			now.Add(-5*time.Minute).UTC().Format("20060102T150405Z"), now.UTC().Format("20060102T150405Z"))}
	case at.Sub(now) > 5*time.Minute:
		return &Refusal{Status: 403, Kind: "InvalidSignatureException", Message: "Signature not yet current: " + date + " is still later than the server's time"}
	case region != BedrockRegion || service != "bedrock":
		return &Refusal{Status: 403, Kind: "InvalidSignatureException", Message: "Credential should be scoped to a valid region and to correct service: 'bedrock'."}
	case !slices.Contains(names, "host") || !slices.Contains(names, "x-amz-date") || !slices.IsSorted(names):
		return &Refusal{Status: 403, Kind: "InvalidSignatureException", Message: "'Host' and 'X-Amz-Date' must be signed headers"}
	case s.Session && (r.Header.Get("X-Amz-Security-Token") != BedrockToken || !slices.Contains(names, "x-amz-security-token")):
		return &Refusal{Status: 403, Kind: "ExpiredTokenException", Message: "The security token included in the request is expired"}
	}
	canonical := r.Method + "\n" + twiceEscaped(r.URL.EscapedPath()) + "\n" + r.URL.Query().Encode() + "\n"
	for _, name := range names {
		values := r.Header.Values(name)
		if name == "host" {
			values = []string{r.Host}
		}
		canonical += name + ":" + strings.Join(values, ",") + "\n"
	}
	sum := sha256.Sum256(body)
	canonical += "\n" + strings.Join(names, ";") + "\n" + hex.EncodeToString(sum[:])
	hashed := sha256.Sum256([]byte(canonical))
	scope := strings.Join([]string{day, region, service, "aws4_request"}, "/")
	key := []byte("AWS4" + BedrockSecret)
	for _, part := range []string{day, region, service, "aws4_request"} {
		key = mac(key, part)
	}
	if hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256\n"+date+"\n"+scope+"\n"+hex.EncodeToString(hashed[:]))) != signature {
		return &Refusal{Status: 403, Kind: "InvalidSignatureException", Message: "The request signature we calculated does not match the signature you provided. " +
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.\n\nThe Canonical String for this request should have been\n'" + canonical + "'"}
	}
	return nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// twiceEscaped is a path whose segments are escaped once more, as every service but S3 wants it.
func twiceEscaped(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~/", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
