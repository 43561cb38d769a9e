package harness

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// The tests here wait more than they compute, and most of them have to see their goroutines gone, for which nothing may run beside
// them. What can run beside them is another process.

var parts = flag.Int("parts", 1, "run the tests in so many processes at a time")

// partFile is where a process that runs a part writes down what has run.
const partFile = "ONE_API_TEST_PART"

// partOfMatrix is that.
type partOfMatrix struct {
	Cases         []caseOfPart
	Ran, Possible int
	LeftOut       []string
}

type caseOfPart struct {
	Class, Test, Name string
	Ran, Failed       int
	Circumstances     [len(circumstances)]map[string]bool
}

// turns is how many processes a place sees, one after the other: with one each, the place with the longest tests would be waited for.
const turns = 4

// runParts runs tests in several processes, takes together what they say, and reports whether all passed.
func runParts(tests []string) bool {
	dir, err := os.MkdirTemp("", "parts")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	n := min(*parts*turns, len(tests))
	said, failed := make([]bytes.Buffer, n), make([]error, n)
	var all errgroup.Group
	all.SetLimit(*parts)
	for i := range n {
		all.Go(func() error {
			var mine []string
			for at := i; at < len(tests); at += n {
				mine = append(mine, tests[at])
			}
			part := exec.Command(os.Args[0], append(argumentsOfPart(), "-test.run=^("+strings.Join(mine, "|")+")$")...)
			part.Env = append(os.Environ(), partFile+"="+partPath(dir, i))
			part.Stdout, part.Stderr = &said[i], &said[i]
			began := time.Now()
			failed[i] = part.Run()
			fmt.Printf("part %d of %d: %d tests in %s\n", i+1, n, len(mine), time.Since(began).Round(time.Second))
			return nil
		})
	}
	_ = all.Wait() // an error of one is no reason to end the others
	passed := true
	for i := range n {
		if failed[i] != nil || testing.Verbose() {
			_, _ = os.Stdout.Write(said[i].Bytes())
		}
		if err := Matrix.take(partPath(dir, i)); err != nil || failed[i] != nil {
			passed = false
			fmt.Printf("part %d of %d failed: %v %v\n", i+1, n, failed[i], err)
		}
	}
	for i := range n { // again at the end, where nothing hides them
		for line := range strings.Lines(said[i].String()) {
			if strings.HasPrefix(strings.TrimSpace(line), "--- FAIL") {
				fmt.Print(line)
			}
		}
	}
	return passed
}

func partPath(dir string, i int) string { return filepath.Join(dir, fmt.Sprintf("%d.json", i)) }

// argumentsOfPart is the flags of this process but for those that are for it alone.
func argumentsOfPart() (arguments []string) {
	flag.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "parts", "test.run", "test.testlogfile", "test.coverprofile":
		default:
			arguments = append(arguments, "-"+f.Name+"="+f.Value.String())
		}
	})
	return arguments
}

// testsToRun is the names of tests that -run accepts.
func testsToRun(names []string) (accepted []string) {
	top, _, _ := strings.Cut(flag.Lookup("test.run").Value.String(), "/")
	pattern := regexp.MustCompile(top)
	for _, name := range names {
		if pattern.MatchString(name) {
			accepted = append(accepted, name)
		}
	}
	return accepted
}

// write is what a part ends with.
func (m *faultMatrix) write(file string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	part := partOfMatrix{Ran: m.ran, Possible: m.possible, LeftOut: leftOut.names}
	for _, c := range m.cases {
		part.Cases = append(part.Cases, caseOfPart{c.class, c.test, c.name, c.ran, c.failed, c.circumstances})
	}
	text, err := json.Marshal(part)
	if err != nil {
		panic(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		panic(err)
	}
}

// take adds what a part has written.
func (m *faultMatrix) take(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var part partOfMatrix
	if err := json.Unmarshal(text, &part); err != nil {
		return err
	}
	m.leftOut(part.Ran, part.Possible)
	leftOut.names = append(leftOut.names, part.LeftOut...)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range part.Cases { // a test is in one part alone
		m.cases[strings.Join([]string{c.Class, c.Test, c.Name}, "\n")] = &faultCase{c.Class, c.Test, c.Name, c.Ran, c.Failed, c.Circumstances}
	}
	return nil
}
