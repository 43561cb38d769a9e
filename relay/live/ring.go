package live

// ring is the last of many elements. What it takes grows with what is added, up to its bound.
type ring[E any] struct {
	of   []E
	next int // where the oldest is, once it is full
}

// add adds an element; with most of them there the oldest goes.
func (r *ring[E]) add(e E, most int) {
	if len(r.of) < most {
		r.of = append(r.of, e)
		return
	}
	r.of[r.next] = e
	r.next = (r.next + 1) % most
}

// all is a copy, oldest first.
func (r *ring[E]) all() []E {
	all := make([]E, 0, len(r.of))
	all = append(all, r.of[r.next:]...)
	return append(all, r.of[:r.next]...)
}

// last is a copy of the n newest, or of as many as there are, in no order.
func (r *ring[E]) last(n int) []E {
	n = min(n, len(r.of))
	of := make([]E, 0, n)
	end := r.next // behind the newest
	if end == 0 {
		end = len(r.of)
	}
	from := end - n
	if from < 0 {
		of = append(of, r.of[len(r.of)+from:]...)
		from = 0
	}
	return append(of, r.of[from:end]...)
}
