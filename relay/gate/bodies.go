package gate

import (
	"sync/atomic"
	"time"

	"one-api/relay/inflight"
	"one-api/relay/membudget"
	"one-api/relay/outcome"
)

// bodies reads what is asked, as far as there is memory for it.
type bodies struct {
	budget  *membudget.Budget
	most    int64
	timeout time.Duration
	reading atomic.Int64 // requests whose body is being read
}

// Enter refuses a body that is too large, that does not come in time or that there is no memory for.
func (b *bodies) Enter(a *Admission) *outcome.Refusal {
	owner := b.budget.Owner(a.Key.Name)
	owner.Enter()
	a.owner = owner
	a.Held.Of(b.budget)
	a.Held.By(owner)
	began := time.Now()
	body, refusal := b.read(a)
	a.End.Waited += time.Since(began)
	a.Flight.Is(inflight.Choosing)
	a.Asked.Body, a.Asked.Held, a.whole = body, &a.Held, refusal == nil
	return refusal
}

func (b *bodies) read(a *Admission) ([]byte, *outcome.Refusal) {
	b.reading.Add(1)
	defer b.reading.Add(-1)
	return readBody(a.W, a.R, b.most, b.timeout, &a.Held, a.Flight.Ended)
}

// Exit gives the memory back.
func (b *bodies) Exit(a *Admission) {
	a.Held.Release()
	a.owner.Leave()
}
