package otelenv

import (
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// schemesOfGRPC are the other names that gRPC resolves.
var schemesOfGRPC = []string{"unix", "unix-abstract", "dns", "passthrough", "ipv4", "ipv6", "xds"}

// endpoint reads a collector's address. One without a scheme is understood; Read decides about TLS, because INSECURE has a say.
func endpoint(text string) verdict {
	const form = "is no URL such as http://localhost:4318 or https://otlp.example.com"
	u, ok := parseEndpoint(text)
	switch {
	case !ok:
		return verdict{problem: form}
	case !slices.Contains(schemesOfGRPC, u.Scheme) && (!isHost(u.Hostname()) || !validPort(u)):
		return verdict{problem: form}
	case u.User != nil:
		return verdict{value: text, problem: "has a user and a password in it, which exporters do not send " +
			"(OTEL_EXPORTER_OTLP_HEADERS='authorization=Basic%20…' does)", used: "the URL without them"}
	case u.RawQuery != "":
		return verdict{value: text, problem: "has a query in it, which exporters do not send (a key goes into OTEL_EXPORTER_OTLP_HEADERS)",
			used: "the URL without it"}
	}
	return verdict{value: text}
}

// parseEndpoint reads a URL, or a host and a port with no scheme, whose Scheme is "" then.
func parseEndpoint(text string) (*url.URL, bool) {
	u, err := url.Parse(text)
	if err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") {
		return u, true
	}
	if err == nil && slices.Contains(schemesOfGRPC, u.Scheme) && (u.Host != "" || u.Path != "" || u.Opaque != "") && !isPort(u.Opaque) {
		return u, true
	}
	if strings.Contains(text, "://") {
		return nil, false
	}
	u, err = url.Parse("//" + text)
	if err != nil || u.Host == "" {
		return nil, false
	}
	return u, true
}

// isPort reports whether what follows a colon is a port: "dns:4317" is a host of that name.
func isPort(text string) bool {
	_, err := strconv.ParseUint(text, 10, 16)
	return err == nil
}

func validPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.Atoi(u.Port())
	return err == nil && n >= 1 && n <= 65535
}

// guessScheme is for an endpoint that has none: plain text for what is near, TLS for what may be anywhere, so that no key goes
// out in plain text that nobody asked for.
func guessScheme(u *url.URL, insecure string) string {
	switch {
	case insecure == "true":
		return "http"
	case insecure == "false" || u.Port() == "443":
		return "https"
	}
	host := u.Hostname()
	if address, err := netip.ParseAddr(host); err == nil {
		if address.IsLoopback() || address.IsPrivate() || address.IsLinkLocalUnicast() {
			return "http"
		}
		return "https"
	}
	for _, near := range []string{"localhost", ".local", ".internal", ".svc", ".lan"} {
		if host == near || strings.HasSuffix(host, near) {
			return "http"
		}
	}
	if strings.Contains(host, ".") {
		return "https"
	}
	return "http" // a name without a dot: a container's, a service's, a machine's
}

// withSignal adds the path of a signal to a base URL, as the protocol says for OTEL_EXPORTER_OTLP_ENDPOINT.
func withSignal(base, signal string) string {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return base
	}
	u.Path = path.Join("/", u.Path, "v1", strings.ToLower(signal))
	return u.String()
}

// withoutSignal takes the path of a signal off a URL. had: there was one.
func withoutSignal(endpoint string) (base string, had bool) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return endpoint, false
	}
	path := strings.TrimRight(u.Path, "/")
	for _, signal := range []string{"metrics", "traces", "logs"} {
		if u.Path, had = strings.CutSuffix(path, "/v1/"+signal); had {
			return u.String(), true
		}
	}
	return endpoint, false
}

// Shown is what of an endpoint may be shown: no user, no path, no query.
func Shown(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		scheme, _, found := strings.Cut(endpoint, ":")
		if found && slices.Contains(schemesOfGRPC, scheme) {
			return scheme + ":…"
		}
		return "an endpoint that is no URL"
	}
	return Redact(u.Scheme + "://" + u.Host)
}
