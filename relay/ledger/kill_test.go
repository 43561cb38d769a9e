package ledger

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/store"
)

// beKilled is the relay for the tests that kill it: it takes down an end after the other, and says each time how many there have been,
// when, and how many of them are safe. It goes on when that has been heard.
func beKilled() bool {
	dsn, path := os.Getenv("LEDGER_DSN"), os.Getenv("LEDGER_PATH")
	if dsn == "" && path == "" {
		return false
	}
	target, err := store.Parse(dsn, path)
	if err != nil {
		panic(err)
	}
	s, err := store.Open(context.Background(), target)
	if err != nil {
		panic(err)
	}
	l := New(Options{Store: s, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Zone: time.UTC, SpillDir: os.Getenv("LEDGER_SPILL")})
	ids := os.Getenv("LEDGER_IDS")
	heard := bufio.NewReader(os.Stdin)
	for i := 1; ; i++ {
		e := end("ann")
		e.RequestID = fmt.Sprintf("%s%s%012x", IDAt(time.Now()), ids, i)
		l.End(context.Background(), e)
		state := l.State()
		safe := max(state.Spilled, int64(i)-state.Queue)
		if _, err := fmt.Println(i, time.Now().UnixNano(), safe); err != nil {
			panic(err)
		}
		if _, err := heard.ReadByte(); err != nil { // nobody listens any more
			panic(err)
		}
	}
}

// killed runs a relay until it has said so many ends and some of them are safe, kills it, and gives for each end when it was, and how many
// were safe when it said so last.
func killed(t *testing.T, target store.Target, spill, ids string, ends int) (said []time.Time, safe int, at time.Time) {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "LEDGER_PATH="+target.Path, "LEDGER_DSN="+target.DSN, "LEDGER_SPILL="+spill, "LEDGER_IDS="+ids)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	in, err := child.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	for lines := bufio.NewScanner(out); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) != 3 {
			break // it was killed while it wrote
		}
		n := fields[0]
		when, err := strconv.ParseInt(fields[1], 10, 64)
		require.NoError(t, err)
		said = append(said, time.Unix(0, when))
		require.Equal(t, strconv.Itoa(len(said)), n)
		safe, err = strconv.Atoi(fields[2])
		require.NoError(t, err)
		if at.IsZero() && len(said) >= ends && safe > 0 {
			require.NoError(t, child.Process.Kill())
			at = time.Now()
		}
		_, _ = in.Write([]byte{'\n'}) // it may have been killed
	}
	_ = child.Wait() // it was killed
	return said, safe, at
}

func TestARelayThatIsKilledLosesNoMoreThanItsLastMomentAndTheBooksAreRight(t *testing.T) {
	each(t, func(t *testing.T, target store.Target) {
		spill := t.TempDir()
		all := 0
		for i, ends := range []int{1500, 50} {
			said, safe, at := killed(t, target, spill, fmt.Sprintf("%08x", i), ends)
			s := newScene(t, target, func(o *Options) { o.SpillDir = spill })
			s.flush()
			n := int(s.number("SELECT count(*) FROM relay_attempts")) - all
			all += n
			s.exact(all)
			requireLast(t, said, safe, at, n)
			s.close()
		}
	})
}

func TestARelayThatIsKilledWhileItsDatabaseIsLockedHasWrittenWhatItKnewToTheSpill(t *testing.T) {
	target := store.Target{Kind: store.SQLite, Path: t.TempDir() + "/x.db"}
	spill := t.TempDir()
	newScene(t, target).close()
	unlock := locked(t, target)
	said, safe, at := killed(t, target, spill, "00000000", 1500)
	left, err := os.ReadDir(spill)
	require.NoError(t, err)
	require.NotEmpty(t, left)
	unlock()
	s := newScene(t, target, func(o *Options) { o.SpillDir = spill })
	s.flush()
	n := int(s.number("SELECT count(*) FROM relay_attempts"))
	s.exact(n)
	requireLast(t, said, safe, at, n)
	require.EqualValues(t, n, s.State().Replayed)
	left, err = os.ReadDir(spill)
	require.NoError(t, err)
	require.Empty(t, left)
}

// requireLast checks that of what was said only the last moment is missing, of which nothing was said to be safe. That is 100 ms on a
// machine that has nothing else to do, and no certain time on one that has.
func requireLast(t *testing.T, said []time.Time, safe int, at time.Time, n int) {
	t.Helper()
	require.GreaterOrEqual(t, n, safe)
	if n >= len(said) {
		t.Logf("%d ends, all are there", len(said))
		return
	}
	lost := at.Sub(said[n]) // the first that is missing
	t.Logf("%d ends, %d are missing, of the last %v", len(said), len(said)-n, lost.Round(time.Millisecond))
	require.Less(t, lost, 30*time.Second)
}
