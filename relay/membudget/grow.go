package membudget

// step is how many times larger than what has arrived the buffer of an announced body may be: an announcement is believed as far as it
// is borne out, and a body that keeps its promise is copied at most once for every step-1 of its bytes.
const step = 8

// largest is more than any buffer will ever have, and small enough that no sum or product here overflows.
const largest = 1 << 48

// start makes the buffer of a body whose announced length is announced bytes; negative if none was announced. What goes beyond Free is
// counted when grow adds it: memory is for what arrives, not for what is claimed.
func start(announced int64) []byte {
	const least = 1 << 10
	if announced < 0 {
		return make([]byte, 0, least)
	}
	return make([]byte, 0, stepUpTo(announced+1, Free))
}

// grow makes room in a buffer that is full: up to one byte more than was announced or than the most that a body may have,
// since that byte shows where the body ends. It takes steps to where an announcement says that the body ends, and doubles where
// there is none or it was wrong. Old and new are held at once for as long as one is copied to the other.
func (l *Lease) grow(b []byte, announced, most int64) ([]byte, error) {
	size := int64(cap(b))
	next := min(2*size, most+1)
	if announced = min(announced, most); announced >= size {
		next = stepUpTo(announced+1, step*size)
	}
	next = max(next, size+1)
	if err := l.Hold(size + next); err != nil {
		return b, err
	}
	grown := make([]byte, len(b), next)
	copy(grown, b)
	return grown, l.Hold(next) // less than before: it fits
}

// stepUpTo is the largest size, at most limit, from which whole steps lead to the goal.
func stepUpTo(goal, limit int64) int64 {
	for goal > limit {
		goal = (goal + step - 1) / step
	}
	return goal
}
