package relay

import (
	"context"
	"time"

	"one-api/relay/config"
)

// filePoll is how often the configuration's files are looked at. Looking works on every kind of mount; a file is read once it has
// stood unchanged from one look to the next, so that one that is just being written is left alone.
const filePoll = time.Second

// Reload reads the configuration anew and makes it the one that holds. Calls in flight keep what they began with. A bad
// configuration changes nothing.
func (s *Server) Reload() error {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	next, err := s.options.Reload()
	if err == nil {
		err = s.apply(next)
	}
	s.metrics.Reload(err == nil)
	if err != nil {
		s.options.Log.Error("the new configuration was refused: the old one stays", "error", err.Error())
		return err
	}
	for _, warning := range next.Warnings {
		s.options.Log.Warn("configuration", "warning", warning)
	}
	s.options.Log.Info("configuration reloaded", "file", next.Path, "channels", len(next.Channels), "tokens", len(next.Tokens))
	return nil
}

// filesOf is what a configuration was read from or, if there was no file, where one may appear.
func filesOf(c *config.Config) []string {
	switch {
	case c.Path == "":
		return []string{config.DefaultFile}
	case c.EnvFile == "":
		return []string{c.Path}
	}
	return []string{c.Path, c.EnvFile}
}

// watchFiles reloads when the configuration's files have changed.
func (s *Server) watchFiles(ctx context.Context) {
	look := time.NewTicker(filePoll)
	defer look.Stop()
	w := s.watch
	for {
		if path := w.stale(); path != "" {
			s.options.Log.Warn("the mounted configuration file was replaced outside, and what is mounted here is still the old one: "+
				"restart the container now, and mount the file's directory instead of the file to have changes loaded", "file", path)
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		if w.changed(*s.files.Load()) {
			_ = s.Reload() // it has logged its error
		}
	}
}
