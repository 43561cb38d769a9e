package harness

import (
	"cmp"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// The fault matrix: every test that is about a class of faults says so, every relay that it starts counts as a case (in a scene,
// each way one), and what has run is written down as a table.

var (
	writesMatrix = flag.Bool("matrix", false, "run the tests of the fault matrix only, and write "+matrixFile+" from what has run")
	Matrix       = &faultMatrix{classes: map[string]string{}, cases: map[string]*faultCase{}, variants: map[string]string{}}
)

const matrixFile = "../../docs/faults.md"

// faultClasses are the classes, and what happens in them.
var faultClasses = []struct{ name, what string }{
	{"F1", "The client leaves: before the upstream's header, between header and first event, mid-stream, while the relay is blocked writing"},
	{"F2", "An upstream error whose body is empty, 1 MiB, endless, reset half-way, chunked with trailing bytes, or sent and then silent"},
	{"F3", "Status 200 with a body that is no JSON, cut JSON, HTML, of the wrong type, broken gzip, a decompression bomb"},
	{"F4", "Copying to the client fails half-way"},
	{"F5", "A panic in an adaptor, in selection, in the recorder"},
	{"F6", "SSE lines of 70 KB, 1 MiB, 60 MiB; no newline; CR LF, lone CR, comments, multi-line data, a BOM, split inside of a rune"},
	{"F7", "A client that stops reading"},
	{"F8", "An upstream silent before its header, before the first token, mid-stream; and healthy streams longer than every clock"},
	{"F9", "Thousands of calls through many channels and proxies"},
	{"F10", "Connection refused, DNS and TLS failure, reset before the header and mid-stream, GOAWAY and RST_STREAM"},
	{"F11", "429 with and without Retry-After, 401 and 403 on one key of several, refusals that are about the request"},
	{"F12", "An OTLP endpoint that refuses, hangs, fails, resets, is slow"},
	{"F13", "Reload, disable and enable, and shutdown in the middle of many calls"},
	{"F14", "An error inside a 200, whole or streamed, in every spelling seen; a stream that ends without its terminator"},
	{"F15", "Models, paths, headers, request ids and methods that an attacker chooses"},
	{"F16", "Slow and oversized requests, deeply nested JSON"},
	{"F17", "Health while all that goes on"},
	{"F18", "A preamble, then an error, silence, or nothing"},
	{"F19", "Comments, pings or single bytes for ever, before and after content"},
	{"F20", "A reused connection that dies before a byte of the answer; an early answer while the body is still being sent"},
	{"F21", "The wall clock jumps by an hour, either way, while keys and channels rest"},
	{"F22", "A client that half-closes; a refusal behind a proxy that speaks HTTP/1.0 and closes"},
}

// faultMatrix is what has run.
type faultMatrix struct {
	mu      sync.Mutex
	classes map[string]string // by the name of the top-level test
	cases   map[string]*faultCase

	variants      map[string]string // what stands before the circumstances in the name of a test that is for those alone
	ran, possible int               // combinations of circumstances
}

// faultCase is one fault, and under which circumstances it was done.
type faultCase struct {
	class, test, name string
	ran, failed       int
	circumstances     [len(circumstances)]map[string]bool
}

// circumstances are what a case's are grouped by.
var circumstances = [...]string{"upstream", "request", "answer", "failing channel", "adaptors"}

// InMatrix says which class of faults a test is about. It is called once, at the beginning of the top-level test: from then on
// every relay that is started below it counts as a case, and has to end with requireQuiet.
func InMatrix(t *testing.T, class string) {
	t.Helper()
	if !slices.ContainsFunc(faultClasses, func(c struct{ name, what string }) bool { return c.name == class }) {
		t.Fatalf("there is no class %s", class)
	}
	Matrix.mu.Lock()
	defer Matrix.mu.Unlock()
	Matrix.classes[topLevel(t)] = class
}

func topLevel(t *testing.T) string {
	name, _, _ := strings.Cut(t.Name(), "/")
	return name
}

// classOf is the class that a test, or the one that it is a part of, is about; empty: none.
func (m *faultMatrix) classOf(t *testing.T) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.classes[topLevel(t)]
}

// StandsFor says that the last part of a test's name is no more than the circumstances.
func (m *faultMatrix) StandsFor(t *testing.T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.variants[t.Name()] = t.Name()[:strings.LastIndex(t.Name(), "/")]
}

// leftOut counts the combinations of circumstances that there are, and those that were drawn.
func (m *faultMatrix) leftOut(drawn, of int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ran, m.possible = m.ran+drawn, m.possible+of
}

// Tried is one of the things that a relay was started for.
type Tried struct {
	About string   // which of several; empty: what the test's name says
	Under []string // its circumstances
}

// count counts what a relay was started for.
func (m *faultMatrix) count(t *testing.T, failed bool, what func() []Tried) {
	class := m.classOf(t)
	if class == "" {
		return
	}
	m.mu.Lock()
	name := cmp.Or(m.variants[t.Name()], t.Name())
	m.mu.Unlock()
	_, path, _ := strings.Cut(name, "/")
	all := []Tried{{}}
	if what != nil {
		all = what()
	}
	for _, one := range all {
		name := plainName(path)
		if one.About != "" {
			name = strings.TrimPrefix(name+", "+one.About, ", ")
		}
		m.add(class, topLevel(t), name, failed, one.Under)
	}
}

func plainName(path string) string {
	return strings.NewReplacer("_", " ", "/", ", ").Replace(path)
}

func (m *faultMatrix) add(class, test, name string, failed bool, under []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := strings.Join([]string{class, test, name}, "\n")
	c := m.cases[key]
	if c == nil {
		c = &faultCase{class: class, test: test, name: name}
		m.cases[key] = c
	}
	c.ran++
	if failed {
		c.failed++
	}
	for i, value := range under {
		if c.circumstances[i] == nil {
			c.circumstances[i] = map[string]bool{}
		}
		c.circumstances[i][value] = true
	}
}

// atOnce is how many of the parallel tests run at a time: they mostly wait, and not for the processor.
const atOnce = 8

// Main is the package's TestMain.
func Main(m *testing.M) {
	flag.Parse()
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == parallel.DefValue {
		_ = parallel.Value.Set(strconv.Itoa(atOnce))
	}
	part := os.Getenv(partFile)
	if *writesMatrix && len(testsThat(true)) == 0 {
		os.Exit(0) // another package's
	}
	switch {
	case part != "":
	case *parts > 1:
		finishMatrix(Number(!runParts(testsToRun(testsThat(*writesMatrix)))))
	case *writesMatrix:
		if err := flag.Set("test.run", "^("+strings.Join(testsThat(true), "|")+")$"); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) { // behind goleak's own verdict
		if part != "" {
			Matrix.write(part)
			os.Exit(code)
		}
		finishMatrix(code)
	}))
}

// finishMatrix says what has run, and ends the process.
func finishMatrix(code int) {
	if *writesMatrix {
		if err := os.WriteFile(filepath.FromSlash(matrixFile), []byte(Matrix.page(code == 0)), 0o644); err != nil {
			panic(err)
		}
	}
	Matrix.sumUp(os.Stdout)
	nameLeftOut(os.Stdout)
	os.Exit(code)
}

// sumUp says how much of the matrix has run, and how more of it is to be had.
func (m *faultMatrix) sumUp(w io.Writer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.possible == 0 {
		return // none of its tests
	}
	ran := 0
	for _, c := range m.cases {
		ran += c.ran
	}
	_, _ = fmt.Fprintf(w, "fault matrix: %d cases ran, under %d of %d combinations of circumstances (%s)\n", ran, m.ran, m.possible, map[Thoroughness]string{
		aFew:      "every fault with a few of them; " + drawnBy + "=pairs adds every pair of them, and -matrix the rest",
		EachOnce:  "each circumstance at least once; " + drawnBy + "=pairs adds every pair of them, and -matrix the rest",
		everyPair: "every pair of circumstances; -matrix adds the rest",
		EveryOne:  "all that are not drawn in pairs for being slow",
	}[Thorough()])
}

// testsThat finds the tests in the package's own files: all of them, or those of the matrix, which call inMatrix.
func testsThat(areOfMatrix bool) (names []string) {
	files, _ := filepath.Glob("*_test.go")
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			panic(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil || !strings.HasPrefix(f.Name.Name, "Test") || f.Name.Name == "TestMain" {
				continue
			}
			if !areOfMatrix {
				names = append(names, f.Name.Name)
				continue
			}
			ast.Inspect(f.Body, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					if called, ok := call.Fun.(*ast.SelectorExpr); ok && called.Sel.Name == "InMatrix" {
						names = append(names, f.Name.Name)
					}
				}
				return true
			})
		}
	}
	return names
}

// page is the table as Markdown.
func (m *faultMatrix) page(clean bool) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := slices.Collect(maps.Values(m.cases))
	slices.SortFunc(all, func(a, b *faultCase) int { return cmp.Or(cmp.Compare(a.test, b.test), cmp.Compare(a.name, b.name)) })
	var b strings.Builder
	b.WriteString(pageHead)
	total := 0
	for _, class := range faultClasses {
		ran, failed := 0, 0
		for _, c := range all {
			if c.class == class.name {
				ran, failed = ran+c.ran, failed+c.failed
			}
		}
		total += ran
		fmt.Fprintf(&b, "| %s | %s | %d | %s |\n", class.name, class.what, ran, verdict(ran, failed))
	}
	fmt.Fprintf(&b, "\n%d cases ran in all, under %d of %d combinations of circumstances. Goroutines left when the last one had ended: %s.\n\n",
		total, m.ran, m.possible, map[bool]string{true: "none", false: "see the failed cases"}[clean])
	b.WriteString(pageCases)
	for _, class := range faultClasses {
		for _, c := range all {
			if c.class == class.name {
				fmt.Fprintf(&b, "| %s | `%s` | %s | %s |", c.class, c.test, cmp.Or(c.name, "–"), c.cases())
				for _, values := range c.circumstances {
					fmt.Fprintf(&b, " %s |", cmp.Or(strings.Join(slices.Sorted(maps.Keys(values)), ", "), "–"))
				}
				b.WriteString("\n")
			}
		}
	}
	return b.String()
}

func (c *faultCase) cases() string {
	if c.failed > 0 {
		return fmt.Sprintf("%d, %d FAILED", c.ran, c.failed)
	}
	return fmt.Sprint(c.ran)
}

func verdict(ran, failed int) string {
	switch {
	case ran == 0:
		return "not run"
	case failed > 0:
		return fmt.Sprintf("%d FAILED", failed)
	}
	return "all passed"
}

const pageHead = `<!-- generated by: go -C testbed test -count=1 -timeout 90m ./faults -matrix -parts 8 -->

# The fault matrix

What was done to the assembled relay, over real sockets, and what came of it. A case is one call, or one
crowd of calls, on one way through the adaptors under one set of circumstances; the figures count what really ran. Each case
asserts that its clients got whole answers or honest errors, and ends with the same assertions (` + "`RequireQuiet`" + ` in ` + "`testbed/harness/relay.go`" + `): no call
in flight, no body open, none left to the safety net, the upstreams saw their requests end, every attempt and every request was recorded
exactly once, and goroutines are those of before (goleak). The tests that run beside others, and those with a collector, leave the last
to the end of the whole run.

| class | what happens | cases | result |
| --- | --- | --- | --- |
`

const pageCases = `## The cases

A large request is one with a body over 64 KiB, which takes another path than a small one. "Whole" is an answer that is no stream. The
failing channel is the only one, the first of two (a healthy one stands behind it), or the last of two (the one before it has refused
already). Everything is combined with everything, but for what does not go together, and for the slowest (crowds, floods), where
every two circumstances come together in some case. The same for all, under Go's race
detector, is ` + "`FAULTS=pairs go -C testbed test -race ./faults`" + `, which CI runs, and a plain
` + "`go -C testbed test ./...`" + ` has each case with a few of them; both are drawn by fixed seeds.

| class | test | case | cases | upstream | request | answer | failing channel | adaptors |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
`
