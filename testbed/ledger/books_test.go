package ledger

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhateverBecomesOfCallsAndOfTheDatabaseTheBooksAreRight(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the relay")
	}
	binary := build(t)
	t.Run("SQLite may not be written when the relay starts", func(t *testing.T) { startsWhereItMayNotWrite(t, binary) })
	for _, kind := range []string{"SQLite", "PostgreSQL"} {
		t.Run(kind, func(t *testing.T) {
			t.Run("a usual day", func(t *testing.T) {
				d := newDatabase(t, kind, false)
				l := newLoad(t, binary, d.env()...)
				l.rounds(2)
				l.spend()
				l.check(d, time.Time{})
				l.relay.stop()
				l.relay.start()
				l.rounds(1)
				l.check(d, time.Time{})
				answered, spent := l.spendsOnce()
				require.False(t, answered, "a restart gives nobody a new budget")
				require.True(t, spent)
			})
			for _, trouble := range troubles[kind] {
				t.Run("the database is "+trouble.name+" and back again", func(t *testing.T) {
					d := newDatabase(t, kind, trouble.small)
					l := newLoad(t, binary, d.env()...)
					l.rounds(1)
					ended := make(chan struct{})
					go func() {
						defer close(ended)
						l.rounds(2)
					}()
					l.eventually("calls are under way", func() bool { return l.answered() > 4*len(kinds) })
					end := trouble.begin(d)
					l.untilAway(d)
					<-ended
					l.requireNobodyWaits()
					end()
					l.rounds(1)
					l.spend()
					l.check(d, time.Time{})
				})
			}
			t.Run("the relay is killed", func(t *testing.T) {
				d := newDatabase(t, kind, false)
				l := newLoad(t, binary, d.env()...)
				l.check(d, l.killAndStart())
				l.rounds(1)
			})
			t.Run("the relay is killed while the database is locked", func(t *testing.T) {
				d := newDatabase(t, kind, false)
				l := newLoad(t, binary, d.env()...)
				l.rounds(1)
				end := d.lock()
				killed := l.killAndStart()
				end()
				l.check(d, killed)
			})
		})
	}
}

// killAndStart kills the relay in the middle of calls, and starts it again.
func (l *load) killAndStart() (killed time.Time) {
	ended := make(chan struct{})
	began, before := time.Now(), l.answered()
	go func() {
		defer close(ended)
		l.rounds(1000)
	}()
	l.eventually("calls are under way", func() bool { return l.answered() > before+6*len(kinds) && time.Since(began) > 2*lateMoment })
	l.killed.Store(true)
	l.relay.kill()
	killed = time.Now()
	<-ended
	l.killed.Store(false)
	l.relay.start()
	return killed
}

// startsWhereItMayNotWrite has the relay find a file that it may only read.
func startsWhereItMayNotWrite(t *testing.T, binary string) {
	d := newSQLite(t, true)
	l := newLoad(t, binary, d.env()...)
	l.rounds(1)
	l.relay.stop()
	require.NoError(t, syscall.Mount("", d.folder, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	l.relay.start()
	l.untilAway(d)
	l.requireNobodyWaits()
	require.NoError(t, syscall.Mount("", d.folder, "", syscall.MS_REMOUNT, "size=4m"))
	l.rounds(1)
	l.check(d, time.Time{})
}
