package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"one-api/relay"
	"one-api/relay/config"
	"one-api/telemetry/otelenv"
)

type flags struct {
	config      string
	port        int // -1 means PORT
	checkConfig bool
	probe       probe
	command     string
	rest        []string // what a command with words of its own is given
}

const usage = `One API %s: a relay for LLM APIs that cannot leak.

Usage:
  one-api [flags]        run the relay
  one-api healthcheck    ask a relay on this machine how it is; exit code 0: well (for containers without a shell)
  one-api ready          the same, and 1 while it drains; it shows MONITOR_TOKEN where PUBLIC_HEALTH=false asks for it
  one-api token          make, limit, rotate and delete client keys while the relay runs (one-api token --help)
  one-api tokens         print ADMIN_TOKEN and MONITOR_TOKEN of this environment (or of TOKEN_DIR), for a shell to take
  one-api import         take over a database of one-api, new-api or ezlinkai: channels, keys, budgets (one-api import --help)
  one-api schema         print the JSON Schema of the configuration file, for editors and other programs

Without a configuration file a channel is made for each provider whose key is set (OPENAI_API_KEY and its like, see below),
and a built-in demo channel when none is. docs/configuration.md explains the file.

Flags:
`

// exitCodes is what scripts go by.
const exitCodes = `
Exit codes:
  0  a clean end; with --check-config the configuration can be used, and with --probe every channel is reached and takes each of
     its keys (--probe=call: and gave a token)
  1  a failure: the configuration cannot be used, or a channel that was probed is not reached, refuses a key, or gave no token
  2  a wrong call: a flag or a command that there is not
  3  with --probe: nothing failed, but of some channel it is not known whether it works, since it could not be asked (it has no list of
     models, or names no model), its answer says nothing of the key, or it is over its rate; the table says which
Channels that are disabled are not asked, and count for nothing.
`

// printVariables lists every environment variable.
func printVariables(w io.Writer) {
	fmt.Fprintln(w, "\nEnvironment (the relay's own may also be given as NAME_FILE, the path of a file that holds the value; durations "+
		"are seconds, or 90s, 15m):")
	line := func(name, help string, notes ...string) {
		notes = slices.DeleteFunc(notes, func(note string) bool { return note == "" })
		if len(notes) > 0 {
			help += " (" + strings.Join(notes, "; ") + ")"
		}
		fmt.Fprintf(w, "  %-36s %s\n", name, strings.TrimSpace(strings.ReplaceAll(help, "`", "")))
	}
	ifUnset := func(value string) string {
		if value == "" {
			return ""
		}
		return "default: " + value
	}
	for _, v := range config.Variables {
		line(v.Name, v.Help, v.Kind(), ifUnset(v.IfUnset()))
	}
	fmt.Fprintln(w, "\nOpenTelemetry's, of which docs/telemetry.md has the others; what they say and do not get is a warning:")
	for _, v := range otelenv.Variables {
		if v.Usual {
			line(v.Name, v.Does, ifUnset(v.Default))
		}
	}
}

func parseFlags(args []string, stdout, stderr io.Writer) (f flags, code int, done bool) {
	set := flag.NewFlagSet("one-api", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&f.config, "config", "", "the configuration `file` (default: CONFIG_FILE, else ./channels.yaml if it exists)")
	f.port = -1
	set.Func("port", "the `port` to listen on (default: PORT)", func(text string) (err error) {
		f.port, err = strconv.Atoi(text)
		return err
	})
	set.BoolVar(&f.checkConfig, "check-config", false, "check the configuration, report everything that is wrong with it, and exit")
	set.Var(&f.probe, "probe", "with --check-config: ask every channel for the list of its models and print what came of it, key by key; "+
		"--probe=call asks for one token instead, --probe=call:MODEL for one of that model where a channel has it")
	showVersion := set.Bool("version", false, "print the version and exit")
	help := func(w io.Writer) {
		fmt.Fprintf(w, usage, version)
		set.SetOutput(w)
		set.PrintDefaults()
		fmt.Fprint(w, exitCodes)
		printVariables(w)
	}
	err := set.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		help(stdout)
		return f, 0, true
	case err != nil:
		return f, wrongCall(stderr, err.Error()), true
	case *showVersion:
		fmt.Fprintln(stdout, "One API", version)
		return f, 0, true
	case set.Arg(0) == "token", set.Arg(0) == "import":
		f.command, f.rest = set.Arg(0), set.Args()[1:]
		return f, 0, false
	case !slices.Contains([]string{"", "healthcheck", "ready", "tokens", "schema"}, set.Arg(0)):
		return f, wrongCall(stderr, "there is no command "+set.Arg(0)+meant(set.Arg(0), f.checkConfig)), true
	case set.NArg() > 1 && strings.HasPrefix(set.Arg(1), "-"):
		return f, wrongCall(stderr, "flags go before the command: one-api "+set.Arg(1)+" "+set.Arg(0)), true
	case set.NArg() > 1:
		return f, wrongCall(stderr, "one command at a time"), true
	case f.probe != "" && !f.checkConfig:
		return f, wrongCall(stderr, "--probe is for --check-config: one-api --check-config --probe"), true
	case f.port != -1 && (f.port < 0 || f.port > 65535):
		return f, wrongCall(stderr, fmt.Sprintf("-port must be from 0 to 65535 (got %d)", f.port)), true
	}
	f.command = set.Arg(0)
	return f, 0, false
}

// probe is what every channel is asked for; empty: nothing.
type probe string

// The questions.
const (
	probeList probe = "list" // of models
	probeCall probe = "call" // for one token; call:MODEL of that model
)

// question is what the relay asks then.
func (p *probe) question() relay.Question {
	kind, model, _ := strings.Cut(string(*p), ":")
	return relay.Question{Call: probe(kind) == probeCall, Model: model}
}

// String is flag.Value's.
func (p *probe) String() string { return string(*p) }

// IsBoolFlag lets the flag stand alone.
func (*probe) IsBoolFlag() bool { return true }

// Set is flag.Value's.
func (p *probe) Set(text string) error {
	model, named := strings.CutPrefix(text, string(probeCall)+":")
	switch {
	case text == "true", text == string(probeList):
		*p = probeList
	case text == string(probeCall), named && model != "":
		*p = probe(text)
	case text == "false":
		*p = ""
	default:
		return errors.New("must be --probe, --probe=call or --probe=call:MODEL")
	}
	return nil
}

// wrongCall says what is wrong with a call in two lines, which do not scroll away as the whole help would make them.
func wrongCall(stderr io.Writer, message string) int {
	fmt.Fprintf(stderr, "one-api: %s\none-api --help lists commands, flags and variables\n", message)
	return 2
}

// meant is what a word that is not a command was most likely to be.
func meant(word string, checkConfig bool) string {
	switch {
	case word == "version" || word == "help":
		return ": did you mean one-api --" + word + "?"
	case strings.HasSuffix(word, ".yaml") || strings.HasSuffix(word, ".yml"):
		call := "one-api --config " + word
		if checkConfig {
			call = "one-api --check-config --config " + word
		}
		return ": a file is named with --config: " + call
	}
	return ""
}
