package exchange

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// safetyNet is under an exchange from its answer's header on. The exchange alone refers to it, so that it is garbage when the exchange
// is; then what is held over it is released. Nets are used again: for the runtime to watch over one costs as much as several allocations,
// and it watches over the same one for as long as exchanges end in good order.
type safetyNet struct{ over *over }

// over is what a net is under, as the runtime keeps it. It must not refer to the net.
type over struct {
	hold atomic.Pointer[resources] // nil: nothing
}

var safetyNets = sync.Pool{New: func() any {
	n := &safetyNet{over: &over{}}
	runtime.AddCleanup(n, (*over).fell, n.over)
	return n
}}

// fell is called when nobody knows the net any more: its exchange was forgotten, or a pool has too many.
func (o *over) fell() {
	if h := o.hold.Swap(nil); h != nil {
		h.forgotten()
	}
}

// spread puts a net under what the exchange holds.
func (x *Exchange) spread() {
	if x.net == nil {
		x.net = safetyNets.Get().(*safetyNet)
	}
	x.net.over.hold.Store(x.hold)
}

// unspread takes it away, if there is one.
func (x *Exchange) unspread() {
	n := x.net
	if n == nil {
		return
	}
	x.net = nil
	n.over.hold.Store(nil)
	safetyNets.Put(n)
}
