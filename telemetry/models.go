package telemetry

// longestModel is the longest model name, in bytes, that is told apart without the configuration's naming it. Clients make names
// up wherever a channel serves a glob.
const longestModel = 200

// models is the (channel, model) pairs that are told apart although only a glob covers them. There is room for so many and no
// more: their names come from clients. Those that the configuration names take no place here, whoever came first.
type models struct {
	most int
	table[modelKey, struct{}]
}

type modelKey struct{ channel, model string }

// fold returns the name under which a model is recorded. unserved: nothing that serves it has been found, so that it takes no place
// among those that are told apart, if it has none.
func (m *Metrics) fold(known *models, key modelKey, unserved bool) string {
	if named := m.named.Load(); named != nil && (*named)[key.model] {
		return key.model
	}
	if len(key.model) <= longestModel {
		if _, ok := known.get(key); ok {
			return key.model
		}
		if unserved {
			return OtherModel // it is not one too many
		}
		if _, ok := known.add(key, known.most, func() (none struct{}) { return none }); ok {
			return key.model
		}
	}
	m.folded.add(1)
	return OtherModel
}

// Configured is a channel of the configuration that holds.
type Configured struct {
	Name     string
	Provider string
	Models   []string                // that it names, or maps from
	Serves   func(model string) bool // these and those that its globs cover
	Busy     func() bool             // reports whether a call is open
}

// mostStatuses is how many statuses of upstreams are told apart as error types, at each channel and at all of them together. An
// upstream can answer with five hundred, for every model.
const mostStatuses = 32

// statuses are those that are told apart.
type statuses struct{ table[string, struct{}] }

// fold returns the error type under which an ending is recorded.
func (s *statuses) fold(errorType string) string {
	if errorType == "" || errorType[0] < '1' || errorType[0] > '9' { // no status
		return errorType
	}
	if _, ok := s.get(errorType); ok {
		return errorType
	}
	if _, ok := s.add(errorType, mostStatuses, func() (none struct{}) { return none }); ok {
		return errorType
	}
	return otherError
}

// otherError is the error type of what is not told apart.
const otherError = "_OTHER"

// mostUncollected is how many configurations may follow each other before what has left is forgotten although nobody has collected
// its last values.
const mostUncollected = 8

// Configure says which channels there are, and gives their recorders, in the same order. Series of channels and of models that
// have left the configuration end once the next collection has taken their last values, those of a channel with open calls when
// the last of them has ended.
func (m *Metrics) Configure(channels []Configured) []*Channel {
	recorders := make([]*Channel, len(channels))
	if m == nil {
		return recorders
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.uncollected++; m.uncollected > mostUncollected {
		m.end() // nobody collects, or not that often
	}
	named, byName := map[string]bool{}, make(map[string]Configured, len(channels))
	for _, c := range m.channels {
		c.left = true
	}
	for i, c := range channels {
		recorders[i] = m.channel(channelIdentity{c.Name, c.Provider})
		recorders[i].left, recorders[i].over, recorders[i].busy = false, false, c.Busy
		byName[c.Name] = c
		for _, model := range c.Models {
			named[model] = true
		}
	}
	m.named.Store(&named)
	m.channelModels.keep(func(pair modelKey) bool {
		c, there := byName[pair.channel]
		return there && !named[pair.model] && c.serves(pair.model)
	})
	m.clientModels.keep(func(of modelKey) bool {
		if named[of.model] {
			return false
		}
		for i := range channels {
			if channels[i].serves(of.model) {
				return true
			}
		}
		return false
	})
	m.ending = true
	return recorders
}

func (c *Configured) serves(model string) bool { return c.Serves != nil && c.Serves(model) }

// end ends the series of what has left the configuration, for a caller that holds the lock.
func (m *Metrics) end() {
	m.ending = false
	for id, c := range m.channels {
		switch {
		case !c.left:
			c.forget(m)
		case c.over:
			delete(m.channels, id)
		default:
			// What the last calls have counted may be on its way: it is taken once more.
			c.over = c.busy == nil || !c.busy()
			m.ending = true
		}
	}
	m.requests.keep(func(k requestKey) bool { return m.tells(&m.clientModels, modelKey{model: k.model}) })
	m.firstTokens.keep(func(k operationModel) bool { return m.tells(&m.clientModels, modelKey{model: k.model}) })
}

// forget ends the series of models that have left the configuration.
func (c *Channel) forget(m *Metrics) {
	c.attempts.keep(func(k attemptKey) bool { return m.tells(&m.channelModels, modelKey{c.name, k.model}) })
	c.models.keep(func(k operationModel) bool { return m.tells(&m.channelModels, modelKey{c.name, k.model}) })
	for _, of := range [...]*cells[operationModel, counter]{&c.cost, &c.unpriced} {
		of.keep(func(k operationModel) bool { return m.tells(&m.channelModels, modelKey{c.name, k.model}) })
	}
	c.forgetUsage(func(model string) bool { return m.tells(&m.channelModels, modelKey{c.name, model}) })
}

// tells reports whether a model is told apart now.
func (m *Metrics) tells(known *models, key modelKey) bool {
	if named := m.named.Load(); key.model == OtherModel || named != nil && (*named)[key.model] {
		return true
	}
	_, ok := known.get(key)
	return ok
}
