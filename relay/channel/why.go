package channel

import (
	"strconv"
	"strings"
	"time"

	"one-api/relay/wire"
)

const (
	mostReasons  = 4   // channels for which a reason is given
	longestOfOne = 120 // bytes of one
)

// Why says of the channels that have a model why each of them was not asked, for whoever reads the log and sees that none was.
func (s *Set) Why(model string, now time.Time) string {
	r := s.routes.of(model)
	if r == nil {
		return ""
	}
	var why []string
	more := 0
	for c := range r.channels() {
		if len(why) == mostReasons {
			more++
			continue
		}
		reason := c.reason(now)
		switch {
		case c.full():
			reason = "full (max_concurrent)"
		case reason == "":
			reason = "healthy, but not for this request (group, endpoint, or tried already)"
		}
		why = append(why, c.Name+": "+wire.Clip(reason, longestOfOne))
	}
	if more > 0 {
		why = append(why, strconv.Itoa(more)+" more")
	}
	return strings.Join(why, " | ")
}
