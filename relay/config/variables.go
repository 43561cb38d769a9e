package config

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"one-api/relay/provider"
)

// Variable is an environment variable that this program or one of its libraries reads.
type Variable struct {
	Name    string
	Default string // as --help shows it; "": none
	Help    string
	// check judges what a library reads and would not judge well; "": good. nil: the settings judge it, or nobody can.
	check func(text string) string
	// odd says that what check finds is a warning.
	odd bool
	// ofChannels says that Load judges it, if it is needed.
	ofChannels bool
}

// Variables is all of them but OpenTelemetry's (telemetry/otelenv), in the order of --help. Those that hold a value may also be given
// as NAME_FILE.
var Variables = withKeys([]Variable{
	{Name: "PORT", Default: "3000", Help: "the port to listen on; 0: any free one"},
	{Name: "CONFIG_FILE", Default: "./channels.yaml, if it exists", Help: "the configuration file"},
	{Name: "INITIAL_ROOT_TOKEN", Help: "a client key for every group and model; with no token at all one is made and printed"},
	{Name: "RELAY_TIMEOUT", Default: "900 s", Help: "wait for the response header, and the whole of an answer that is not a stream"},
	{Name: "STREAMING_TIMEOUT", Default: "300 s", Help: "silence inside a stream"},
	{Name: "FIRST_TOKEN_TIMEOUT", Default: "0: off", Help: "silence before a stream's first content"},
	{Name: "STREAM_HEADER_TIMEOUT", Default: "90 s", Help: "a stream's wait for the header at a provider's own host, while another channel is left; 0: off"},
	{Name: "CLIENT_WRITE_TIMEOUT", Default: "30 s", Help: "a client that reads nothing"},
	{Name: "KEEPALIVE_INTERVAL", Default: "15 s", Help: "silence after which a streaming client gets a comment; 0: never"},
	{Name: "CLIENT_GONE_DRAIN", Default: "0: cancelled", Help: "how long an upstream is still read after its client left"},
	{Name: "RETRY_TIMES", Default: "3", Help: "further attempts"},
	{Name: "RELAY_PROXY", Help: "proxy for channels without one of their own; `proxy: direct`, NO_PROXY and loopback go without"},
	{Name: "HTTP_PROXY", Help: "where RELAY_PROXY is not set", check: checkProxy},
	{Name: "HTTPS_PROXY", Help: "where RELAY_PROXY is not set", check: checkProxy},
	{Name: "NO_PROXY", Help: "hosts, domains and networks that are reached without RELAY_PROXY, HTTP_PROXY and HTTPS_PROXY", check: checkNoProxy, odd: true},
	{Name: "MAX_REQUEST_BODY_MB", Default: "64", Help: "the largest request body"},
	{Name: "MAX_BUFFERED_MB", Default: "1024, or half of GOMEMLIMIT", Help: "what all large bodies may hold together"},
	{Name: "MAX_CLIENT_CONNECTIONS", Default: "40 % of the descriptor limit", Help: "idle ones close first"},
	{Name: "SHUTDOWN_TIMEOUT", Default: "60 s", Help: "how long calls may take to end after SIGTERM"},
	{Name: "ADMIN_TOKEN", Help: "opens the admin endpoints; without it there are none"},
	{Name: "MONITOR_TOKEN", Help: "opens the monitor endpoints; without it they answer this machine and MONITOR_ALLOW_CIDR"},
	{Name: "USER_HASH_KEY", Help: "with which pseudonyms of end users are made that a provider would refuse; without it a channel's first key"},
	{Name: "TOKEN_DIR", Help: "a directory in which the two are made and kept if they are not set"},
	{Name: "MONITOR_ALLOW_CIDR", Help: "networks that may look without a token"},
	{Name: "PUBLIC_HEALTH", Default: "true", Help: "false: /api/monitor/health is behind the same door"},
	{Name: "TRUSTED_PROXIES", Help: "networks whose X-Forwarded-For is believed"},
	{Name: "PUBLISHED_PORT", Default: "PORT", Help: "the port in the printed curl lines", check: checkPort},
	{Name: "METRICS_MAX_MODEL_LABELS", Default: "500", Help: "(channel, model) pairs that telemetry tells apart"},
	{Name: "DEBUG", Default: "false", Help: "more in the log"},
	{Name: "GIN_MODE", Default: "release", Help: "release, debug or test"},
	{Name: "TZ", Default: "UTC", Help: "the log's time zone", check: checkZone, odd: true},
	{Name: "POD_NAME", Default: "the host's name", Help: "or K8S_POD_NAME: the pod, in Kubernetes, for telemetry"},
	{Name: "POD_UID", Help: "or K8S_POD_UID"},
	{Name: "POD_NAMESPACE", Default: "the service account's", Help: "or K8S_NAMESPACE"},
	{Name: "NODE_NAME", Help: "or K8S_NODE_NAME"},
	{Name: "CONTAINER_NAME", Help: "or K8S_CONTAINER_NAME"},
	{Name: "GOGC", Help: "Go's garbage collection, where the relay's own goal is not wanted", check: checkGC, odd: true},
	{Name: "GOMEMLIMIT", Default: "90 % of the container's", Help: "Go's memory limit, such as 2GiB or 900MiB: Go itself ends the program at a start with another form"},
})

// withKeys adds the variables with which providers' keys make channels, behind that of the file that they stand in for.
func withKeys(others []Variable) []Variable {
	var keys []Variable
	for _, p := range provider.All() {
		for i, name := range p.KeyVariables {
			help := "without a file: makes a channel of type " + p.Type
			if i > 0 {
				help += ", where " + p.KeyVariables[0] + " is not set"
			}
			keys = append(keys, Variable{Name: name, Help: help, ofChannels: true})
		}
	}
	at := 1 + slices.IndexFunc(others, func(v Variable) bool { return v.Name == "CONFIG_FILE" })
	return slices.Insert(others, at, keys...)
}

// blemish is what came along with a value and is none of it; "": nothing.
func blemish(text string) string {
	first, _ := utf8.DecodeRuneInString(text)
	last, _ := utf8.DecodeLastRuneInString(text)
	switch {
	case strings.ContainsRune(text, '\r'):
		return `holds a carriage return (\r), which a file with Windows line ends leaves in it: save the file with Unix ones (dos2unix)`
	case strings.ContainsRune(text, '\n'):
		return "holds a line break"
	case unicode.IsSpace(first) || unicode.IsSpace(last):
		return "begins or ends with a blank"
	case len(text) > 1 && (first == '"' || first == '\'') && first == last:
		return "stands in quotes, which are a part of the value here (docker --env-file and Kubernetes keep them): leave them out"
	}
	return ""
}

// judge reports what is wrong with the variables that the settings do not read themselves.
func (r *settingsReader) judge() {
	for _, v := range Variables {
		if v.ofChannels {
			continue
		}
		s := r.text(v.Name)
		if v.check == nil || v.odd || s.text == "" {
			continue
		}
		if message := v.check(s.text); message != "" {
			r.problems = append(r.problems, variable(v.Name).problem("%s", message))
		}
	}
}

// oddVariables warns of what is not worth refusing to start for.
func (l *loader) oddVariables() {
	for _, v := range Variables {
		if !v.odd {
			continue
		}
		if s := l.env.get(v.Name); s.text != "" {
			if message := v.check(s.text); message != "" {
				l.warn(variable(v.Name), "%s", message)
			}
		}
	}
}

func checkZone(text string) string {
	if _, err := time.LoadLocation(text); err != nil {
		return "is not the name of a time zone such as Asia/Shanghai, so times are in UTC"
	}
	return ""
}

func checkPort(text string) string {
	if n, err := strconv.Atoi(text); err != nil || n < 1 || n > 65535 {
		return "must be a port from 1 to 65535"
	}
	return ""
}

// checkGC judges as Go's runtime does, which ignores what it does not understand.
func checkGC(text string) string {
	if _, err := strconv.ParseInt(text, 10, 32); err != nil && text != "off" {
		return "must be a whole number or off; Go's own 100 is used instead"
	}
	return ""
}

// checkNoProxy looks for networks that match nothing, and so leave hosts to the proxy that were meant to be reached without.
func checkNoProxy(text string) string {
	for item := range strings.SplitSeq(text, ",") {
		item = strings.TrimSpace(item)
		if _, err := netip.ParsePrefix(item); strings.Contains(item, "/") && err != nil {
			return "holds a network that is none (the form is 10.0.0.0/8), which no host is in"
		}
	}
	return ""
}

// checkProxy judges as net/http reads it: a URL, or a host and a port.
func checkProxy(text string) string {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	_, message := parseProxy(text)
	return message
}
