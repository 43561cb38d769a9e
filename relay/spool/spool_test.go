package spool

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/membudget"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func leaseOf(b *membudget.Budget) *membudget.Lease {
	l := new(membudget.Lease)
	l.Of(b)
	return l
}

func content(size int) []byte {
	r := rand.New(rand.NewPCG(uint64(size), 1))
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// fill writes a text in pieces.
func fill(t *testing.T, b *Body, text []byte) {
	t.Helper()
	for len(text) > 0 {
		n := min(64<<10, len(text))
		_, err := b.Write(text[:n])
		require.NoError(t, err)
		text = text[n:]
	}
}

func TestABodyIsReadAgainAsItWasWrittenButForWhatIsReplaced(t *testing.T) {
	dir := t.TempDir()
	s := New(dir, 1<<30, quiet())
	for _, size := range []int{0, 1, 1000, InMemory, InMemory + 1, 5 << 20} {
		budget := membudget.New(64 << 20)
		held := leaseOf(budget)
		text := content(size)
		b := s.Begin(held)
		fill(t, b, text)
		require.EqualValues(t, size, b.Size())
		bytesUsed, files := s.Used()
		if size > InMemory {
			require.EqualValues(t, size, bytesUsed)
			require.EqualValues(t, 1, files)
			require.Zero(t, budget.Used(), "what is on disk holds no memory")
		} else {
			require.Zero(t, bytesUsed)
			require.LessOrEqual(t, budget.Used(), int64(InMemory))
		}
		names, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, names, "a file that has no name cannot be left behind")
		for _, edit := range []Edited{{From: 0, To: 0}, {From: 0, To: int64(size)}, {From: int64(size / 2), To: int64(size/2 + size/4), Text: []byte("another model")}, {From: int64(size), To: int64(size), Text: []byte("end")}} {
			edit.Body = b
			want := append(append(bytes.Clone(text[:edit.From]), edit.Text...), text[edit.To:]...)
			for range 2 {
				r := edit.Open()
				got, err := io.ReadAll(r)
				require.NoError(t, err)
				require.True(t, bytes.Equal(want, got))
				require.EqualValues(t, len(want), edit.Size())
				require.NoError(t, r.Close())
				_, err = r.Read(make([]byte, 1))
				require.ErrorIs(t, err, os.ErrClosed)
			}
		}
		open := (&Edited{Body: b}).Open()
		b.Close()
		b.Close()
		held.Release()
		if size > 0 {
			_, err = open.Read(make([]byte, 1))
			require.Error(t, err)
		}
		bytesUsed, files = s.Used()
		require.Zero(t, bytesUsed)
		require.Zero(t, files)
		require.Zero(t, budget.Used())
	}
}

func TestABodyForWhichThereIsNoMemoryGoesToDiskEarly(t *testing.T) {
	budget := membudget.New(100 << 10)
	s := New(t.TempDir(), 1<<30, quiet())
	b := s.Begin(leaseOf(budget))
	defer b.Close()
	text := content(700 << 10)
	fill(t, b, text)
	used, _ := s.Used()
	require.EqualValues(t, len(text), used)
	require.Zero(t, budget.Used())
	got, err := io.ReadAll((&Edited{Body: b}).Open())
	require.NoError(t, err)
	require.True(t, bytes.Equal(text, got))
}

func TestBodiesTogetherHaveABoundAndGiveItBack(t *testing.T) {
	s := New(t.TempDir(), 3<<20, quiet())
	first, second := s.Begin(leaseOf(nil)), s.Begin(leaseOf(nil))
	fill(t, first, content(2<<20))
	_, err := second.Write(content(2 << 20))
	require.ErrorIs(t, err, ErrFull)
	second.Close()
	used, files := s.Used()
	require.EqualValues(t, 2<<20, used)
	require.EqualValues(t, 1, files)
	first.Close()
	used, files = s.Used()
	require.Zero(t, used+files)
}

func TestWhereNoFileCanBeMadeABodyStaysInMemoryAsFarAsThatGoes(t *testing.T) {
	var log bytes.Buffer
	s := New(filepath.Join(t.TempDir(), "missing"), 1<<30, slog.New(slog.NewTextHandler(&log, nil)))
	budget := membudget.New(6 << 20)
	for range 2 {
		held := leaseOf(budget)
		b := s.Begin(held)
		text := content(2 << 20)
		fill(t, b, text)
		require.Greater(t, budget.Used(), int64(1<<20))
		got, err := io.ReadAll((&Edited{Body: b}).Open())
		require.NoError(t, err)
		require.True(t, bytes.Equal(text, got))
		b.Close()
		held.Release()
	}
	require.Equal(t, 1, strings.Count(log.String(), "TMPDIR"))
	b := s.Begin(leaseOf(budget))
	_, err := b.Write(content(7 << 20))
	require.ErrorIs(t, err, membudget.ErrFull)
	b.Close()
}

func TestADiskThatIsFullSaysSo(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("needs /dev/full")
	}
	s := New(t.TempDir(), 1<<30, quiet())
	b := s.Begin(leaseOf(nil))
	fill(t, b, content(2<<20))
	_ = b.file.Close()
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	require.NoError(t, err)
	b.file = full
	_, err = b.Write(content(1000))
	var disk *DiskError
	require.True(t, errors.As(err, &disk), err)
	b.Close()
	used, files := s.Used()
	require.Zero(t, used+files)
}

func TestWhatAKilledProcessHasLeftIsRemovedAtTheStart(t *testing.T) {
	dir := t.TempDir()
	left, other := filepath.Join(dir, "one-api-body-123"), filepath.Join(dir, "one-api-ledger.db")
	for _, name := range []string{left, other} {
		require.NoError(t, os.WriteFile(name, []byte("x"), 0o600))
	}
	New(dir, 1, quiet())
	require.NoFileExists(t, left)
	require.FileExists(t, other)
}
