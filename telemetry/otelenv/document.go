package otelenv

import (
	"fmt"
	"strings"
)

// Table is every variable as a table in Markdown.
func Table() string {
	var b strings.Builder
	b.WriteString("| variable | | default | |\n| --- | --- | --- | --- |\n")
	for _, v := range Variables {
		state := "honoured"
		if v.Refused {
			state = "refused"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", v.Name, state, v.Default, v.Does)
	}
	return b.String()
}

// The marks between which the table stands in a document.
const (
	begin = "<!-- variables: go generate ./telemetry/otelenv -->\n"
	end   = "<!-- end of variables -->\n"
)

// InDocument puts the table into a document, between its marks.
func InDocument(document string) (string, error) {
	before, rest, found := strings.Cut(document, begin)
	_, after, ends := strings.Cut(rest, end)
	if !found || !ends {
		return "", fmt.Errorf("the document has no %q and %q", begin, end)
	}
	return before + begin + Table() + end + after, nil
}
