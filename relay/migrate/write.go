package migrate

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"one-api/relay/config"
)

// mostRounds bounds how often what the configuration refuses is taken out: each round takes out all that it has found.
const mostRounds = 20

// write makes the files. The configuration's own reader is the judge of what goes into them: what it does not take becomes a comment
// with its reason, so that the file is one that the relay starts with.
func (p *Plan) write() error {
	if p.options.KeysInStore {
		p.check()
	}
	for range mostRounds {
		if !slices.ContainsFunc(p.Channels, func(c *Channel) bool { return c.Fate != Unsupported }) {
			return p.nothing()
		}
		p.render()
		if err := p.small(); err != nil {
			return err
		}
		c, err := p.load()
		var problems config.Problems
		switch {
		case errors.As(err, &problems):
			if !p.takeOut(problems) {
				return fmt.Errorf("what was read makes no configuration: %w", err)
			}
		case err != nil:
			return err
		default:
			if p.unpriced(c); p.takeMissing() {
				p.render()
				if c, err = p.load(); err != nil {
					return err
				}
				p.unpriced(c)
			}
			p.render()
			return p.small()
		}
	}
	return errors.New("what was read makes no configuration that this relay takes: report this, please, with what the report above says")
}

// nothing is the error of a database of which no channel can be taken over.
func (p *Plan) nothing() error {
	if len(p.Channels) == 0 {
		return errors.New("there is no channel in the old database: the relay needs one to start. Is it the right database?")
	}
	p.Files = nil
	return nil
}

// Usable reports whether there is a channel that can be taken over, without which nothing is written.
func (p *Plan) Usable() bool { return len(p.Files) > 0 }

// mostFile is what the relay reads of a file.
const mostFile = 4 << 20

func (p *Plan) small() error {
	for _, file := range p.Files {
		if len(file.Content) > mostFile {
			return fmt.Errorf("%s would have %d MiB, and the relay reads no more than %d: there are too many keys for a file. Leave --out "+
				"away, and they go into the relay's database", file.Path, len(file.Content)>>20, mostFile>>20)
		}
	}
	return nil
}

// load is what the relay makes of the files.
func (p *Plan) load() (*config.Config, error) {
	byPath := map[string]string{}
	for _, file := range p.Files {
		byPath[filepath.Clean(file.Path)] = file.Content
	}
	none := func(string) (string, bool) { return "", false }
	source := config.Source{File: p.out, Env: none, Providers: p.options.Providers, ReadFile: func(path string) ([]byte, error) {
		if content, ok := byPath[filepath.Clean(path)]; ok {
			return []byte(content), nil
		}
		return nil, fs.ErrNotExist
	}}
	settings, err := config.LoadSettings(source)
	if err != nil {
		return nil, err
	}
	return config.Load(source, settings)
}

// keyOf finds what a problem is about.
var keyOf = regexp.MustCompile(`^(channels|tokens)\[(\d+)\](?:\.(.*))?$`)

// takeOut makes comments of what problems are about; false: of some it cannot.
func (p *Plan) takeOut(problems config.Problems) bool {
	var channels []*Channel
	for _, c := range p.Channels {
		if c.Fate != Unsupported {
			for range c.Entries {
				channels = append(channels, c)
			}
		}
	}
	tokens := p.fileTokens()
	var out []*Token
	for _, problem := range problems {
		found := keyOf.FindStringSubmatch(problem.Key)
		if found == nil {
			return false
		}
		n, _ := strconv.Atoi(found[2]) // it has only digits
		switch {
		case found[1] == "channels" && n < len(channels):
			c := channels[n]
			if c.Fate != Unsupported {
				c.Fate, c.Why = Unsupported, strings.TrimPrefix(found[3]+" ", " ")+problem.Message
			}
		case found[1] == "tokens" && n < len(tokens):
			p.warn("the token %d (%s) is left out: %s %s", tokens[n].ID, tokens[n].Name, found[3], problem.Message)
			out = append(out, tokens[n])
		default:
			return false
		}
	}
	p.Tokens = slices.DeleteFunc(p.Tokens, func(t *Token) bool { return slices.Contains(out, t) })
	return true
}

func (p *Plan) fileTokens() []*Token {
	if p.options.KeysInStore {
		return nil
	}
	return p.Tokens
}

// EnvFile is the path of the file of secrets that goes with a configuration.
func EnvFile(out string) string { return out + ".env" }

// render writes the files as they are to be.
func (p *Plan) render() {
	w := &writer{secrets: map[string]string{}}
	w.line(0, "# Made by one-api import from a database of "+string(p.Dialect)+": "+oneLine(p.Place)+".")
	w.line(0, "# Secrets are in the file that env_file names. docs/configuration.md explains each key.")
	w.line(0, "env_file: "+quote(filepath.Base(EnvFile(p.out))))
	w.line(0, "")
	w.line(0, "channels:")
	p.Files = nil
	var accounts []File
	for _, c := range p.Channels {
		if c.Fate != Unsupported {
			accounts = append(accounts, p.renderChannel(w, c)...)
		}
	}
	for _, c := range p.Channels {
		if c.Fate == Unsupported {
			w.line(0, "")
			w.line(2, fmt.Sprintf("# not supported: %s", oneLine(c.Why)))
			plain := &writer{secrets: w.secrets}
			accounts = append(accounts, p.renderChannel(plain, c)...)
			for line := range strings.Lines(plain.text.String()) {
				w.line(2, strings.TrimRight("# "+strings.TrimPrefix(strings.TrimRight(line, "\n"), "  "), " "))
			}
		}
	}
	p.renderTokens(w)
	p.renderOwners(w)
	p.renderPrices(w)
	var env strings.Builder
	env.WriteString("# The secrets of " + filepath.Base(p.out) + ". Lines NAME=value; nothing in it is executed.\n")
	for _, name := range slices.Sorted(maps.Keys(w.secrets)) {
		env.WriteString(name + "='" + w.secrets[name] + "'\n")
	}
	p.Files = append([]File{{p.out, w.text.String()}, {EnvFile(p.out), env.String()}}, accounts...)
}

// renderChannel writes a channel, with what became of it.
func (p *Plan) renderChannel(w *writer, c *Channel) (accounts []File) {
	for i := range c.Entries {
		e := &c.Entries[i]
		w.line(0, "")
		w.line(2, fmt.Sprintf("# channel %d: %s (%s)", c.ID, oneLine(c.Name), c.Type))
		if i == 0 {
			for _, loss := range c.Losses {
				w.line(2, "# lost: "+oneLine(loss))
			}
			for _, note := range c.Notes {
				w.line(2, "# "+oneLine(note))
			}
		}
		w.line(2, "- name: "+quote(e.name))
		if e.kind == "" {
			w.line(4, "type: ? # there is none for "+oneLine(c.Type))
		} else {
			w.line(4, "type: "+e.kind)
		}
		for _, of := range []struct{ key, value string }{
			{"base_url", e.base}, {"api_version", e.apiVersion}, {"region", e.region}, {"project", e.project}, {"location", e.location},
		} {
			if of.value != "" {
				w.line(4, of.key+": "+quote(of.value))
			}
		}
		if e.noVersion {
			w.line(4, "version: ''")
		}
		if e.account != "" {
			stem := strings.TrimSuffix(p.out, filepath.Ext(p.out))
			e.accountFile = fmt.Sprintf("%s.%s.json", stem, strings.ToLower(strings.ReplaceAll(e.proxyVariable, "_PROXY", "")))
			accounts = append(accounts, File{e.accountFile, e.account + "\n"})
			w.line(4, "credentials_file: "+quote(filepath.Base(e.accountFile)))
			if e.accountType != "" {
				w.line(4, "credentials_type: "+quote(e.accountType))
			}
		}
		p.renderRest(w, e)
	}
	return accounts
}

// renderRest writes what all types have.
func (p *Plan) renderRest(w *writer, e *entry) {
	var keys []string
	for n, key := range e.keys {
		keys = append(keys, w.secret(e.keyVariables[n], key))
	}
	if len(keys) > 0 {
		w.line(4, "keys: "+list(keys))
	}
	if len(e.models) > 0 {
		w.line(4, "models: "+list(e.models))
	}
	if mapped := slices.Sorted(maps.Keys(e.mapping)); len(mapped) > 0 {
		w.line(4, "model_mapping:")
		for _, model := range mapped {
			w.line(6, quote(model)+": "+quote(e.mapping[model]))
		}
	}
	w.line(4, "groups: "+list(e.groups))
	if e.priority != 0 {
		w.line(4, fmt.Sprintf("priority: %d", e.priority))
	}
	if e.weight != 1 {
		w.line(4, fmt.Sprintf("weight: %d", e.weight))
	}
	if e.disabled {
		w.line(4, "disabled: true")
	}
	if e.proxy != "" {
		w.line(4, "proxy: "+w.quoted(e.proxyVariable, e.proxy))
	}
	if headers := slices.Sorted(maps.Keys(e.headers)); len(headers) > 0 {
		w.line(4, "headers:")
		for n, name := range headers {
			w.line(6, quote(name)+": "+w.quoted(e.headerVariables[n], e.headers[name]))
		}
	}
}

func (p *Plan) renderTokens(w *writer) {
	tokens := p.fileTokens()
	if len(tokens) == 0 {
		return
	}
	w.line(0, "")
	w.line(0, "tokens:")
	for _, t := range tokens {
		w.line(0, "")
		w.line(2, fmt.Sprintf("# token %d: %s, %s", t.ID, oneLine(t.Old), t.State))
		for _, loss := range t.Losses {
			w.line(2, "# "+oneLine(loss))
		}
		w.line(2, "- name: "+quote(t.Name))
		w.line(4, "key_sha256: "+t.Digest)
		w.line(4, "owner: "+quote(t.Owner))
		w.line(4, "groups: "+list(t.Groups))
		if len(t.Models) > 0 {
			w.line(4, "models: "+list(t.Models))
		}
		if t.Disabled {
			w.line(4, "disabled: true")
		}
		if !t.Expires.IsZero() {
			w.line(4, "expires: "+quote(t.Expires.Format(time.RFC3339)))
		}
		if len(t.Networks) > 0 {
			w.line(4, "allow_cidr: "+list(t.Networks))
		}
		if t.Purse.most > 0 {
			w.line(4, "budget: {usd: "+decimal(t.Purse.most)+", per: total}")
		}
		if t.unpriced {
			w.line(4, "unpriced: allow")
		}
	}
}

func (p *Plan) renderOwners(w *writer) {
	if len(p.Owners) == 0 {
		return
	}
	w.line(0, "")
	w.line(0, "# The users: what all keys of one may spend together.")
	w.line(0, "owners:")
	for _, o := range p.Owners {
		w.line(2, quote(o.Name)+": {budget: {usd: "+decimal(o.Purse.most)+", per: total}}")
	}
}

// writer writes the configuration, and keeps its secrets apart.
type writer struct {
	text    strings.Builder
	secrets map[string]string
}

func (w *writer) line(indent int, text string) {
	if text != "" {
		w.text.WriteString(strings.Repeat(" ", indent))
	}
	w.text.WriteString(text)
	w.text.WriteByte('\n')
}

// secret keeps a secret, and is what stands in its place.
func (w *writer) secret(name, value string) string {
	w.secrets[name] = oneLine(value)
	return "${" + name + "}"
}

func (w *writer) quoted(name, value string) string { return `"` + w.secret(name, value) + `"` }

// oneLine is a text without line breaks and what YAML has no place for in a comment.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unprintable(r) {
			return ' '
		}
		return r
	}, text)
}

// unprintable reports whether a character breaks a line, or may not stand in YAML as it is (https://yaml.org/spec/1.2.2, 5.1).
func unprintable(r rune) bool {
	switch {
	case r < ' ', r >= 0x7f && r < 0xa0, r == '\u2028', r == '\u2029', r == '\ufeff', r&0xfffe == 0xfffe:
		return true
	}
	return false
}

// plainWord is what needs no quotes, whatever version of YAML reads it.
var plainWord = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*$`)

// quote is a text in YAML. A ${ in it is no variable.
func quote(text string) string {
	text = strings.ReplaceAll(text, "${", "$${")
	if plainWord.MatchString(text) {
		var is yaml.Node
		if yaml.Unmarshal([]byte(text), &is) == nil && len(is.Content) == 1 && is.Content[0].Tag == "!!str" && !slices.Contains(
			[]string{"y", "n", "yes", "no", "on", "off"}, strings.ToLower(text)) {
			return text
		}
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unprintable(r) && r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		case unprintable(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// list is a list in one line. Variables are quoted as they are.
func list(items []string) string {
	quoted := make([]string, len(items))
	for i, item := range items {
		if strings.HasPrefix(item, "${CHANNEL_") {
			quoted[i] = `"` + item + `"`
		} else {
			quoted[i] = quote(item)
		}
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
