package breaker

// State is that of a circuit breaker, in the field's words.
type State uint8

// The states.
const (
	Closed   State = iota // in use
	Open                  // out of use
	HalfOpen              // one call is trying it
)

// KeyState is what has come of a key.
type KeyState uint8

// The states of a key.
const (
	KeyUsable  KeyState = iota
	KeyLimited          // it cools because its upstream asked for that
	KeyRefused          // it cools because its upstream did not take it
)

// Cause is why a key was refused, for who is told of it.
type Cause struct {
	Text      string // as an upstream may have worded it: it is not redacted
	RequestID string // of the request that it was refused with; empty: none of a client's
}
