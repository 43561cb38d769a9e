package credential

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"

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
		awsconfig.WithRetryMaxAttempts(2), awsconfig.WithEndpointCredentialOptions(func(o *endpointcreds.Options) {
			o.HTTPClient = a.client() // or it has one that keeps connections, and reads all that there is
		}))
	if err != nil {
		return nil, &Error{Text: "this machine's configuration for AWS cannot be used: " + causeByAWS(err,
			"the channel has no keys, and the environment or ~/.aws/config is wrong")}
	}
	got, err := machine.Credentials.Retrieve(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &Error{Refused: refusedByAWS(err), Text: "this machine has no credentials for AWS that can be used: " + causeByAWS(err,
			"the channel has no keys, and neither the environment nor shared files, a container or an instance's role have any")}
	}
	if !isToken(got.AccessKeyID) || !isToken(got.SecretAccessKey) || got.SessionToken != "" && !isToken(got.SessionToken) {
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
		bounded(t)
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

// longestConversation is what whoever gives credentials out may send over a connection, each of which is used once.
const longestConversation = 1 << 20

// bounded has a transport read no more than that, since the libraries behind read all that there is.
func bounded(t *http.Transport) { //nolint:forbidigo // of the same
	dial := t.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &boundedConn{Conn: c, left: longestConversation}, nil
	}
}

type boundedConn struct {
	net.Conn
	left int // read by one goroutine, the transport's
}

// Read is io.Reader's.
func (c *boundedConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooMuch
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

var errTooMuch = errors.New("more than any credentials are")

// causesByAWS are what the libraries' errors have in them, and what has to be changed then. They name roles and files, so that no more is
// shown. The first that fits is meant.
var causesByAWS = []struct{ word, means string }{
	{errTooMuch.Error(), "whoever was asked for some answered with more than any credentials are"},
	{"AccessDenied", "whoever was asked for some has refused (AccessDenied): may this machine assume the role?"},
	{"ExpiredToken", "what this machine shows has expired (ExpiredToken)"},
	{"InvalidIdentityToken", "the role does not take this machine's web identity (InvalidIdentityToken)"},
	{"InvalidClientTokenId", "nobody knows the access key that the role is assumed with (InvalidClientTokenId)"},
	{"SignatureDoesNotMatch", "the secret of the access key that the role is assumed with is wrong (SignatureDoesNotMatch)"},
	{"SSO", "the single sign-on has expired or has never been made: aws sso login"},
	{"failed to get shared config profile", "AWS_PROFILE names a profile that there is not"},
	{"failed to retrieve jwt", "the file that AWS_WEB_IDENTITY_TOKEN_FILE names cannot be read"},
	{"deserialization failed", "whoever was asked for some answered with something that is none"},
	{"context deadline exceeded", "whoever was asked for some did not answer in time"},
	{"failed to load credentials", "the container's address answered with an error"},
	{"StatusCode: 5", "whoever was asked for some answered with an error"},
}

// causeByAWS is what was in the way, or what is said if that is not known.
func causeByAWS(err error, unknown string) string {
	text := err.Error()
	for _, of := range causesByAWS {
		if strings.Contains(text, of.word) {
			return of.means
		}
	}
	return unknown
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
