package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	fenced  = regexp.MustCompile("(?ms)^```.*?^```$")
)

// TestEveryLinkOfThePagesLeadsSomewhere goes through the links to files of the repository, and to headings in them. What is on other
// machines is left out.
func TestEveryLinkOfThePagesLeadsSomewhere(t *testing.T) {
	for _, page := range pages(t) {
		for _, to := range link.FindAllStringSubmatch(prose(t, page), -1) {
			if strings.Contains(to[1], "://") || strings.HasPrefix(to[1], "mailto:") {
				continue
			}
			path, section, hasSection := strings.Cut(to[1], "#")
			target := page
			if path != "" {
				target = filepath.Join(filepath.Dir(page), filepath.FromSlash(path))
			}
			if _, err := os.Stat(target); !assert.NoError(t, err, "%s links to %s", page, to[1]) {
				continue
			}
			if hasSection && filepath.Ext(target) == ".md" {
				assert.Contains(t, sections(t, target), section, "%s links to %s", page, to[1])
			}
		}
	}
}

// TestTheIndexNamesEveryPage since a page that no index names is found by nobody.
func TestTheIndexNamesEveryPage(t *testing.T) {
	index := prose(t, filepath.Join("docs", "README.md"))
	for _, page := range pages(t) {
		if name := filepath.Base(page); filepath.Dir(page) == "docs" && name != "README.md" {
			assert.True(t, strings.Contains(index, "]("+name+")"), "docs/README.md does not name %s", name)
		}
	}
}

// pages is every page of the repository, but for what tests and generators read.
func pages(t *testing.T) (found []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "node_modules", "testdata", "internal"}, entry.Name()):
			return filepath.SkipDir
		case filepath.Ext(path) == ".md":
			found = append(found, path)
		}
		return nil
	}))
	require.NotEmpty(t, found)
	return found
}

// prose is a page without its blocks of code, in which a link is none and a # begins a comment.
func prose(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	return fenced.ReplaceAllString(strings.ReplaceAll(string(text), "\r\n", "\n"), "")
}

// sections is the anchors of a page's headings, as GitHub makes them.
func sections(t *testing.T, page string) (anchors []string) {
	t.Helper()
	for _, h := range heading.FindAllStringSubmatch(prose(t, page), -1) {
		text := regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(h[1], "$1")
		anchors = append(anchors, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(text)))
	}
	return anchors
}
