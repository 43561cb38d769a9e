// Metricsdoc writes telemetry/METRICS.md, the reference of everything that the relay exports, from the list of instruments.
// It is run by "go generate ./telemetry", in that directory.
package main

import (
	"fmt"
	"os"
)

func main() {
	text, err := render()
	if err == nil {
		err = os.WriteFile("METRICS.md", []byte(text), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "metricsdoc:", err)
		os.Exit(1)
	}
}
