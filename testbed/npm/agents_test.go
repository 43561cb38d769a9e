package npm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

// agent is a program that people give work to, as it is run here: without a terminal, in a folder of its own, with no memory of other runs.
type agent struct {
	name    string // its name and, in brackets, its way to the relay
	program string // in node_modules/.bin
	pack    string // what it is installed as
	// configure writes what the program reads of the place, and gives its arguments and its environment.
	configure func(t *testing.T, p place, prompt string) (arguments, environment []string)
	// reads is the call with which it reads a file.
	reads func(path string) standin.Call
	// own is the format of the provider for which the program is made. With a channel of that it has every scene, with the others a turn.
	own    standin.Dialect
	others []standin.Dialect
	// does is what it does in a scene other than a turn, where it does not try again and end the turn.
	does map[string]deed
	// short has it go through turns only: the other scenes are those of another way of the same program.
	short bool
}

// deed is what a program does when something goes wrong.
type deed struct {
	says string // what it prints
	ends bool   // it ends the turn all the same
	told string // of it in the document
}

// place is where a program finds everything.
type place struct {
	home  string // its home, which is its working directory as well
	relay string
	model string
}

func (p place) write(t *testing.T, name, text string) {
	t.Helper()
	at := filepath.Join(p.home, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(at), 0o700))
	require.NoError(t, os.WriteFile(at, []byte(text), 0o600))
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func callOf(name string, arguments map[string]any) standin.Call {
	text := asJSON(arguments)
	return standin.Call{ID: "call_read_1", Name: name, Arguments: []string{text[:len(text)/2], text[len(text)/2:]}}
}

const (
	prompt = "Read first.txt and tell me what it says."
	inFile = "the first file says apricot"
	ending = "The file is read: it says apricot."
)

// said is how a run of a program went.
type said struct {
	out  string
	err  error
	took time.Duration
}

// run has a program answer the prompt. Whatever it asks of other hosts ends at a proxy that lets nothing through.
func (a agent) run(t *testing.T, p place, strangers *harness.Upstream) said {
	t.Helper()
	arguments, environment := a.configure(t, p, prompt)
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(os.Getenv("NPM_CLIENTS"), "node_modules", ".bin", a.program), arguments...)
	cmd.Dir, cmd.WaitDelay = p.home, 5*time.Second
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + p.home, "TMPDIR=" + filepath.Join(p.home, "tmp"), "TERM=dumb", "NO_COLOR=1", "CI=",
		"XDG_CONFIG_HOME=" + filepath.Join(p.home, ".config"), "XDG_DATA_HOME=" + filepath.Join(p.home, ".local/share"),
		"XDG_CACHE_HOME=" + filepath.Join(p.home, ".cache"), "XDG_STATE_HOME=" + filepath.Join(p.home, ".local/state"),
		"HTTP_PROXY=" + strangers.URL, "HTTPS_PROXY=" + strangers.URL, "http_proxy=" + strangers.URL, "https_proxy=" + strangers.URL,
		"NO_PROXY=127.0.0.1,localhost", "no_proxy=127.0.0.1,localhost",
	}, environment...)
	require.NoError(t, os.MkdirAll(filepath.Join(p.home, "tmp"), 0o700))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	err := cmd.Run()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = ctx.Err()
	}
	return said{out: strings.ReplaceAll(out.String(), p.home, "~"), err: err, took: time.Since(began)}
}

// turnOf is what the model says: a call that reads the file, thought about if that was asked for, and once it has come a text. Who asks without tools gets a few words.
func (a agent) turnOf(home string) func(map[string]any) standin.Answer {
	return func(body map[string]any) standin.Answer {
		switch text := asJSON(body); {
		case body["tools"] == nil: // for a title
			return standin.Answer{Text: []string{"Reading ", "a file"}}
		case strings.Contains(text, "says apricot"):
			return standin.Answer{Text: []string{"The file is read: ", "it says apricot."}}
		}
		answer := standin.Answer{Text: []string{"I read ", "it."}, Calls: []standin.Call{a.reads(filepath.Join(home, "first.txt"))}}
		if thinking, _ := body["thinking"].(map[string]any); thinking["type"] == "enabled" { // Anthropic's models do then, and it is to come back
			answer.Thought = "The file has to be read."
		}
		return answer
	}
}

// scenesOfAgents is what an agent goes through: a turn in which a file is read, and the same with the provider in trouble once.
var scenesOfAgents = []string{"turn", "limited", "overload", "overflow", "cut"}

// TestAgentsFromNPM has each program end a turn with a tool, and has it meet what goes wrong at providers. AGENTS=all is every scene with
// every format.
func TestAgentsFromNPM(t *testing.T) {
	if os.Getenv("NPM_CLIENTS") == "" {
		t.Skip("set NPM_CLIENTS to a directory for the packages: NPM_CLIENTS=/tmp/npm go -C testbed test ./npm")
	}
	installed(t)
	strangers := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		t.Logf("somebody asks for %s", r.Host)
		w.WriteHeader(http.StatusForbidden)
	})
	t.Run("", func(t *testing.T) {
		for _, a := range agents {
			for _, d := range append([]standin.Dialect{a.own}, a.others...) {
				for _, scene := range scenesOfAgents {
					if os.Getenv("AGENTS") != "all" && !a.inFew(d, scene) {
						continue
					}
					t.Run(a.name+", "+formatOf(d)+", "+scene, func(t *testing.T) {
						t.Parallel()
						a.goesThrough(t, d, scene, strangers)
					})
				}
			}
		}
	})
}

// inFew reports whether a scene is among the few that are run if nobody asks for all: a turn with every format, and trouble with its own.
func (a agent) inFew(d standin.Dialect, scene string) bool {
	switch scene {
	case "turn":
		return true
	case "overload": // nobody has done otherwise than when limited
		return false
	}
	return d == a.own && !a.short
}

// formatOf is what a dialect is called in the document.
func formatOf(d standin.Dialect) string {
	if _, is := d.(standin.Responses); is {
		return "responses"
	}
	return d.Type()
}

func (a agent) goesThrough(t *testing.T, d standin.Dialect, scene string, strangers *harness.Upstream) {
	t.Helper()
	home, err := os.MkdirTemp("", "agent") // a test's own has its name in it, which no shell takes
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	server := &standin.Server{Dialect: d, Script: a.turnOf(home)}
	f := &trouble{kind: scene, server: server}
	u := harness.NewUpstream(t, false, f.ServeHTTP)
	api := ""
	if _, is := d.(standin.Responses); is {
		api = ", api: responses"
	}
	// Without tries of its own, so that the program hears of it.
	r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: %s, base_url: %q, keys: [%s]%s}\n", d.Type(), u.URL, standin.Key, api), harness.WithEnv("RETRY_TIMES", "0"))
	p := place{home: home, relay: r.URL, model: d.Model()}
	p.write(t, "first.txt", inFile+"\n")
	s := a.run(t, p, strangers)
	t.Logf("%s after %s: %v\n%s", a.name, s.took, s.err, s.out)
	require.Empty(t, server.Refused(), "what it is sent, no provider takes")
	asked := f.asked()
	does, other := a.does[scene]
	if !other || does.ends {
		if !other { // some that go on after an error tell of it by their exit code
			require.NoError(t, s.err)
		}
		require.Contains(t, s.out, ending)
		least := 2
		if scene != "turn" {
			least = 3
		}
		require.GreaterOrEqual(t, len(asked), least, "a call of a tool, and its result")
	} else {
		require.Len(t, asked, 1)
	}
	require.Contains(t, s.out, does.says)
	if scene == "limited" {
		require.GreaterOrEqual(t, asked[1].Sub(asked[0]), longRetryAfter, "it waits for as long as it was told to")
	}
}
