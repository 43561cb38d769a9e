package otelenv

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

func anything(text string) verdict { return verdict{value: text} }

func boolean(text string) verdict {
	switch lower := strings.ToLower(text); lower {
	case "true", "false":
		return verdict{value: lower}
	}
	return verdict{problem: "must be true or false", used: "false"}
}

func positive(text string) verdict {
	if n, err := strconv.ParseInt(text, 10, 32); err != nil || n < 1 {
		return verdict{problem: fmt.Sprintf("must be a whole number from 1 to %d, without a unit", math.MaxInt32)}
	}
	return verdict{value: text}
}

// mostQueued bounds a queue of spans or log records, for which there is room made at the start: a record is some 400 bytes.
const mostQueued = 100_000

func queued(text string) verdict {
	if n, err := strconv.ParseInt(text, 10, 32); err != nil || n < 1 || n > mostQueued {
		return verdict{problem: fmt.Sprintf("must be a whole number from 1 to %d", mostQueued)}
	}
	return verdict{value: text}
}

func natural(text string) verdict {
	if n, err := strconv.ParseInt(text, 10, 32); err != nil || n < 0 {
		return verdict{problem: fmt.Sprintf("must be a whole number from 0 to %d", math.MaxInt32)}
	}
	return verdict{value: text}
}

func port(text string) verdict {
	if n, err := strconv.Atoi(text); err != nil || n < 1 || n > 65535 {
		return verdict{problem: "must be a whole number from 1 to 65535"}
	}
	return verdict{value: text}
}

func ratio(text string) verdict {
	if r, err := strconv.ParseFloat(text, 64); err != nil || !(r >= 0 && r <= 1) {
		return verdict{problem: "must be a number from 0 to 1", used: "1.0, as if it were not set: the sampler takes every call"}
	}
	return verdict{value: text}
}

func oneOf(known ...string) func(string) verdict {
	return func(text string) verdict {
		if lower := strings.ToLower(text); slices.Contains(known, lower) {
			return verdict{value: lower}
		}
		return verdict{problem: "is none of " + strings.Join(known, ", ")}
	}
}

// areas are what other conventions have opt-ins for, and the relay exports nothing of, or the stable names in any case: a fleet's list may
// name them.
var areas = []string{"http", "database", "messaging", "rpc", "code", "k8s"}

// optIn is a list of conventions that somebody wants the newer ones of.
func optIn(text string) verdict {
	known := []string{"gen_ai_latest_experimental"}
	for _, area := range areas {
		known = append(known, area)
		if area != "http" { // "too" is more than the relay has
			known = append(known, area+"/dup")
		}
	}
	v := listOf(known...)(text)
	if v.problem != "" {
		v.problem = "asks for more than the relay has, which is gen_ai_latest_experimental, and the stable names for HTTP in any case: " +
			v.problem
	}
	return v
}

// listOf keeps what it knows of a list, each item once.
func listOf(known ...string) func(string) verdict {
	return func(text string) verdict {
		var kept, strange []string
		for item := range strings.SplitSeq(strings.ToLower(text), ",") {
			switch item = strings.TrimSpace(item); {
			case item == "" || slices.Contains(kept, item):
			case slices.Contains(known, item):
				kept = append(kept, item)
			default:
				strange = append(strange, item)
			}
		}
		v := verdict{value: strings.Join(kept, ",")}
		if len(strange) > 0 {
			v.problem, v.used = fmt.Sprintf("has %s in it, which is none of %s", quoted(strange), strings.Join(known, ", ")), v.value
		}
		return v
	}
}

// mostNamed is how many items of a list are named of which each is wrong.
const mostNamed = 3

// quoted names what is strange in a list, as far as it may be shown and is worth it.
func quoted(items []string) string {
	var all []string
	for i, item := range items {
		if i == mostNamed {
			all = append(all, fmt.Sprintf("%d more", len(items)-mostNamed))
			break
		}
		all = append(all, strconv.Quote(short(Redact(item))))
	}
	return strings.Join(all, " and ")
}

// host is where to listen: a name or an address, and nothing around it.
func host(text string) verdict {
	if address := strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"); isHost(address) {
		return verdict{value: address}
	}
	return verdict{problem: "is no host's name and no address, such as localhost or 0.0.0.0 (the port has a variable of its own)"}
}

var hostName = regexp.MustCompile(`^[\p{L}\p{N}_]([\p{L}\p{N}_.-]*[\p{L}\p{N}_.])?$`)

// isHost reports whether a text can be a host's name, in any alphabet, or is an address.
func isHost(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil || len(text) <= 253 && hostName.MatchString(text)
}

// exporter takes one exporter: with two readers, each would collect the relay's own metrics for itself.
func exporter(known ...string) func(string) verdict {
	return func(text string) verdict {
		var first string
		var strange, further []string
		for item := range strings.SplitSeq(strings.ToLower(text), ",") {
			switch item = strings.TrimSpace(item); {
			case item == "" || item == first:
			case !slices.Contains(known, item):
				strange = append(strange, item)
			case first == "":
				first = item
			default:
				further = append(further, item)
			}
		}
		v := verdict{value: first}
		switch {
		case len(strange) > 0:
			v.problem, v.used = fmt.Sprintf("names %s, which is none of %s", quoted(strange), strings.Join(known, ", ")), first
		case len(further) > 0:
			v.problem, v.used = "names several exporters, and the relay has one for each signal (a Collector gives to several)", first
		}
		return v
	}
}

var samplers = []string{"always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off",
	"parentbased_traceidratio"}

func sampler(text string) verdict {
	lower := strings.ToLower(text)
	switch {
	case slices.Contains(samplers, lower):
		return verdict{value: lower}
	case strings.Contains(lower, "jaeger_remote") || lower == "xray":
		return verdict{problem: "asks a server which calls to trace, which the relay cannot (a Collector can: its tail sampling)"}
	}
	return verdict{problem: "is none of " + strings.Join(samplers, ", ")}
}

// attributes is a list that OTEL_RESOURCE_ATTRIBUTES may be. What is not a pair is left out.
func attributes(text string) verdict {
	return pairs(text, "attribute", "name=value, percent-encoded: %20 for a blank, %2C for a comma", func(string) bool { return true })
}

// headers is the same for headers. What is left out may be the credential, so that is said.
func headers(text string) verdict {
	return pairs(text, "header", "name=value, percent-encoded, as in authorization=Bearer%20KEY", isToken)
}

// pairs never shows an item: a key that was pasted where a name belongs must not come into a log.
func pairs(text, of, form string, isName func(string) bool) verdict {
	var kept, wrong []string
	n := 0
	for item := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(item) == "" {
			continue
		}
		n++
		name, value, found := strings.Cut(item, "=")
		name = strings.TrimSpace(name)
		decoded, err := url.PathUnescape(value)
		switch {
		case !found:
			wrong = append(wrong, fmt.Sprintf("item %d has no =", n))
		case name == "" || !isName(name):
			wrong = append(wrong, fmt.Sprintf("what stands before the = of item %d is no name", n))
		case err != nil:
			wrong = append(wrong, fmt.Sprintf("the value of item %d has a %% that begins no escape (%%25 is one of itself)", n))
		case strings.ContainsFunc(decoded, func(r rune) bool { return r < ' ' || r == 0x7f }):
			wrong = append(wrong, fmt.Sprintf("the value of item %d has a line break or another control character", n))
		case of == "header" && strings.ContainsFunc(decoded, func(r rune) bool { return r > 0x7f }):
			wrong = append(wrong, fmt.Sprintf("the value of item %d has a character that no header can carry (those of ASCII alone)", n))
		case !utf8.ValidString(decoded):
			wrong = append(wrong, fmt.Sprintf("the value of item %d is not in UTF-8 once it is unescaped", n))
		default:
			kept = append(kept, item)
		}
	}
	v := verdict{value: strings.Join(kept, ",")}
	if len(wrong) == 0 {
		return v
	}
	if more := len(wrong) - mostNamed; more > 0 {
		wrong = append(wrong[:mostNamed], fmt.Sprintf("%d more are as wrong", more))
	}
	v.problem = strings.Join(wrong, ", and ") + "; the form is " + form
	v.used = fmt.Sprintf("the other items, %d of %d", len(kept), n)
	if of == "header" && len(kept) == 0 {
		v.used = "no header at all, so exports carry no credential"
	}
	if of == "attribute" && len(kept) == 0 {
		v.used = "no attribute of them"
	}
	return v
}

// isToken reports whether a text can be a header's name (RFC 9110, 5.1).
func isToken(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}

// authorities is the file of a certificate, which is read here to say at the start what a library says nothing useful of.
func authorities(file string) verdict {
	pem, err := os.ReadFile(file) //nolint:gosec // the operator names it
	switch {
	case err != nil:
		return verdict{problem: "cannot be read (" + reason(err) + ")", used: "the system's certificates"}
	case !x509.NewCertPool().AppendCertsFromPEM(pem):
		return verdict{problem: "holds no certificate in PEM form", used: "the system's certificates"}
	}
	return verdict{value: file}
}

// reason is why a file cannot be read, without its name.
func reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
