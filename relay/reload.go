package relay

import (
	"context"
	"strconv"
	"time"

	"one-api/relay/config"
	"one-api/relay/operator"
)

// filePoll is how often the configuration's files are looked at. Looking works on every kind of mount; a file is read once it has
// stood unchanged from one look to the next, so that one that is just being written is left alone.
const filePoll = time.Second

// What has a configuration loaded.
const (
	atStart      = "start"
	onChangeOf   = "file"
	onSomebodies = "signal"
)

// freeLogins is how many wrong passwords a minute cost nothing.
const freeLogins = 5

// refusal is a configuration that was refused.
type refusal struct {
	err error
	at  time.Time
}

// configuration is what holds now, for the operator.
func (s *Server) configuration() operator.Configuration {
	c := operator.Configuration{Config: s.config.Load(), LoadedAt: time.Unix(0, s.loaded.Load()).UTC()}
	if because := s.because.Load(); because != nil {
		c.Because = *because
	}
	if r := s.refused.Load(); r != nil {
		c.Refused, c.RefusedAt = r.err, r.at
	}
	return c
}

func channelNames(c *config.Config) []string {
	names := make([]string, len(c.Channels))
	for i := range c.Channels {
		names[i] = c.Channels[i].Name
	}
	return names
}

// Reload reads the configuration anew, since somebody asks for it, and makes it the one that holds. Calls in flight keep what they began
// with. A bad configuration changes nothing.
func (s *Server) Reload() error { return s.reload(onSomebodies) }

func (s *Server) reload(because string) error {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	next, err := s.options.Reload()
	if err == nil {
		err = s.apply(next)
	}
	s.metrics.Reload(err == nil)
	if err != nil {
		s.refused.Store(&refusal{err, time.Now().UTC()})
		s.operator.Changes.Add(operator.Change{At: time.Now().UTC(), What: operator.ConfigurationRefused, Of: s.config.Load().Path, By: because})
		s.sayRefused(err)
		return err
	}
	s.refused.Store(nil)
	s.because.Store(&because)
	s.operator.Changes.Add(operator.Change{At: time.Now().UTC(), What: operator.ConfigurationLoaded, Of: next.Path, By: because})
	for _, warning := range next.Warnings {
		s.options.Log.Warn("configuration", "warning", warning)
	}
	s.options.Log.Info("configuration reloaded", "file", next.Path, "channels", len(next.Channels), "tokens", len(next.Tokens))
	return nil
}

// filesOf is what a configuration was read from or, if there was no file, where one may appear.
func filesOf(c *config.Config) []string {
	if c.Path == "" {
		return append([]string{config.DefaultFile}, c.Files...)
	}
	files := []string{c.Path}
	if c.EnvFile != "" {
		files = append(files, c.EnvFile)
	}
	return append(files, c.Files...)
}

// watchFiles reloads when the configuration's files have changed.
func (s *Server) watchFiles(ctx context.Context) {
	look := time.NewTicker(filePoll)
	defer look.Stop()
	w := s.watch
	for {
		if path := w.stale(); path != "" {
			s.options.Log.Warn("the mounted configuration file was replaced outside, and what is mounted here is still the old one: "+
				"restart the relay now (with Docker its container), and mount the file's directory instead of the file to have changes loaded",
				"file", path)
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		if w.changed(*s.files.Load()) {
			_ = s.reload(onChangeOf) //nolint:contextcheck // it has logged its error, and has a clock of its own for the ledger
		}
	}
}

// mostFound is how many tokens are named one by one that somebody else has changed.
const mostFound = 20

// found says which client keys another program has made, changed or deleted: on the command line, or by another replica.
func (s *Server) found(made, changed, deleted []string) {
	for _, did := range [...]struct {
		names []string
		what  string
		text  string
	}{
		{made, operator.TokenMade, "a token was made in the database, on the command line or by another replica"},
		{changed, operator.TokenChanged, "a token was changed in the database, on the command line or by another replica"},
		{deleted, operator.TokenDeleted, "a token was deleted in the database, on the command line or by another replica"},
	} {
		for i, name := range did.names {
			if i == mostFound {
				s.options.Log.Warn(did.text+": and more", "more", len(did.names)-i)
				break
			}
			s.options.Log.Warn(did.text, "token", name)
			s.operator.Changes.Add(operator.Change{At: time.Now().UTC(), What: did.what, Of: name, By: operator.ByStore})
		}
	}
}

// mostProblems is how many of a refused configuration's problems have a line in the log each. GET /api/config has all of them.
const mostProblems = 50

// sayRefused logs what is wrong with a configuration that was refused, a line each: an error of several lines is hard to read in one. What
// is only odd about it comes last.
func (s *Server) sayRefused(err error) {
	const message = "the new configuration was refused: the old one stays"
	problems, warnings := config.Lines(err)
	for i, problem := range problems {
		of := strconv.Itoa(i+1) + " of " + strconv.Itoa(len(problems))
		if i == mostProblems {
			s.options.Log.Error(message, "error", "and more: one-api --check-config lists all", "problem", of)
			return
		}
		s.options.Log.Error(message, "error", problem, "problem", of)
	}
	for i, warning := range warnings {
		if len(problems)+i == mostProblems {
			return
		}
		s.options.Log.Warn("the configuration that was refused has something odd as well", "warning", warning)
	}
}
