package channel

import (
	"encoding/binary"
	"slices"
	"sync"

	"one-api/relay/config"
)

// routes finds the channels of a model. Models that the same channels serve share one route: there can be many models and
// many channels, but few ways to put them together.
type routes struct {
	channels []*Channel
	globs    []globs
	named    known // every model that the configuration names

	// Models that only a glob covers are routed when they are asked for. Clients choose these names, so few are remembered:
	// when there are too many all are forgotten, and those that are really used are soon there again.
	mu         sync.RWMutex
	remembered known
}

// known is routes by the model, and the same ones by what list says of their channels.
type known struct {
	byModel    map[string]*route
	byChannels map[string]*route
}

func (k *known) add(model, list string, r *route) {
	if k.byModel == nil {
		k.byModel, k.byChannels = map[string]*route{}, map[string]*route{}
	}
	k.byModel[model], k.byChannels[list] = r, r
}

// globs are those among a channel's models.
type globs struct {
	of       int // channels[of]
	patterns []string
}

// maxRemembered bounds the routes kept for models that only a glob covers.
const maxRemembered = 4096

func newRoutes(channels []*Channel) *routes {
	s := &routes{channels: channels}
	naming := map[string][]int{}
	for i, c := range channels {
		var patterns []string
		for _, model := range c.Models {
			if isGlob(model) {
				patterns = append(patterns, model)
			} else {
				naming[model] = append(naming[model], i)
			}
		}
		for model := range c.ModelMapping {
			naming[model] = append(naming[model], i)
		}
		if patterns != nil {
			s.globs = append(s.globs, globs{i, patterns})
		}
	}
	for model, by := range naming {
		list := s.list(model, by)
		r := s.named.byChannels[list]
		if r == nil {
			r = s.make(list)
		}
		s.named.add(model, list, r)
	}
	return s
}

// list says which channels serve a model, as text that is the same for the same channels. naming are those that name it, as
// places in channels; it is not to be used any more.
func (s *routes) list(model string, naming []int) string {
	for _, g := range s.globs {
		if slices.ContainsFunc(g.patterns, func(pattern string) bool { return config.Match(pattern, model) }) {
			naming = append(naming, g.of)
		}
	}
	slices.Sort(naming)
	var list []byte
	for _, i := range slices.Compact(naming) {
		list = binary.AppendUvarint(list, uint64(i)) //nolint:gosec // an index is never negative
	}
	return string(list)
}

func (s *routes) make(list string) *route {
	var channels []*Channel
	for rest := []byte(list); len(rest) > 0; {
		i, n := binary.Uvarint(rest)
		channels, rest = append(channels, s.channels[i]), rest[n:]
	}
	r := newRoute(channels)
	r.in = s
	return r
}

// of is the route of a model; nil: no channel serves it.
func (s *routes) of(model string) *route {
	if r := s.named.byModel[model]; r != nil {
		return r
	}
	if len(s.globs) == 0 {
		return nil
	}
	s.mu.RLock()
	r := s.remembered.byModel[model]
	s.mu.RUnlock()
	if r != nil {
		return r
	}
	return s.remember(model)
}

// remember makes the route of a model that only globs cover; nil: none does.
func (s *routes) remember(model string) *route {
	list := s.list(model, nil)
	if list == "" {
		return nil
	}
	r := s.named.byChannels[list]
	if r == nil {
		s.mu.RLock()
		r = s.remembered.byChannels[list]
		s.mu.RUnlock()
	}
	if r == nil {
		r = s.make(list)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.remembered.byModel) >= maxRemembered {
		s.remembered = known{}
	}
	s.remembered.add(model, list, r)
	return r
}
