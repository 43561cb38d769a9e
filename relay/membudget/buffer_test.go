package membudget

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// read reads a body as its users do.
func read(l *Lease, from io.Reader, announced, most int64) ([]byte, error) {
	b := l.Buffer(announced, most)
	defer b.Close()
	for {
		room, err := b.Room()
		if err != nil {
			return nil, err
		}
		n, err := from.Read(room)
		b.Took(n)
		if errors.Is(err, io.EOF) {
			return b.Body()
		}
	}
}

// pieces gives a body in pieces of random sizes.
type pieces struct {
	rest []byte
	r    *rand.Rand
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:1+p.r.IntN(len(b))], p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// bodyOf is a body that is like no other.
func bodyOf(r *rand.Rand, size int) []byte {
	body := make([]byte, size)
	for i := range body {
		body[i] = byte(r.Uint32())
	}
	return body
}

var sizes = []int{0, 1, 1000, 4095, 4096, 4097, 20 << 10, 20<<10 + 1, Free, 84 << 10, 84<<10 + 1, 300_000, 3 * mb}

// announcements are what is said of a body's length.
var announcements = map[string]func(size int) int64{
	"as it is":     func(size int) int64 { return int64(size) },
	"not at all":   func(int) int64 { return -1 },
	"as too short": func(size int) int64 { return int64(size / 2) },
	"as too long":  func(size int) int64 { return int64(2 * size) },
}

func TestABodyIsReadWhateverIsSaidOfItsLength(t *testing.T) {
	for name, announced := range announcements {
		for _, size := range sizes {
			t.Run(fmt.Sprintf("%s, %d bytes", name, size), func(t *testing.T) {
				r := rand.New(rand.NewPCG(uint64(size), 1))
				b, body := New(64*mb), bodyOf(r, size)
				l := leaseOf(b)
				got, err := read(l, &pieces{body, r}, announced(size), 8*mb)
				require.NoError(t, err)
				require.True(t, bytes.Equal(body, got))
				require.Equal(t, max(0, int64(cap(got))-Free), b.Used())
				l.Release()
				require.Zero(t, b.Used())
			})
		}
	}
}

// TestBlocksThatAreUsedAgainSpoilNoBody writes over every block that is given back while other buffers take and give them.
func TestBlocksThatAreUsedAgainSpoilNoBody(t *testing.T) {
	poison := bytes.Repeat([]byte{0xDB}, blockSizes[len(blockSizes)-1])
	recycled = func(used *block) { copy(used.bytes, poison) }
	t.Cleanup(func() { recycled = func(*block) {} })
	var all sync.WaitGroup
	for seed := range uint64(8) {
		all.Go(func() {
			r := rand.New(rand.NewPCG(seed, 2))
			var bodies, got [][]byte
			for range 10 {
				body := bodyOf(r, r.IntN(500_000))
				read, err := read(new(Lease), &pieces{body, r}, -1, 8*mb)
				if err != nil {
					t.Error(err)
				}
				bodies, got = append(bodies, body), append(got, read)
			}
			for i := range bodies {
				if !bytes.Equal(bodies[i], got[i]) {
					t.Error("a body changed after it had been read")
				}
			}
		})
	}
	all.Wait()
}

func TestABodyForWhichThereIsNoRoomGivesItsBlocksBack(t *testing.T) {
	given := 0
	recycled = func(*block) { given++ }
	t.Cleanup(func() { recycled = func(*block) {} })
	for name, tc := range map[string]struct {
		limit  int64
		blocks int
	}{
		"while it is read":        {256 << 10, 6},
		"when it is put together": {512 << 10, 7},
	} {
		t.Run(name, func(t *testing.T) {
			given = 0
			b := New(tc.limit)
			l := leaseOf(b)
			_, err := read(l, bytes.NewReader(make([]byte, 300<<10)), -1, 8*mb)
			require.ErrorIs(t, err, ErrFull)
			require.Equal(t, tc.blocks, given)
			l.Release()
			require.Zero(t, b.Used())
		})
	}
}

// TestALengthThatIsOnlyClaimedTakesLittle stops where the sender does.
func TestALengthThatIsOnlyClaimedTakesLittle(t *testing.T) {
	for _, came := range []int{0, 1 << 10, 100 << 10, 1 << 20} {
		b := new(Lease).Buffer(64*mb, 64*mb)
		for b.Len() < came {
			room, err := b.Room()
			require.NoError(t, err)
			b.Took(min(len(room), came-b.Len()))
		}
		require.LessOrEqual(t, cap(b.body), max(Free, step*came))
	}
}

// TestALargeBodyIsCopiedOnceAtTheMost counts what is allocated for a body, the one that stays included.
func TestALargeBodyIsCopiedOnceAtTheMost(t *testing.T) {
	for name, most := range map[string]float64{"as it is": 1.2, "not at all": 2.1} { // the blocks may all be new ones
		t.Run(name, func(t *testing.T) {
			body := make([]byte, 10*mb)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got, err := read(new(Lease), bytes.NewReader(body), announcements[name](len(body)), 64*mb)
			runtime.ReadMemStats(&after)
			require.NoError(t, err)
			require.Less(t, float64(after.TotalAlloc-before.TotalAlloc)/float64(len(got)), most)
		})
	}
}

func TestABodyOfUnknownLengthAllocatesItselfAndItsList(t *testing.T) {
	if raceEnabled {
		t.Skip("the pools drop things at random under the race detector")
	}
	body, from := make([]byte, 3<<10), bytes.NewReader(nil)
	var l Lease
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		from.Reset(body)
		_, _ = read(&l, from, -1, mb)
	}), 2.5) // a collection may empty the pools
}

func BenchmarkABody(b *testing.B) {
	for _, announced := range []string{"as it is", "not at all"} {
		for _, size := range []int{300, 1 << 10, 3 << 10, 10 << 10, 100 << 10, mb, 10 * mb, 20 * mb} {
			b.Run(fmt.Sprintf("announced %s/%d", announced, size), func(b *testing.B) {
				body := make([]byte, size)
				b.ReportAllocs()
				b.SetBytes(int64(size))
				for b.Loop() {
					if _, err := read(new(Lease), bytes.NewReader(body), announcements[announced](size), 64*mb); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
