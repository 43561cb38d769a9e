package channel

import (
	"sync"
	"sync/atomic"
)

// mostRefused is how many models a ModelSet tells apart. Clients choose the names that a glob covers: once there are more, all models
// count as noted.
const mostRefused = 1000

// ModelSet is the models for which an upstream refuses something, such as to be asked for the usage of streams. The zero value is ready.
type ModelSet struct {
	any    atomic.Bool
	mu     sync.Mutex
	models map[string]bool
}

// Has reports whether the model is noted.
func (u *ModelSet) Has(model string) bool {
	if !u.any.Load() {
		return false // as nearly always
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.models[model] || len(u.models) >= mostRefused
}

// Add notes a model, and reports whether that is news.
func (u *ModelSet) Add(model string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.models[model] || len(u.models) >= mostRefused {
		return false
	}
	if u.models == nil {
		u.models = map[string]bool{}
	}
	u.models[model] = true
	u.any.Store(true)
	return true
}
