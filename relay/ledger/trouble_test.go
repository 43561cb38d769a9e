package ledger

import (
	"context"
	"database/sql"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/store"
	"one-api/relay/store/storetest"
)

// locked has another connection hold SQLite's file until the returned function is called.
func locked(t *testing.T, target store.Target) (unlock func()) {
	other, err := sql.Open("sqlite", "file:"+target.Path+"?_txlock=immediate&_busy_timeout=10000")
	require.NoError(t, err)
	other.SetMaxOpenConns(1)
	tx, err := other.Begin()
	require.NoError(t, err)
	_, err = tx.Exec("CREATE TABLE IF NOT EXISTS relay_other (id INTEGER)")
	require.NoError(t, err)
	var once sync.Once
	unlock = func() {
		once.Do(func() {
			_ = tx.Rollback()
			_ = other.Close()
		})
	}
	t.Cleanup(unlock)
	return unlock
}

// addAtOnce adds rows while the database takes none. Each that waited for it would wait for as long as a transaction may take.
func (s *scene) addAtOnce(n int) {
	s.t.Helper()
	began := time.Now()
	s.add(n)
	require.Less(s.t, time.Since(began), time.Minute)
}

// isAway waits until the database has refused rows, and all of them are in the spill.
func (s *scene) isAway(rows int64) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		state := s.State()
		return state.Away != nil && state.Spilled >= rows && state.Queue == rows
	}, 2*time.Minute, 5*time.Millisecond, "%+v", s.State())
	require.Positive(s.t, s.State().Age)
}

// isBack waits until the database has everything.
func (s *scene) isBack() {
	s.t.Helper()
	// The figures of a state are told one after the other, so that they agree only once nothing changes any more.
	require.Eventually(s.t, func() bool {
		state := s.State()
		return state.Queue == 0 && state.Away == nil && state.Age == 0
	}, 2*time.Minute, 5*time.Millisecond, "%+v", s.State())
	require.Zero(s.t, s.State().Lost)
}

// chunks is how many have been committed.
func (s *scene) chunks() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.committed
}

// unseen is how many rows have not been gathered yet.
func (s *scene) unseen() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pending)
}

func spills(t *testing.T, dir string) []string {
	found, err := filepath.Glob(filepath.Join(dir, "*.spill"))
	require.NoError(t, err)
	return found
}

func TestRowsWaitInAFileWhileTheDatabaseIsLockedAndNoRequestDoes(t *testing.T) {
	target := store.Target{Kind: store.SQLite, Path: filepath.Join(t.TempDir(), "x.db")}
	s := newScene(t, target)
	s.add(100)
	s.flush()
	unlock := locked(t, target)
	s.addAtOnce(1000)
	s.isAway(1000)
	require.NotEmpty(t, spills(t, filepath.Dir(target.Path)))
	unlock()
	s.isBack()
	s.exact(1100)
	require.Empty(t, spills(t, filepath.Dir(target.Path)))
}

func TestARelayThatStopsWhileItsDatabaseIsLockedLeavesItsRowsToTheNext(t *testing.T) {
	target := store.Target{Kind: store.SQLite, Path: filepath.Join(t.TempDir(), "x.db")}
	s := newScene(t, target)
	s.flush()
	unlock := locked(t, target)
	s.add(500)
	s.isAway(500)
	s.add(500)
	s.close()
	require.NotEmpty(t, spills(t, filepath.Dir(target.Path)))
	unlock()
	s = newScene(t, target)
	s.flush()
	s.isBack()
	s.exact(1000)
	require.Empty(t, spills(t, filepath.Dir(target.Path)))
}

func TestTheSpillOfARelayThatRunsIsItsOwn(t *testing.T) {
	target := store.Target{Kind: store.SQLite, Path: filepath.Join(t.TempDir(), "x.db")}
	s := newScene(t, target)
	unlock := locked(t, target)
	s.add(500)
	s.isAway(500)
	other := newScene(t, target)
	require.Zero(t, other.State().Queue)
	require.NotEmpty(t, spills(t, filepath.Dir(target.Path)))
	unlock()
	s.isBack()
	other.flush()
	s.exact(500)
}

func TestALineThatWasCutOffIsCountedAndTheOthersAreTaken(t *testing.T) {
	target := store.Target{Kind: store.SQLite, Path: filepath.Join(t.TempDir(), "x.db")}
	s := newScene(t, target)
	unlock := locked(t, target)
	s.add(20)
	s.isAway(20)
	s.close()
	unlock()
	left := spills(t, filepath.Dir(target.Path))
	require.NotEmpty(t, left)
	data, err := os.ReadFile(left[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(left[0], data[:len(data)-10], 0o600))
	s = newScene(t, target)
	s.flush()
	require.Eventually(t, func() bool { return s.State().Queue == 0 && s.State().Replayed == 19 }, 2*time.Minute, 5*time.Millisecond)
	require.EqualValues(t, 1, s.State().Lost)
	s.exact(19)
}

func TestADatabaseThatGrowsTooLargeIsNoReasonToLoseRows(t *testing.T) {
	target := store.Target{Kind: store.SQLite, Path: filepath.Join(t.TempDir(), "x.db")}
	s := newScene(t, target)
	db, err := s.store.Writer()
	require.NoError(t, err)
	_, err = db.Exec("PRAGMA max_page_count = 40") // SQLITE_FULL, as on a disk that is
	require.NoError(t, err)
	s.add(3000)
	require.Eventually(t, func() bool { return s.State().Away != nil }, 2*time.Minute, time.Millisecond)
	s.isBack() // it is opened anew, without that bound
	s.exact(3000)
}

// proxied is PostgreSQL behind a connection that can be cut.
type proxied struct {
	target store.Target
	t      *testing.T
	to     string
	at     string

	mu       sync.Mutex
	listener net.Listener
	open     []net.Conn
	silent   bool
	handling sync.WaitGroup
}

func newProxied(t *testing.T) *proxied {
	dsn, err := url.Parse(storetest.PostgreSQL(t))
	require.NoError(t, err)
	p := &proxied{t: t, to: dsn.Host, at: "127.0.0.1:0"}
	p.start()
	t.Cleanup(func() {
		p.stop()
		p.handling.Wait()
	})
	dsn.Host = p.at
	p.target = store.Target{Kind: store.PostgreSQL, DSN: dsn.String()}
	return p
}

func (p *proxied) start() {
	listener, err := net.Listen("tcp", p.at)
	require.NoError(p.t, err)
	p.mu.Lock()
	p.listener, p.at = listener, listener.Addr().String()
	p.mu.Unlock()
	p.handling.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", p.to)
			if err != nil {
				_ = client.Close()
				continue
			}
			p.mu.Lock()
			p.open = append(p.open, client, server)
			p.mu.Unlock()
			p.handling.Go(func() { p.copy(server, client) })
			p.handling.Go(func() { p.copy(client, server) })
		}
	})
}

// copy passes on what comes, unless the network has fallen silent.
func (p *proxied) copy(to, from net.Conn) {
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		p.mu.Lock()
		silent := p.silent
		p.mu.Unlock()
		if silent {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (p *proxied) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.listener.Close()
	for _, c := range p.open {
		_ = c.Close()
	}
	p.open = nil
}

func TestAServerThatStopsInTheMiddleCostsNoRowAndDoublesNone(t *testing.T) {
	p := newProxied(t)
	s := newScene(t, p.target)
	var all sync.WaitGroup
	for range 4 { // in the middle of transactions, and of commits whose answer is lost
		before := s.chunks()
		all.Go(func() { s.add(750) })
		require.Eventually(t, func() bool { return s.chunks() > before }, 2*time.Minute, time.Millisecond, "%+v", s.State())
		p.stop()
		p.start()
	}
	all.Wait()
	s.isBack()
	s.exact(3000)
}

func TestAServerThatIsAwayForAWhileGetsItsRowsWhenItIsBack(t *testing.T) {
	p := newProxied(t)
	spill := t.TempDir()
	s := newScene(t, p.target, func(o *Options) { o.SpillDir = spill })
	s.add(10)
	s.flush()
	p.stop()
	s.add(2000)
	s.isAway(2000)
	_, err := s.Usage(context.Background(), UsageQuery{By: []Dimension{ByToken}, From: s.Today(), To: s.Today()})
	require.ErrorIs(t, err, ErrAway)
	require.NotEmpty(t, spills(t, spill))
	p.start()
	s.isBack()
	s.exact(2010)
	require.Empty(t, spills(t, spill))
}

func TestAServerThatFallsSilentKeepsNobodyWaiting(t *testing.T) {
	p := newProxied(t)
	s := newScene(t, p.target)
	s.add(10)
	s.flush()
	p.mu.Lock()
	p.silent = true
	p.mu.Unlock()
	s.addAtOnce(1000)
	require.Eventually(t, func() bool { return s.State().Spilled >= 1000 }, 2*time.Minute, time.Millisecond)
	require.NoError(t, s.State().Away, "it is before the transaction's time is over")
	p.stop()
	p.mu.Lock()
	p.silent = false
	p.mu.Unlock()
	p.start()
	s.isBack()
	s.exact(1010)
}

func TestMoreThanMemoryHoldsWaitsInTheFileAlone(t *testing.T) {
	target := store.Target{Kind: store.SQLite, Path: filepath.Join(t.TempDir(), "x.db")}
	s := newScene(t, target)
	s.flush()
	unlock := locked(t, target)
	const rows = 2*mostHeld + 1000
	for range rows / 1000 {
		s.add(1000)
		require.Eventually(t, func() bool { return s.unseen() == 0 }, 2*time.Minute, time.Millisecond)
	}
	s.add(rows % 1000)
	s.isAway(rows)
	unlock()
	s.isBack()
	s.exact(rows)
}

func TestTheSpillIsReadableByAPersonAndByNobodyElse(t *testing.T) {
	target := store.Target{Kind: store.SQLite, Path: filepath.Join(t.TempDir(), "x.db")}
	s := newScene(t, target)
	unlock := locked(t, target)
	defer unlock()
	s.add(1)
	s.isAway(1)
	path := spills(t, filepath.Dir(target.Path))[0]
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(data), `{"id":"`))
	require.True(t, strings.HasSuffix(string(data), "}\n"))
}
