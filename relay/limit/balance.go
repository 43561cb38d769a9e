package limit

// Every reservation belongs to a call, and every call to a request: these are the books of that.

// held is what open calls hold of a meter.
type held struct {
	calls, tokens, nano int64
}

func (k *Keeper) link(c *Reservation) {
	if c.next = k.open; c.next != nil {
		c.next.prev = c
	}
	k.open = c
}

func (k *Keeper) unlink(c *Reservation) {
	if c.prev == nil {
		k.open = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	}
	c.prev, c.next = nil, nil
}

// Balance is by how much what is reserved differs from what open calls hold (calls, tokens and nano-dollars), and how many calls hold
// something whose request is over: 0, or a bug, which keeps good calls out. requests visits the ids of those that are not over; a request
// is among them from before its call reserves until after it has settled.
func (k *Keeper) Balance(requests func(visit func(id string))) (differs int64) {
	differs, open := k.reserved()
	if len(open) == 0 {
		return differs
	}
	requests(func(id string) { delete(open, id) })
	if len(open) == 0 {
		return differs
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for c := k.open; c != nil; c = c.next {
		if open[c.id] == c { // it was open before and is so behind a moment in which its request was over
			differs++
		}
	}
	return differs
}

// reserved compares the meters with the open calls, which it returns by their ids.
func (k *Keeper) reserved() (differs int64, open map[string]*Reservation) {
	k.mu.Lock()
	defer k.mu.Unlock()
	by := make(map[*meter]held, len(k.meters))
	open = map[string]*Reservation{}
	for c := k.open; c != nil; c = c.next {
		open[c.id] = c
		for i := range c.bounds.levels {
			m := c.bounds.levels[i].meter
			h := by[m]
			by[m] = held{h.calls + 1, h.tokens + c.tokens, h.nano + c.nano}
		}
	}
	for _, m := range k.meters {
		h := by[m]
		differs += distance(int64(m.open), h.calls) + distance(m.reserved, h.tokens) + distance(m.purse.reserved, h.nano)
	}
	return differs, open
}

func distance(a, b int64) int64 { return max(a-b, b-a) }
