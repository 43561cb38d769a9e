package otelenv

import (
	"crypto/tls"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Environment is what the variables say, as far as the relay takes it from them.
type Environment struct {
	Findings []Finding // what they say and do not get
	Metrics  Signal
	Traces   Signal
	Logs     Signal

	values map[string]string // what each says, without what was refused
	lent   map[string]string // what the libraries are to see

	// Secrets are the texts that must be in no log: what the headers say, and what in an endpoint may be a key.
	Secrets []string
}

// Signal is where one kind of telemetry goes.
type Signal struct {
	Exporter string // otlp, prometheus or console; "" means nowhere
	Explicit bool   // OTEL_*_EXPORTER says so
	Protocol string // grpc or http/protobuf, of otlp
	Endpoint string // of otlp
	Headers  string // of otlp, as they were written: secret
}

// Read judges every variable. getenv is os.Getenv, or says the same.
func Read(getenv func(string) string) *Environment {
	e := &Environment{values: map[string]string{}, Secrets: secretsOf(getenv)}
	for _, v := range Variables {
		if text := getenv(v.Name); text != "" {
			e.take(v, text)
		}
	}
	e.pairs()
	e.lent = map[string]string{}
	for _, v := range Variables {
		if !strings.HasPrefix(v.Name, otlp) {
			e.lent[v.Name] = e.values[v.Name]
		}
	}
	for _, name := range []string{"ATTRIBUTE_VALUE_LENGTH_LIMIT",
		"ATTRIBUTE_COUNT_LIMIT"} { // the Go SDK's log records do not know the general ones
		if name, all := "OTEL_LOGRECORD_"+name, e.values["OTEL_"+name]; e.lent[name] == "" {
			e.lent[name] = all
		}
	}
	e.Metrics, e.Traces, e.Logs = e.signal("METRICS"), e.signal("TRACES"), e.signal("LOGS")
	return e
}

// Get is what a variable says, without what was refused; "" means nothing.
func (e *Environment) Get(name string) string { return e.values[name] }

// take judges one variable.
func (e *Environment) take(v Variable, text string) {
	find := func(problem, used string) {
		e.Findings = append(e.Findings, Finding{v.Name, shown(v.Name, text), problem, used})
	}
	clean, blemish := cleaned(text)
	if v.Refused {
		find("is not honoured: "+strings.ReplaceAll(v.Does, "`", ""), "nothing, as if it were not set")
		return
	}
	if strings.ContainsFunc(clean, unicode.IsControl) {
		find("has a line break or another control character in it", v.unset())
		return
	}
	if !utf8.ValidString(clean) { // no export could say it
		find("is not in UTF-8", v.unset())
		return
	}
	judged := v.judge(clean)
	if clean == "" {
		judged = verdict{}
	}
	if judged.value != "" {
		e.values[v.Name] = judged.value
	}
	switch used := judged.used; {
	case judged.problem != "":
		if used == "" {
			used = v.unset()
		}
		find(judged.problem, used)
	case judged.value == "" && clean != "":
		find("is a list of nothing", v.unset())
	case blemish != "" && judged.value == "":
		find(blemish, v.unset())
	case blemish != "":
		find(blemish, "what is left without")
	}
}

// unset says what holds if a variable is not set.
func (v Variable) unset() string {
	if v.Default == "" {
		return "nothing, as if it were not set"
	}
	return strings.ReplaceAll(v.Default, "`", "") + ", as if it were not set"
}

// cleaned takes away what came along with a value and is none of it, and says what that was.
func cleaned(text string) (clean, blemish string) {
	clean = strings.TrimSpace(text)
	if clean != text {
		blemish = "begins or ends with a blank"
		if strings.HasSuffix(text, "\r") {
			blemish = `ends with a carriage return (\r), which a file with Windows line ends leaves in it (dos2unix)`
		}
	}
	if n := len(clean); n > 1 && (clean[0] == '"' || clean[0] == '\'') && clean[0] == clean[n-1] {
		clean = strings.TrimSpace(clean[1 : n-1])
		blemish = "stands in quotes, which are a part of the value here (docker --env-file and Kubernetes keep them)"
	}
	return clean, blemish
}

func short(text string) string {
	if len(text) > 100 {
		return strings.ToValidUTF8(text[:100], "") + "…"
	}
	return strings.ToValidUTF8(text, "�")
}

// shown is what of a variable's value is for everybody to see.
func shown(name, text string) string {
	for _, v := range Variables {
		if v.Name == name && v.secret {
			return hidden
		}
	}
	if Redact(text) != text {
		return hidden // what is secret was put where nothing secret belongs
	}
	return short(text)
}

// pairs judges what only two variables together can be wrong about.
func (e *Environment) pairs() {
	for _, of := range []string{"OTEL_BSP_", "OTEL_BLRP_"} {
		queue, batch := e.number(of+"MAX_QUEUE_SIZE", 2048), e.number(of+"MAX_EXPORT_BATCH_SIZE", 512)
		if batch > queue {
			if e.values[of+"MAX_EXPORT_BATCH_SIZE"] != "" {
				e.find(of+"MAX_EXPORT_BATCH_SIZE", fmt.Sprintf("is more than %sMAX_QUEUE_SIZE", of), strconv.Itoa(queue))
			}
			e.values[of+"MAX_EXPORT_BATCH_SIZE"] = strconv.Itoa(queue)
		}
	}
	switch sampler := e.values["OTEL_TRACES_SAMPLER"]; {
	case e.values["OTEL_TRACES_SAMPLER_ARG"] == "" || strings.Contains(sampler, "ratio"):
	case sampler == "":
		e.find("OTEL_TRACES_SAMPLER_ARG", "says nothing without OTEL_TRACES_SAMPLER=parentbased_traceidratio", "the default sampler")
	default:
		e.find("OTEL_TRACES_SAMPLER_ARG", "says nothing to OTEL_TRACES_SAMPLER="+sampler+" (it does to parentbased_traceidratio)", sampler)
	}
	e.clientCertificate(otlp)
	for _, signal := range signals {
		e.clientCertificate(otlp + signal + "_")
	}
}

func (e *Environment) number(name string, fallback int) int {
	if n, err := strconv.Atoi(e.values[name]); err == nil {
		return n
	}
	return fallback
}

// find is for a value that was taken at first.
func (e *Environment) find(name, problem, used string) {
	e.Findings = append(e.Findings, Finding{name, shown(name, e.values[name]), problem, used})
}

func (e *Environment) clientCertificate(of string) {
	certificate, key := e.values[of+"CLIENT_CERTIFICATE"], e.values[of+"CLIENT_KEY"]
	const none = "no certificate of the relay's own"
	switch {
	case certificate == "" && key == "":
		return
	case key == "":
		e.find(of+"CLIENT_CERTIFICATE", "is set without "+of+"CLIENT_KEY", none)
	case certificate == "":
		e.find(of+"CLIENT_KEY", "is set without "+of+"CLIENT_CERTIFICATE", none)
	default:
		if _, err := tls.LoadX509KeyPair(certificate, key); err == nil {
			return
		} else {
			e.find(of+"CLIENT_CERTIFICATE", "cannot be used with "+of+"CLIENT_KEY ("+reason(err)+")", none)
		}
	}
	delete(e.values, of+"CLIENT_CERTIFICATE")
	delete(e.values, of+"CLIENT_KEY")
}

// of is what a family of OTLP's says for one signal, and the variable that says it.
func (e *Environment) of(signal, option string) (value, variable string) {
	if own := otlp + signal + "_" + option; e.values[own] != "" {
		return e.values[own], own
	}
	return e.values[otlp+option], otlp + option
}

// signal resolves where one signal goes. The libraries see its own variables only, each of them judged, so that their opinions of
// the general ones, and of what excludes each other, do not matter.
func (e *Environment) signal(name string) (s Signal) {
	selected := "OTEL_" + name + "_EXPORTER"
	s.Exporter = e.values[selected]
	s.Explicit = s.Exporter != ""
	endpoint, variable := e.of(name, "ENDPOINT")
	if !s.Explicit && endpoint != "" && name != "LOGS" { // standard output has the log; twice has to be asked for
		s.Exporter = "otlp"
	}
	e.lent[selected] = s.Exporter
	if s.Exporter == "none" {
		s.Exporter = ""
	}
	if s.Exporter != "otlp" {
		return s
	}
	s.Protocol, _ = e.of(name, "PROTOCOL")
	s.Endpoint = e.endpoint(name, endpoint, variable, &s.Protocol)
	s.Headers, _ = e.of(name, "HEADERS")
	own := otlp + name + "_"
	e.lent[own+"PROTOCOL"], e.lent[own+"ENDPOINT"], e.lent[own+"HEADERS"] = s.Protocol, s.Endpoint, s.Headers
	for _, option := range []string{"TIMEOUT", "COMPRESSION"} {
		e.lent[own+option], _ = e.of(name, option)
	}
	e.tls(name, s.Endpoint)
	if name == "METRICS" {
		for _, option := range []string{"TEMPORALITY_PREFERENCE", "DEFAULT_HISTOGRAM_AGGREGATION"} {
			e.lent[own+option] = e.values[own+option]
		}
	}
	return s
}

// endpoint completes an endpoint, and the protocol by it.
func (e *Environment) endpoint(signal, text, variable string, protocol *string) string {
	if text == "" {
		if *protocol == "grpc" {
			return "http://localhost:4317"
		}
		*protocol = "http/protobuf"
		return withSignal("http://localhost:4318", signal)
	}
	u, ok := parseEndpoint(text)
	if !ok {
		return text // it was judged already
	}
	text = u.Scheme + text[len(u.Scheme):] // in small letters: HTTP:// is plain text, too
	if *protocol == "" {
		*protocol = "http/protobuf"
		if u.Port() == "4317" || u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https" {
			*protocol = "grpc"
		}
	}
	insecure, _ := e.of(signal, "INSECURE")
	switch {
	case u.Scheme == "":
		u.Scheme = guessScheme(u, insecure)
		text = u.String()
		e.once(variable, "has no scheme", Shown(text))
	case u.Scheme != "http" && u.Scheme != "https" && *protocol != "grpc":
		e.once(variable, "is an address for gRPC ("+u.Scheme+":)", "the protocol grpc")
		*protocol = "grpc"
	case insecure == "true" && u.Scheme == "https", insecure == "false" && u.Scheme == "http":
		_, name := e.of(signal, "INSECURE")
		e.once(name, "contradicts the scheme of "+variable+", which decides", u.Scheme)
	}
	if *protocol != "grpc" && variable == otlp+"ENDPOINT" {
		base, had := withoutSignal(text)
		if had {
			e.once(variable, "has a path that is added to it for each signal ("+otlp+"METRICS_ENDPOINT and its like take one whole)",
				"what is left without")
		}
		text = withSignal(base, signal)
	}
	return text
}

// tls hands on the certificates, which the libraries refuse to have beside plain text.
func (e *Environment) tls(signal, endpoint string) {
	plain := strings.HasPrefix(endpoint, "http:")
	for _, option := range []string{"CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"} {
		value, variable := e.of(signal, option)
		switch {
		case value == "":
		case !plain:
			e.lent[otlp+signal+"_"+option] = value
		case option != "CLIENT_KEY":
			e.once(variable, "says nothing for an endpoint in plain text, which is where "+strings.ToLower(signal)+" go",
				"no TLS, as the endpoint's http:// says")
		}
	}
}

// once is find for what several signals may find.
func (e *Environment) once(name, problem, used string) {
	f := Finding{name, shown(name, e.values[name]), problem, used}
	for _, known := range e.Findings {
		if known == f {
			return
		}
	}
	e.Findings = append(e.Findings, f)
}

// Lend makes the process's environment say what the libraries are to see, while they are made. It returns what undoes that.
func (e *Environment) Lend() (undo func()) {
	before := map[string]string{}
	for _, v := range Variables {
		name := v.Name
		if text, set := os.LookupEnv(name); set {
			before[name] = text
			_ = os.Unsetenv(name)
		}
		if text := e.lent[name]; text != "" {
			_ = os.Setenv(name, text) // it fails for NULs only, which were refused
		}
	}
	return func() {
		for _, v := range Variables {
			if text, set := before[v.Name]; set {
				_ = os.Setenv(v.Name, text)
			} else {
				_ = os.Unsetenv(v.Name)
			}
		}
	}
}
