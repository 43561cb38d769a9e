package relay

import (
	"context"
	"os"
	"time"
)

// filePoll is how often the configuration file is looked at. Looking works on every kind of mount; a file is read once it has
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
	s.controller.Metrics.Reload(err == nil)
	if err != nil {
		s.options.Log.Error("the new configuration was refused: the old one stays", "error", err.Error())
		return err
	}
	for _, warning := range next.Warnings {
		s.options.Log.Warn("configuration", "warning", warning)
	}
	s.options.Log.Info("configuration reloaded", "channels", len(next.Channels), "tokens", len(next.Tokens))
	return nil
}

// watchFile reloads when the configuration file has changed.
func (s *Server) watchFile(ctx context.Context, path string) {
	look := time.NewTicker(filePoll)
	defer look.Stop()
	loaded := stamp(path)
	last := loaded
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		now := stamp(path)
		if now != loaded && now == last {
			loaded = now
			_ = s.Reload() // it has logged its error
		}
		last = now
	}
}

// fileStamp tells two states of a file apart.
type fileStamp struct {
	modified time.Time
	size     int64
}

func stamp(path string) fileStamp {
	info, err := os.Stat(path)
	if err != nil {
		return fileStamp{}
	}
	return fileStamp{info.ModTime(), info.Size()}
}
