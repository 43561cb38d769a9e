package credential

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"one-api/relay/config"
)

// aws takes what the machine has for AWS, in the order of every program of Amazon's: the environment, shared files (roles and single
// sign-on included), a web identity, the container's address, the instance's
// (https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html). A token of it is what requests are signed with:
// AKID:SECRET:SESSION_TOKEN.
type aws struct {
	config.AWS
	over *http.Client //nolint:forbidigo // it asks no upstream: whose way a token is fetched on
}

// ownLife is how long credentials are used that never expire. Files are read again then.
const ownLife = time.Hour

func (a aws) fetch(ctx context.Context) (*Token, error) {
	// Made anew for each token: what it keeps would be a second cache, with goroutines of its own.
	machine, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(a.Region), awsconfig.WithHTTPClient(a.client()),
		awsconfig.WithRetryMaxAttempts(2))
	if err != nil {
		return nil, &Error{Text: "this machine's configuration for AWS cannot be used (environment, ~/.aws/config): the channel has no keys"}
	}
	got, err := machine.Credentials.Retrieve(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &Error{Refused: refusedByAWS(err), Text: "this machine has no credentials for AWS that can be used: the channel has no " +
			"keys, and neither the environment nor shared files, a container or an instance's role have any"}
	}
	if got.AccessKeyID == "" || got.SecretAccessKey == "" {
		return nil, &Error{Text: "whoever gives this machine its credentials for AWS answered with something that is none"}
	}
	life := ownLife
	if got.CanExpire {
		if !got.Expires.After(time.Now()) {
			return nil, expired()
		}
		life = max(time.Until(got.Expires), time.Second)
	}
	secret := got.AccessKeyID + ":" + got.SecretAccessKey
	if got.SessionToken != "" {
		secret += ":" + got.SessionToken
	}
	return newToken(secret, life), nil
}

// client goes the channel's way, except to the machine itself: no proxy may see that. It is one of Amazon's own, since that can be told of
// further certificates (AWS_CA_BUNDLE).
func (a aws) client() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { //nolint:forbidigo // of the same
		t.DisableKeepAlives, t.ForceAttemptHTTP2 = true, false
		t.Protocols = new(http.Protocols) // net/http's HTTP/2 may never end
		t.Protocols.SetHTTP1(true)
		way, ok := a.over.Transport.(*http.Transport) //nolint:forbidigo // of the same
		if !ok {
			return
		}
		if way.TLSClientConfig != nil {
			t.TLSClientConfig = way.TLSClientConfig.Clone()
		}
		t.Proxy = func(r *http.Request) (*url.URL, error) {
			if isOfTheMachine(r.URL.Hostname()) || way.Proxy == nil {
				return nil, nil
			}
			return way.Proxy(r)
		}
	})
}

// isOfTheMachine reports whether a host is this machine, or what a cloud answers its machines at.
func isOfTheMachine(host string) bool {
	at, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && (at.IsLoopback() || at.IsLinkLocalUnicast() || at == instanceIPv6 || at == containerIPv6)
}

var instanceIPv6, containerIPv6 = netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("fd00:ec2::23")

// refusedByAWS reports whether somebody has been asked for credentials, and has said no.
func refusedByAWS(err error) bool {
	text := err.Error()
	return strings.Contains(text, "AccessDenied") || strings.Contains(text, "InvalidIdentityToken") || strings.Contains(text, "ExpiredToken")
}
