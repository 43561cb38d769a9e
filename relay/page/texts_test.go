package page

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var said = regexp.MustCompile(`\bt\((?:'((?:[^'\\]|\\.)*)'|"([^"]*)")`)

// scripts are the page's own, by name.
func scripts(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	names, err := fs.Glob(embedded, "assets/*.js")
	require.NoError(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, "preact.js") || strings.HasSuffix(name, "uplot.js") {
			continue
		}
		text, err := embedded.ReadFile(name)
		require.NoError(t, err)
		all[name] = string(text)
	}
	return all
}

func TestEveryTextOfThePageIsThereInChinese(t *testing.T) {
	all := scripts(t)
	chinese := all["assets/chinese.js"]
	n := 0
	for name, text := range all {
		for _, m := range said.FindAllStringSubmatch(text, -1) {
			n++
			english := m[1] + m[2]
			assert.Truef(t, strings.Contains(chinese, "'"+english+"': '") || strings.Contains(chinese, `"`+english+`": '`), "%s says %q", name, english)
		}
	}
	assert.Greater(t, n, 150)
}

func TestThePageNamesNoOtherHost(t *testing.T) {
	other := regexp.MustCompile(`https?://[a-z0-9.-]+`)
	for name, text := range scripts(t) {
		assert.Emptyf(t, other.FindAllString(strings.ReplaceAll(text, "http://www.w3.org", ""), -1), name)
	}
}
