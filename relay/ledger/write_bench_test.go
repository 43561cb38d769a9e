//go:build unix

package ledger

import (
	"context"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/store"
	"one-api/relay/store/storetest"
)

// cpuTime is what the process has used of the processor.
func cpuTime() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used) // this process is there
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// What a row costs once it is taken to the database: CPU and everything else of the writer. Rows are of twenty tokens, ten models and five
// channels, whose indexes are then written to in as many places; or of one.
func BenchmarkWrite(b *testing.B) {
	for _, kind := range []string{"SQLite", "SQLite-one", "PostgreSQL"} {
		for _, batch := range []int{1, 10, 100, 1000} {
			b.Run(fmt.Sprintf("%s/%d", kind, batch), func(b *testing.B) {
				target := store.Target{Kind: store.SQLite, Path: filepath.Join(b.TempDir(), "x.db")}
				if kind == "PostgreSQL" {
					target = store.Target{Kind: store.PostgreSQL, DSN: storetest.PostgreSQL(b)}
				}
				s, err := store.Open(context.Background(), target)
				require.NoError(b, err)
				defer s.Close()
				w := writer{store: s}
				rows := make([]Row, batch)
				n := 0
				b.ReportAllocs()
				b.ResetTimer()
				used := cpuTime()
				for range b.N / batch {
					for i := range rows {
						n++
						if rows[i] = usualRow(n); kind == "SQLite-one" {
							rows[i].Token, rows[i].Model, rows[i].Channel = "phone-app", "gpt-4o", "openai-main"
						}
					}
					ctx, cancel := context.WithTimeout(context.Background(), writeTimeout) // as the ledger does
					if err := w.write(ctx, rows); err != nil {
						b.Fatal(err)
					}
					cancel()
				}
				b.ReportMetric(float64((cpuTime()-used).Nanoseconds())/1000/float64(n), "cpu-µs/row")
			})
		}
	}
}
