// Command variablesdoc writes the table of OpenTelemetry's variables into docs/telemetry.md. It runs in telemetry/otelenv.
package main

import (
	"fmt"
	"os"

	"one-api/telemetry/otelenv"
)

const document = "../../docs/telemetry.md"

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "variablesdoc:", err)
		os.Exit(1)
	}
}

func write() error {
	text, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	written, err := otelenv.InDocument(string(text))
	if err != nil {
		return err
	}
	return os.WriteFile(document, []byte(written), 0o644) //nolint:gosec // a document is for everybody to read
}
