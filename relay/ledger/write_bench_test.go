package ledger

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/store"
	"one-api/relay/store/storetest"
)

func usualRow(i int) Row {
	r := Row{
		ID: fmt.Sprintf("%012x%020x", time.Now().UnixMilli(), uint64(i)*0x9e3779b97f4a7c15), Attempt: 1, Last: true, At: time.Now().UnixMicro() + int64(i), Token: fmt.Sprintf("phone-app-%d", i%20), Model: fmt.Sprintf("gpt-4o-%d", i%10),
		Channel: fmt.Sprintf("openai-main-%d", i%5), Provider: "openai", Endpoint: "/v1/chat/completions", Answered: "gpt-4o-2024-08-06", Outcome: "completed",
		Status: 200, MS: 812, FirstMS: 300, Uncached: 900, CacheRead: 200, TextOut: 240, Reasoning: 100, Source: "provider", Cost: 1230000, Charge: 1230000,
		Rule: "openai/gpt-4o", RuleDate: "2026-09-23", TotalOutcome: "completed", TotalStatus: 200, TotalMS: 813, TotalCost: 1230000,
	}
	r.settle(time.UTC)
	return r
}

// What a row costs once it is taken to the database: CPU and everything else of the writer.
func BenchmarkWrite(b *testing.B) {
	for _, kind := range []string{"SQLite", "PostgreSQL"} {
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
				for range b.N / batch {
					for i := range rows {
						n++
						rows[i] = usualRow(n)
					}
					if err := w.write(context.Background(), rows); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
