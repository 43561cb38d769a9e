package config

import (
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// variableForm is what a variable may hold, and where it goes.
type variableForm struct {
	words string
	// read takes a value into the settings; nothing goes there if whoever reads it does so elsewhere.
	read func(r *settingsReader, name string, given setting, s *Settings)
	// odd finds what is not worth refusing to start for; nil: nothing is. Load warns of it.
	odd func(text string) string
	// ofChannels says that Load judges it, if it is needed.
	ofChannels bool
}

// variableKind is a kind of value. read reports what is wrong with one, and is not ok then.
type variableKind[V any] struct {
	words string
	read  func(r *settingsReader, name string, given setting) (V, bool)
}

// kept reads a value of a kind into a setting.
func kept[V any](k variableKind[V], member func(*Settings) *V) variableForm {
	return variableForm{words: k.words, read: func(r *settingsReader, name string, given setting, s *Settings) {
		if v, ok := k.read(r, name, given); ok {
			*member(s) = v
		}
	}}
}

// judged is for a variable that a library reads, and would not judge well.
func judged(words string, check func(text string) string) variableForm {
	return variableForm{words: words, read: func(r *settingsReader, name string, given setting, _ *Settings) {
		if message := check(given.text); message != "" {
			r.report(name, message)
		}
	}}
}

// readElsewhere is for a variable that the settings only look at for what came along with its value.
func readElsewhere(words string) variableForm {
	return judged(words, func(string) string { return "" })
}

// warns adds what is worth a warning.
func (f variableForm) warns(check func(text string) string) variableForm {
	f.odd = check
	return f
}

// plainText is text that is judged elsewhere, if at all.
func plainText(words string) variableKind[string] {
	return variableKind[string]{words, func(_ *settingsReader, _ string, given setting) (string, bool) { return given.text, true }}
}

// hiddenText is text that is judged elsewhere and may hold a secret.
func hiddenText(words string) variableKind[string] {
	return hidden(words, func(text string) (string, string) { return text, "" })
}

// parseRetention reads USAGE_RETENTION_DAYS: N, or N,M.
func parseRetention(text string) (r Retention, message string) {
	requests, sums, both := strings.Cut(text, ",")
	const most = 36500
	n, message := parseNumber(strings.TrimSpace(requests), 0, most)
	r = Retention{Requests: n, Sums: 400}
	if both && message == "" {
		r.Sums, message = parseNumber(strings.TrimSpace(sums), 0, most)
	}
	switch {
	case message != "":
		message = "must be days for requests, or that and days for daily sums, as in 30,400; 0: for ever"
	case !both && (n == 0 || n > r.Sums):
		r.Sums = n
	}
	return r, message
}

// shown is a kind whose values may be shown if they are wrong.
func shown[V any](words string, parse func(text string) (v V, message string)) variableKind[V] {
	return variableKind[V]{words, func(r *settingsReader, name string, given setting) (V, bool) {
		v, message := parse(given.text)
		if message != "" {
			r.wrong(name, given, message)
		}
		return v, message == ""
	}}
}

// hidden is a kind whose values may hold a secret.
func hidden[V any](words string, parse func(text string) (v V, message string)) variableKind[V] {
	return variableKind[V]{words, func(r *settingsReader, name string, given setting) (V, bool) {
		v, message := parse(given.text)
		if message != "" {
			r.report(name, message)
		}
		return v, message == ""
	}}
}

func numberFrom(least, most int) variableKind[int] {
	words := fmt.Sprintf("a number from %d to %d", least, most)
	if most == maxCount {
		words = fmt.Sprintf("a number, %d or more", least)
	}
	return shown(words, func(text string) (int, string) { return parseNumber(text, least, most) })
}

func parseNumber(text string, least, most int) (n int, message string) {
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, fmt.Sprintf("must be a whole number from %d to %d", least, most)
	}
	return n, ""
}

// wordOf is one of several words.
func wordOf(words ...string) variableKind[string] {
	return shown("`"+strings.Join(words, "`, `")+"`", func(text string) (string, string) {
		if !slices.Contains(words, text) {
			return "", "must be one of " + strings.Join(words, ", ")
		}
		return text, ""
	})
}

const maxMegabytes = 1 << 20 // a terabyte: keeps the byte count far from overflow

// The kinds of variables.
var (
	aDuration   = shown("a duration", parseDuration)
	aWebAddress = shown("a URL", func(text string) (string, string) {
		at, err := url.Parse(text)
		if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" {
			return "", "must be the address of a page, such as http://localhost:3002"
		}
		return text, ""
	})
	aProxy      = hidden("a URL", parseProxy)
	aSecret     = hidden("a key", func(text string) (string, string) { return text, keyProblem(text) })
	trueOrFalse = shown("`true` or `false`", func(text string) (is bool, message string) {
		switch strings.ToLower(text) {
		case "true", "1":
			return true, ""
		case "false", "0":
			return false, ""
		}
		return false, "must be true or false"
	})
	// megabytes is a number of them, in bytes.
	megabytes = shown("megabytes", func(text string) (int64, string) {
		n, message := parseNumber(text, 1, maxMegabytes)
		return int64(n) << 20, message
	})
	retention = shown("days, or two numbers of them", parseRetention)
	networks  = variableKind[[]netip.Prefix]{"networks", (*settingsReader).networks}
)

type settingsReader struct {
	env      *environment
	problems Problems
	judged   map[string]bool
}

// text is the value of a variable. What cannot be read, or holds what is no part of a value, is reported once and is none.
func (r *settingsReader) text(name string) setting {
	s := r.env.get(name)
	message := blemish(s.text)
	if s.err == nil && message == "" {
		return s
	}
	if r.judged == nil {
		r.judged = map[string]bool{}
	}
	if !r.judged[name] {
		r.judged[name] = true
		if s.err != nil {
			r.problems = append(r.problems, variable(name+"_FILE").problem("cannot read the file: %v", s.err))
		} else {
			r.problems = append(r.problems, variable(name).problem("%s", message))
		}
	}
	return setting{}
}

// wrong reports a value. One that came from a secret file is not shown: the wrong file may have been named.
func (r *settingsReader) wrong(name string, s setting, message string) {
	got := fmt.Sprintf("%q", s.text)
	if s.fromFile {
		got = "the content of its file"
	}
	r.problems = append(r.problems, variable(name).problem("%s (got %s)", message, got))
}

func (r *settingsReader) report(name, message string) {
	r.problems = append(r.problems, variable(name).problem("%s", message))
}

func (r *settingsReader) networks(name string, given setting) (all []netip.Prefix, ok bool) {
	for item := range strings.SplitSeq(given.text, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		network, ok := parsePrefix(item)
		if !ok {
			r.wrong(name, setting{text: item, fromFile: given.fromFile}, "must be a list of networks or addresses such as 10.0.0.0/8,192.0.2.7")
			continue
		}
		all = append(all, network)
	}
	return all, true
}

// oddVariables warns of what is not worth refusing to start for.
func (l *loader) oddVariables() {
	for i := range Variables {
		v := &Variables[i]
		if v.form.odd == nil {
			continue
		}
		if s := l.env.get(v.Name); s.text != "" {
			if message := v.form.odd(s.text); message != "" {
				l.warn(variable(v.Name), "%s", message)
			}
		}
	}
}

func parsePrefix(text string) (netip.Prefix, bool) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), true
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, false
	}
	// An address is unmapped before it is looked for, so a network has to be unmapped as well to ever hold one.
	if prefix.Addr().Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked(), true
}

// parseDuration reads seconds or a Go duration that is not negative. message is what is wrong, "" for nothing.
func parseDuration(text string) (d time.Duration, message string) {
	const form = "must be seconds or a duration such as 30, 90s or 15m"
	unit := ""
	if strings.Trim(text, "+-.0123456789") == "" {
		unit = "s"
	}
	d, err := time.ParseDuration(text + unit)
	switch {
	case err != nil:
		return 0, form
	case d < 0:
		return 0, "must not be negative"
	case d > math.MaxInt64/2:
		return 0, form // a deadline computed from it would overflow
	}
	return d, ""
}
