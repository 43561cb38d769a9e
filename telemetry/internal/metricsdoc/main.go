// Metricsdoc writes telemetry/METRICS.md, the reference of everything that the relay exports, from the list of instruments, and what
// the dashboards' sources call it (deploy/grafana/src/names.ts). It is run by "go generate ./telemetry", in that directory.
package main

import (
	"fmt"
	"os"
)

const namesFile = "../deploy/grafana/src/names.ts"

func main() {
	for file, make := range map[string]func() (string, error){"METRICS.md": render, namesFile: names} {
		text, err := make()
		if err == nil {
			err = os.WriteFile(file, []byte(text), 0o644)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "metricsdoc:", err)
			os.Exit(1)
		}
	}
}
