package migrate

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

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
				continue
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
var keyOf = regexp.MustCompile(`^(channels|tokens|prices|groups)(?:\[(\d+)\]|\.([A-Za-z0-9_.-]+?))(?:\.([a-z0-9_]+(?:[.\[].*)?))?$`)

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
	var free []string // models whose prices cannot be taken over
	for _, problem := range problems {
		if problem.Warning {
			continue
		}
		found := keyOf.FindStringSubmatch(problem.Key)
		if found == nil {
			return false
		}
		n, _ := strconv.Atoi(found[2]) // it has only digits, or is empty
		why := strings.TrimPrefix(found[4]+" ", " ") + problem.Message
		switch {
		case found[1] == "channels" && n < len(channels):
			c := channels[n]
			if c.Fate != Unsupported {
				c.Fate, c.Why = Unsupported, why
			}
		case found[1] == "tokens" && n < len(tokens):
			p.warn("the token %d (%s) is left out: %s", tokens[n].ID, tokens[n].Name, why)
			out = append(out, tokens[n])
		case found[1] == "prices" && n < len(p.Prices):
			if model := p.Prices[n].Model; !slices.Contains(free, model) {
				p.warn("the old price of %s is left out: %s", model, why)
				free = append(free, model)
			}
		case found[1] == "groups" && p.Markups[found[3]] != nil:
			p.warn("the old ratio of the group %s is left out: %s", found[3], why)
			delete(p.Markups, found[3])
		default:
			return false
		}
	}
	p.Tokens = slices.DeleteFunc(p.Tokens, func(t *Token) bool { return slices.Contains(out, t) })
	p.Prices = slices.DeleteFunc(p.Prices, func(of priced) bool { return slices.Contains(free, of.Model) })
	for _, model := range free {
		delete(p.then, model)
	}
	return true
}

func (p *Plan) fileTokens() []*Token {
	if p.options.KeysInStore {
		return nil
	}
	return p.Tokens
}
