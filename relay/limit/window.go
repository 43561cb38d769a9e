package limit

import "time"

// ring is when requests came, oldest first. It holds no more than there were in a minute, and takes memory for no more.
type ring struct {
	at     []int64 // Unix nanoseconds
	first  int
	length int
}

// since forgets those that came before.
func (r *ring) since(t int64) {
	for r.length > 0 && r.at[r.first] <= t {
		r.first = (r.first + 1) % len(r.at)
		r.length--
	}
	if r.length == 0 && len(r.at) > 1024 {
		*r = ring{}
	}
}

func (r *ring) add(t int64) {
	if r.length == len(r.at) {
		grown := make([]int64, max(8, 2*len(r.at)))
		for i := range r.length {
			grown[i] = r.at[(r.first+i)%len(r.at)]
		}
		r.at, r.first = grown, 0
	}
	r.at[(r.first+r.length)%len(r.at)] = t
	r.length++
}

// minute is how many tokens were taken in the last 60 seconds: by the second, so that they count for 60 to 61.
type minute struct {
	by     [61]int64
	sum    int64
	latest int64 // the second that is being counted
}

// to moves on to a second.
func (m *minute) to(second int64) {
	if second-m.latest >= int64(len(m.by)) {
		*m = minute{latest: second}
	}
	for m.latest < second {
		m.latest++
		slot := &m.by[m.latest%int64(len(m.by))]
		m.sum -= *slot
		*slot = 0
	}
}

func (m *minute) add(second, tokens int64) {
	m.to(second)
	m.by[m.latest%int64(len(m.by))] += tokens
	m.sum += tokens
}

// free is how long it takes until so many of them do not count any more.
func (m *minute) free(tokens int64) time.Duration {
	n := int64(len(m.by))
	for i := int64(1); i <= n; i++ {
		if tokens -= m.by[(m.latest+i)%n]; tokens <= 0 {
			return time.Duration(i) * time.Second
		}
	}
	return window
}
