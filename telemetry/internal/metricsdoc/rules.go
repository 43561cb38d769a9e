package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// The alert rules and their tests are written by hand, except for what both versions of the GenAI conventions have names for. That is made
// of what stands before it. In a rule, of a line of PromQL that is a comment, in which @ is the metric's name:
//
//	# GenAI firstChunk: rate(@_bucket[5m])
//	rate(the_current_name_bucket[5m]) or rate(the_latest_name_bucket[5m])
//
// In the tests, of everything between two lines, which is there again after them with the latest names:
const (
	asCurrent = "  # GenAI: from here on with the current names"
	asLatest  = "  # GenAI: from here on the same with the latest names, made by \"go generate ./telemetry\""
	asEnds    = "  # GenAI: to here"
)

var (
	ruleLine = regexp.MustCompile(`(?m)^( *)# GenAI ([A-Za-z]+): (.*@.*)\n.*$`)
	ruleTest = regexp.MustCompile(`(?s)\n` + regexp.QuoteMeta(asCurrent) + `\n(.*?)\n` + regexp.QuoteMeta(asLatest) + `\n.*?` +
		regexp.QuoteMeta(asEnds) + `\n`)
	testName = regexp.MustCompile(`(?m)^(  - name: .*)$`)
)

// ruleFiles are those of the rules and of their tests.
func ruleFiles(root string) (files []string, err error) {
	for _, pattern := range []string{"*.yml", "tests/*.yml"} {
		found, err := filepath.Glob(filepath.Join(root, "deploy/prometheus/rules", pattern))
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s has no rules", root)
	}
	return files, nil
}

func rulesOf(file string) (string, error) {
	text, err := os.ReadFile(file) //nolint:gosec // a file of this repository
	if err != nil {
		return "", err
	}
	made, err := withBoth(string(text))
	if err != nil {
		err = fmt.Errorf("%s: %w", file, err)
	}
	return made, err
}

// withBoth is a file of rules or of tests with what is made anew.
func withBoth(text string) (string, error) {
	all, err := figures()
	if err != nil {
		return "", err
	}
	text = ruleLine.ReplaceAllStringFunc(text, func(found string) string {
		part := ruleLine.FindStringSubmatch(found)
		indent, figure, template := part[1], part[2], part[3]
		if len(all[figure]) == 0 {
			err = fmt.Errorf("%q is no figure of names.go", figure)
		}
		var each []string
		for _, a := range all[figure] {
			if a.Selector != "" {
				err = fmt.Errorf("%s is told apart by %s, of which rules know nothing yet", figure, a.Selector)
			}
			each = append(each, strings.ReplaceAll(template, "@", a.Name))
		}
		return fmt.Sprintf("%s# GenAI %s: %s\n%s%s", indent, figure, template, indent, strings.Join(each, " or "))
	})
	text = ruleTest.ReplaceAllStringFunc(text, func(found string) string {
		current := ruleTest.FindStringSubmatch(found)[1]
		latest := testName.ReplaceAllString(current, "$1, by the latest GenAI conventions too")
		for _, of := range all {
			if len(of) == 2 && of[0].Selector == "" {
				latest = strings.ReplaceAll(latest, of[0].Name, of[1].Name)
			}
		}
		return "\n" + strings.Join([]string{asCurrent, current, asLatest, latest, asEnds}, "\n") + "\n"
	})
	return text, err
}
