// Package telemetry watches the process: its goroutines, its memory, and what it logs of them. It knows nothing of relaying.
package telemetry

// Level is how many goroutines there are, in the words that monitors and people use.
type Level string

// The levels.
const (
	Normal   Level = "normal"   // below 2000
	Elevated Level = "elevated" // 2000 to 5000
	High     Level = "high"     // above 5000
	Severe   Level = "severe"   // above 10000
)

// LevelOf names the level of n goroutines.
func LevelOf(n int) Level {
	switch {
	case n < 2000:
		return Normal
	case n <= 5000:
		return Elevated
	case n <= 10000:
		return High
	}
	return Severe
}
