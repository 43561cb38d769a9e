package migrate

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

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
		keys = append(keys, w.quoted(e.keyVariables[n], key))
	}
	if len(keys) > 0 {
		w.line(4, "keys: ["+strings.Join(keys, ", ")+"]")
	}
	if len(e.models) > 0 {
		w.line(4, "models: "+list(e.models))
	}
	if mapped := slices.Sorted(maps.Keys(e.mapping)); len(mapped) > 0 {
		w.line(4, "model_mapping:")
		for _, model := range mapped {
			w.member(6, model, quote(e.mapping[model]))
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
			w.member(6, name, w.quoted(e.headerVariables[n], e.headers[name]))
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
		w.member(2, o.Name, "{budget: {usd: "+decimal(o.Purse.most)+", per: total}}")
	}
}
