package relay

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheWalkLeadsPastFunctionsThatThereAre holds docs/walk.md against the code.
func TestTheWalkLeadsPastFunctionsThatThereAre(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "walk.md"))
	require.NoError(t, err)
	stops := regexp.MustCompile("(?m)^[0-9]+\\. `([^`]+)` · `([A-Za-z]+)\\.([A-Za-z]+)`").FindAllStringSubmatch(string(page), -1)
	require.Len(t, stops, 12)
	for _, stop := range stops {
		code, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(stop[1])))
		if assert.NoError(t, err) {
			declared := regexp.MustCompile(`(?m)^func \(\w+ \*?` + stop[2] + `(\[\w+\])?\) ` + stop[3] + `\(`)
			assert.Regexp(t, declared, string(code), "%s has no %s.%s", stop[1], stop[2], stop[3])
		}
	}
	for _, file := range regexp.MustCompile("`([a-z]+/[a-z/]+\\.go)`").FindAllStringSubmatch(string(page), -1) {
		_, err := os.Stat(filepath.Join("..", filepath.FromSlash(file[1])))
		assert.NoError(t, err)
	}
	for _, name := range regexp.MustCompile("`([a-z]+\\.go)`").FindAllStringSubmatch(string(page), -1) {
		_, err := os.Stat(filepath.Join("exchange", name[1]))
		assert.NoError(t, err, "files without a folder are the exchange's")
	}
	assert.Less(t, len(strings.Fields(string(page))), 800, "a walk, and no book")
}
