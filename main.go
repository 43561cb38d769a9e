// One API is a relay for LLM APIs that cannot leak: OpenAI- and Anthropic-compatible in front, many channels behind.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // TZ works in an image without a zone database

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/lmittmann/tint"

	"one-api/relay"
	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/ginmode"
	"one-api/relay/ledger"
	"one-api/relay/memory"
	"one-api/relay/operator"
	"one-api/relay/store"
	"one-api/telemetry"
	"one-api/telemetry/otelenv"
)

// version is stamped by the build: go build -ldflags "-X main.version=v1.2.3".
var version = "v0.1.0"

func main() {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	// A container's memory limit becomes GOMEMLIMIT, unless that is set: the collector works harder before the kernel kills. An
	// error means that there is no limit to follow.
	_, _ = memlimit.Set()          // 90%
	memory.RaiseGoal(os.LookupEnv) // below the limit, so it comes after it
	os.Exit(run(os.Args[1:], ginmode.LookupEnv, signals, os.Stdout, os.Stderr))
}

// run is the program, with what it is given from outside: 0 a clean end, 1 a failure, 2 a wrong call.
func run(args []string, env func(string) (string, bool), signals <-chan os.Signal, stdout, stderr io.Writer) int {
	flags, code, done := parseFlags(args, stdout, stderr)
	if done {
		return code
	}
	if flags.command == "schema" {
		_, _ = stdout.Write(config.Schema())
		return 0
	}
	if flags.config == "" {
		flags.config, _ = env("CONFIG_FILE")
	}
	env, made, tokensErr := keepTokens(env, flags.command == "" && !flags.checkConfig)
	source := config.Source{File: flags.config, Env: env, Names: variables, Providers: relay.ConfigProviders()}
	settings, settingsErr := config.LoadSettings(source)
	if flags.port >= 0 {
		settings.Port = flags.port
	}
	switch flags.command {
	case "healthcheck":
		return healthcheck(settings.Port, stdout, stderr)
	case "ready":
		return ready(settings.Port, settings.MonitorToken, stdout, stderr)
	case "token":
		if err := settingsErr; err != nil {
			fmt.Fprintf(stderr, "The configuration cannot be used:\n%v\n", err)
			return 1
		}
		return tokenCommand(flags.rest, source, settings, stdout, stderr)
	case "import":
		if err := settingsErr; err != nil {
			fmt.Fprintf(stderr, "The environment cannot be used:\n%v\n", err)
			return 1
		}
		return importCommand(flags.rest, flags.config, source, settings, signals, stdout, stderr)
	case "tokens":
		if err := errors.Join(tokensErr, settingsErr); err != nil {
			fmt.Fprintln(stderr, "one-api:", err)
		}
		return printTokens(settings, stdout, stderr)
	}
	cfg, err := config.Load(source, settings)
	database, databaseErr := store.Parse(settings.SQLDSN, settings.SQLitePath)
	if err = errors.Join(settingsErr, err, databaseErr); err != nil {
		fmt.Fprintf(stderr, "The configuration cannot be used:\n%v\n", err)
		return 1
	}
	if flags.checkConfig {
		return checked(source, &settings, cfg, flags.probe, stdout)
	}
	if tokensErr != nil { // the relay does its work without them
		cfg.Warnings = append(cfg.Warnings, strings.ReplaceAll(tokensErr.Error(), "\n", "; "))
	}
	announceTokens(stdout, made)
	if cfg, err = withClientKey(env, &source, settings, cfg); err != nil {
		fmt.Fprintf(stderr, "The configuration cannot be used:\n%v\n", err)
		return 1
	}
	return serve(source, settings, cfg, database, signals, stdout, stderr)
}

// withClientKey is the configuration with the key that was made for it at an earlier start, if one was.
func withClientKey(
	env func(string) (string, bool), source *config.Source, settings config.Settings, cfg *config.Config,
) (*config.Config, error) {
	var err error
	if source.Generated, err = keepClientKey(env, cfg.GeneratedToken); err != nil {
		cfg.Warnings = append(cfg.Warnings, err.Error())
	}
	if source.Generated == "" || source.Generated == cfg.GeneratedToken {
		return cfg, nil
	}
	again, err := config.Load(*source, settings)
	if err != nil { // it has changed since
		return nil, err
	}
	again.Warnings = cfg.Warnings
	return again, nil
}

// checked says what there is to say of a good configuration, and asks its channels if that is wanted.
func checked(source config.Source, settings *config.Settings, cfg *config.Config, asked probe, stdout io.Writer) int {
	fmt.Fprintln(stdout, "Checked:", sourceOf(cfg))
	for _, warning := range cfg.Warnings {
		fmt.Fprintln(stdout, "warning:", warning)
	}
	for _, finding := range otelenv.Read(source.Lookup(func(warning string) { fmt.Fprintln(stdout, "warning:", warning) })).Findings {
		fmt.Fprintln(stdout, "warning: environment:", finding)
	}
	relay.Understood(cfg, stdout)
	checkLooks(stdout, settings)
	fmt.Fprintf(stdout, "The configuration is good: %s, %s.\n", counted(len(cfg.Channels), "channel"), counted(len(cfg.Tokens), "token"))
	if asked != "" && !relay.Probe(context.Background(), cfg, channel.PoolOptions{}, asked == probeCall, stdout) {
		return 1
	}
	return 0
}

// counted is a number of things, as one says it.
func counted(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return strconv.Itoa(n) + " " + thing
}

// variables is the names of all that the process has been given.
func variables() []string {
	names := os.Environ()
	for i, variable := range names {
		names[i], _, _ = strings.Cut(variable, "=")
	}
	return names
}

// sourceOf says where a configuration came from.
func sourceOf(cfg *config.Config) string {
	switch {
	case cfg.Path == "" && cfg.Channels[0].Demo:
		return "the environment (no " + config.DefaultFile + " here, and no provider's key is set: the demo channel answers)"
	case cfg.Path == "":
		return "the environment (no " + config.DefaultFile + " here)"
	}
	file, err := filepath.Abs(cfg.Path)
	if err != nil {
		file = cfg.Path
	}
	if cfg.EnvFile != "" {
		file += ", with the variables of " + cfg.EnvFile
	}
	return file
}

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
		"--probe=call asks for one token instead")
	showVersion := set.Bool("version", false, "print the version and exit")
	help := func(w io.Writer) {
		fmt.Fprintf(w, usage, version)
		set.SetOutput(w)
		set.PrintDefaults()
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
	probeCall probe = "call" // for one token
)

// String is flag.Value's.
func (p *probe) String() string { return string(*p) }

// IsBoolFlag lets the flag stand alone.
func (*probe) IsBoolFlag() bool { return true }

// Set is flag.Value's.
func (p *probe) Set(text string) error {
	switch text {
	case "true", "list":
		*p = probeList
	case "call":
		*p = probeCall
	case "false":
		*p = ""
	default:
		return errors.New("must be --probe or --probe=call")
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

func serve(source config.Source, settings config.Settings, cfg *config.Config, database store.Target, signals <-chan os.Signal,
	stdout, stderr io.Writer) int {
	handler := logHandler(stdout, settings.Debug)
	kept, _ := source.Env("TOKEN_DIR")
	exported, err := telemetry.Start(context.Background(), telemetry.Options{
		Version: version, MaxPairs: settings.MaxModelLabels, Log: slog.New(handler), Level: logLevel(settings.Debug),
		Kept:   kept,
		Getenv: source.Lookup(func(warning string) { cfg.Warnings = append(cfg.Warnings, warning) }),
	})
	if err != nil {
		fmt.Fprintln(stderr, "one-api: telemetry:", err)
		return 1
	}
	defer exported.Shutdown()
	if exported.Tracing != nil {
		handler = telemetry.TraceIDs(handler)
	}
	if exported.Logs != nil {
		handler = slog.NewMultiHandler(handler, exported.Logs)
	}
	log := slog.New(handler)
	slog.SetDefault(log)
	made := "made for this run"
	if source.Generated != "" {
		made = "made, which TOKEN_DIR keeps"
	}
	source.Generated = cfg.GeneratedToken
	source.File = cfg.Path
	books, remembered, err := openLedger(settings, database, log)
	if err != nil {
		fmt.Fprintln(stderr, "one-api:", err)
		return 1
	}
	defer closeLedger(books, remembered)
	server, err := relay.New(relay.ServerOptions{
		Settings: settings, Config: cfg, Log: log, Version: version, Telemetry: exported, Ledger: books, Store: remembered,
		Reload: func() (*config.Config, error) {
			next, err := config.Load(source, settings)
			if err == nil {
				source.File = next.Path // once there is a file, its absence is a mistake and not the wish to do without one
			}
			return next, err
		},
		Check: func(content []byte) (*config.Config, error) { return config.Load(source.Pasted(content), settings) },
	})
	if err != nil {
		fmt.Fprintln(stderr, "one-api:", err)
		return 1
	}
	listener, err := net.Listen("tcp", ":"+strconv.Itoa(settings.Port))
	if err != nil {
		fmt.Fprintf(stderr, "one-api: cannot listen: %v (PORT or -port chooses another port)\n", err)
		return 1
	}
	published, _ := source.Env("PUBLISHED_PORT")
	if _, err := strconv.ParseUint(published, 10, 16); err != nil {
		published = "" // it is for a line in the log
	}
	greet(log, stdout, listener.Addr(), published, settings, cfg, exported, made)

	memory.Settle()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener) }()
	stopping := false
	for {
		select {
		case err := <-ended:
			if err != nil {
				log.Error("stopped", "error", err.Error())
				return 1
			}
			log.Info("stopped: every call ended by itself")
			return 0
		case received := <-signals:
			switch {
			case received == syscall.SIGHUP:
				_ = server.Reload() // it logs its error
			case stopping:
				log.Error("stopped at once, on the second signal")
				return 1
			default:
				stopping = true
				stop()
			}
		}
	}
}

// ledgerTimeout is how long the ledger's database may take at shutdown to take what it has not got yet. The rest waits in a file.
const ledgerTimeout = 5 * time.Second

// openLedger opens the database that the relay remembers in; nil, nil: none. An error means that it must not be used.
func openLedger(settings config.Settings, database store.Target, log *slog.Logger) (*ledger.Ledger, *store.Store, error) {
	kept, err := store.Open(context.Background(), database)
	if err != nil || kept.IsOff() {
		return nil, nil, err
	}
	if away := kept.State(); away != nil {
		log.Warn("the ledger's database cannot be used now: its rows wait, and requests do not", "database", database.String(), "error",
			away.Error())
	} else {
		log.Info("requests and what they cost are remembered", "database", database.String())
	}
	return ledger.New(ledger.Options{
		Store: kept, Log: log, SpillDir: settings.LedgerSpillDir, KeepRows: settings.Retention.Requests, KeepSums: settings.Retention.Sums,
	}), kept, nil
}

// closeLedger has what the ledger still holds written.
func closeLedger(books *ledger.Ledger, kept *store.Store) {
	if books == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), ledgerTimeout)
	defer cancel()
	books.Close(ctx)
	kept.Close()
}

func logLevel(debug bool) slog.Level {
	if debug {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

func logHandler(w io.Writer, debug bool) slog.Handler {
	return telemetry.OneLine(tint.NewTextHandler(w, &tint.Options{Level: logLevel(debug), TimeFormat: "2006-01-02 15:04:05", NoColor: true}))
}

// checkLooks says who may look and switch. That nobody else may look is no mistake to be warned of.
func checkLooks(stdout io.Writer, settings *config.Settings) {
	looks, warning := operator.WhoMayLook(settings)
	switch {
	case len(settings.MonitorAllow) > 0 && warning != "":
		fmt.Fprintln(stdout, "warning:", warning)
	case settings.MonitorToken == "":
		looks += " (MONITOR_TOKEN is not set)"
	}
	fmt.Fprintf(stdout, "The monitor endpoints answer %s; who may switch channels: %s.\n", looks, operator.AdminLine(settings))
}

// greet says that the relay runs, and how to call it. made is what was done about the client key, if none is configured.
func greet(log *slog.Logger, w io.Writer, address net.Addr, published string, settings config.Settings, cfg *config.Config,
	exported *telemetry.Telemetry, made string) {
	for _, warning := range cfg.Warnings {
		log.Warn("configuration", "warning", warning)
	}
	looks, warning := operator.WhoMayLook(&settings)
	if warning != "" {
		log.Warn("monitoring endpoints", "warning", warning)
	}
	_, port, _ := net.SplitHostPort(address.String()) // a listener's own address
	if published != "" {                              // another one outside of the container
		port = published
	}
	base := "http://localhost:" + port
	log.Info("One API "+version+" started", "address", base, "channels", len(cfg.Channels), "tokens", len(cfg.Tokens))
	log.Info("monitoring endpoints enabled at /api/monitor/health", "who_may_look", looks, "who_may_switch", operator.AdminLine(&settings))
	if cfg.Path == "" {
		log.Info("no configuration file: " + config.DefaultFile + " is loaded as soon as there is one here")
	}
	if exported.Instance == "" {
		log.Info("telemetry: " + exported.Plan)
	} else {
		log.Info("telemetry: "+exported.Plan, "instance", exported.Instance, "host", exported.Host)
	}
	if cfg.GeneratedToken == "" {
		return
	}
	model := "MODEL"
	if cfg.Channels[0].Demo {
		model = "demo"
	}
	const call = `curl %s%s/v1/chat/completions -H "Authorization: Bearer %s" -H "Content-Type: application/json" -d '{"model":"%s",%s` +
		`"messages":[{"role":"user","content":"Hi!"}]}'`
	fmt.Fprintf(w, "\nNo token is configured, so one was %s:\n\n  %s\n\nIts name is `generated`, and it may use every channel until a token stands in "+
		"the configuration file.\nKeys that `one-api token` makes work beside it.\n\nTry it:\n\n  %s\n\n  %s\n\n", made, cfg.GeneratedToken,
		fmt.Sprintf(call, "", base, cfg.GeneratedToken, model, ""), fmt.Sprintf(call, "-N ", base, cfg.GeneratedToken, model, `"stream":true,`))
}
