package operator

import (
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"one-api/relay/clientaddr"
	"one-api/relay/gate"
)

// What a change is. The page has words for each.
const (
	ConfigurationLoaded  = "loaded"
	ConfigurationRefused = "refused"
	channelDisabled      = "disabled"
	channelCut           = "cut" // disabled, and its calls ended
	channelEnabled       = "enabled"
	requestEnded         = "ended"
	TokenMade            = "token_made"
	TokenChanged         = "token_changed"
	tokenRotated         = "token_rotated"
	TokenDeleted         = "token_deleted"
)

// Who changes things, besides the configuration's start, file and signal.
const (
	byAdmin = "admin"
	// ByStore is a change that was found in the database: the command line has made it, or another replica.
	ByStore = "database"
)

// mostChanges is how many changes are remembered, and mostTold how long the name of what was changed may be.
const (
	mostChanges = 100
	mostTold    = 200
)

// Change is what somebody has changed since the start.
type Change struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
	Of   string    `json:"of"`   // the name of the channel, token or file, or the request's id
	By   string    `json:"by"`   // start, file, signal, admin or database
	From string    `json:"from"` // the administrator's address; empty: it was none
	With string    `json:"with"` // what he has shown: session, token; empty: as above
}

// Changes is the last changes. The zero value has none.
type Changes struct {
	mu   sync.Mutex
	last []Change // oldest first
}

// Add notes one.
func (c *Changes) Add(one Change) {
	one.Of = one.Of[:min(len(one.Of), mostTold)]
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.last) == mostChanges {
		c.last = append(c.last[:0], c.last[1:]...)
	}
	c.last = append(c.last, one)
}

// All is a copy, newest first.
func (c *Changes) All() []Change {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]Change, 0, len(c.last))
	for i := len(c.last) - 1; i >= 0; i-- {
		all = append(all, c.last[i])
	}
	return all
}

// changed notes what an administrator has changed, and says so in the log, with more about it.
func (o *Operator) changed(g *gin.Context, what, of, message string, more ...any) {
	c := Change{At: time.Now().UTC(), What: what, Of: of, By: byAdmin, With: "session"}
	if given, _ := presents(g.Request, o.Settings.AdminToken); given {
		c.With = "token"
	}
	if from := clientaddr.Of(g.Request, o.Settings.TrustedProxies); from.IsValid() {
		c.From = from.String()
	}
	o.Changes.Add(c)
	o.Log.Warn(message, append(more, "by", c.By, "with", c.With, "from", c.From, "request_id", gate.RequestID(g.Writer.Header()))...)
}
