// Metricsdoc writes telemetry/METRICS.md, the reference of everything that the relay exports, from the list of instruments, what the
// dashboards' sources call it (deploy/grafana/src/names.ts), and the parts of the alert rules and of their tests that the list's names
// for both versions of the GenAI conventions make up. It is run by "go generate ./telemetry", in that directory.
package main

import (
	"fmt"
	"os"
)

const namesFile = "../deploy/grafana/src/names.ts"

func main() {
	made := map[string]func() (string, error){"METRICS.md": render, namesFile: names}
	files, err := ruleFiles("..")
	if err != nil {
		fmt.Fprintln(os.Stderr, "metricsdoc:", err)
		os.Exit(1)
	}
	for _, file := range files {
		made[file] = func() (string, error) { return rulesOf(file) }
	}
	for file, make := range made {
		text, err := make()
		if err == nil {
			err = os.WriteFile(file, []byte(text), 0o644) //nolint:gosec // a document is for everybody to read
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "metricsdoc:", err)
			os.Exit(1)
		}
	}
}
