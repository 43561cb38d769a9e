// Package sigv4 signs requests as Amazon's services want them signed (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv4.html),
// over the bytes that leave and nothing that something on the way may change.
package sigv4

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"one-api/relay/config"
	"one-api/relay/provider"
)

// service is what Bedrock's runtime is called in a signature.
const service = "bedrock"

// Auth is how a channel's upstream is shown who asks; nil if that is nothing of Amazon's.
func Auth(c *config.Channel, of *provider.Provider) *provider.Auth {
	if of.Cloud != provider.AWS {
		return nil
	}
	s := &signer{region: c.Region, v4: v4.NewSigner(), now: time.Now}
	return &provider.Auth{Header: provider.Bearer.Header, Sign: s.sign}
}

type signer struct {
	region string
	v4     *v4.Signer
	now    func() time.Time
}

// signedHeaders are those of a request that are signed, beside Host and those of Amazon's own.
var signedHeaders = [...]string{"Content-Type"}

// sign adds a signature, or an API key as it is. key is AKID:SECRET, AKID:SECRET:SESSION_TOKEN, or an API key.
func (s *signer) sign(ctx context.Context, r *provider.Signable, key string) error {
	if key == "" {
		return errors.New("there is no key")
	}
	id, rest, pair := strings.Cut(key, ":")
	if !pair {
		r.Header["Authorization"] = []string{provider.Bearer.Before + key}
		return nil
	}
	secret, session, _ := strings.Cut(rest, ":")
	at := *r.URL // the signer writes into it
	request := &http.Request{Method: r.Method, URL: &at, Host: r.URL.Host, Header: make(http.Header, 4)}
	for _, name := range signedHeaders {
		if value := r.Header[name]; len(value) > 0 {
			request.Header[name] = value
		}
	}
	sum := sha256.Sum256(r.Body)
	credentials := aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: session}
	if err := s.v4.SignHTTP(ctx, credentials, request, hex.EncodeToString(sum[:]), service, s.region, s.now()); err != nil {
		return errors.New("the signer has failed") // whose words may have something of the key in them
	}
	for _, name := range [...]string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token"} {
		delete(r.Header, name) // of another request of the same attempt
		if value := request.Header.Values(name); len(value) > 0 {
			r.Header[name] = value
		}
	}
	return nil
}
