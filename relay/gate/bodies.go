package gate

import (
	"sync/atomic"
	"time"

	"one-api/relay/inflight"
	"one-api/relay/membudget"
	"one-api/relay/outcome"
	"one-api/relay/spool"
)

// bodies reads what is asked, as far as there is memory for it.
type bodies struct {
	budget  *membudget.Budget
	spool   *spool.Spool
	most    int64
	timeout time.Duration
	reading atomic.Int64 // requests whose body is being read
}

// Enter refuses a body that is too large, that does not come in time or that there is no memory for.
func (b *bodies) Enter(a *Admission) *outcome.Refusal {
	owner := b.budget.Owner(a.Key.Name)
	owner.Enter()
	a.Held.Of(b.budget)
	a.Held.By(owner)
	began := time.Now()
	var body []byte
	var refusal *outcome.Refusal
	if a.inParts() {
		refusal = b.read(func() *outcome.Refusal { return b.readForm(a, began) })
	} else {
		refusal = b.read(func() (refusal *outcome.Refusal) {
			i := b.intake(a, began)
			body, refusal = i.whole(&a.Held)
			return refusal
		})
	}
	a.End.Waited += time.Since(began)
	a.Flight.Is(inflight.Choosing)
	a.Asked.Body, a.Asked.Held, a.whole = body, &a.Held, refusal == nil
	return refusal
}

// inParts reports whether the request's body is in parts.
func (a *Admission) inParts() bool { return a.End.Endpoint.Forms() && isForm(a.R) }

// read counts the requests whose body is being read.
func (b *bodies) read(how func() *outcome.Refusal) *outcome.Refusal {
	b.reading.Add(1)
	defer b.reading.Add(-1)
	return how()
}

func (b *bodies) intake(a *Admission, began time.Time) intake {
	return intake{a.W, a.R, b.most, b.timeout, began, a.Flight.Ended}
}

// Exit gives the memory back, and the disk.
func (b *bodies) Exit(a *Admission) {
	a.Asked.Form.Close()
	a.Held.Release()
	a.Held.Leave(a.End.Began.Add(a.End.Duration))
}
