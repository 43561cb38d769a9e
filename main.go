// One API is a relay for LLM APIs that cannot leak: OpenAI- and Anthropic-compatible in front, many channels behind.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	_ "time/tzdata" // TZ works in an image without a zone database

	"github.com/KimMachineGun/automemlimit/memlimit"

	"one-api/relay"
	"one-api/relay/config"
	"one-api/relay/ginmode"
	"one-api/relay/memory"
	"one-api/relay/store"
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

// run is the program, with what it is given from outside: 0 a clean end, 1 a failure, 2 a wrong call, 3 a probe that
// does not know.
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
	given := env
	env, _, tokensErr := keepTokens(given, false)
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
		return tokenCommand(flags.rest, source, settings, signals, stdout, stderr)
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
		return checked(source, &settings, cfg, flags.probe, signals, stdout)
	}
	return startRelay(source, given, settings, cfg, database, signals, stdout, stderr)
}

// startRelay runs the relay. The port comes first: if it is taken, nothing is made and no database is opened. env is the environment
// without what TOKEN_DIR keeps.
func startRelay(source config.Source, env lookup, settings config.Settings, cfg *config.Config, database store.Target,
	signals <-chan os.Signal, stdout, stderr io.Writer) int {
	listener, err := net.Listen("tcp", ":"+strconv.Itoa(settings.Port))
	if err != nil {
		fmt.Fprintf(stderr, "one-api: cannot listen: %v (PORT or -port chooses another port)\n", err)
		return 1
	}
	defer func() { _ = listener.Close() }() // Serve has closed it, if it came to that
	port := settings.Port
	env, made, tokensErr := keepTokens(env, true)
	source.Env = env
	if settings, err = config.LoadSettings(source); err != nil { // now with the tokens that were made
		fmt.Fprintf(stderr, "The configuration cannot be used:\n%v\n", err)
		return 1
	}
	settings.Port = port
	if tokensErr != nil { // the relay does its work without them
		cfg.Warnings = append(cfg.Warnings, strings.ReplaceAll(tokensErr.Error(), "\n", "; "))
	}
	announceTokens(stdout, made)
	if cfg, err = withClientKey(env, &source, settings, cfg); err != nil {
		fmt.Fprintf(stderr, "The configuration cannot be used:\n%v\n", err)
		return 1
	}
	return serve(source, settings, cfg, database, listener, signals, stdout, stderr)
}

// untilStopped is a context for a command that a signal may stop. A terminal that is closed does not: nohup does what it is there for.
func untilStopped(signals <-chan os.Signal) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for {
			select {
			case received := <-signals:
				if received != syscall.SIGHUP {
					cancel()
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, cancel
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

// variables is the names of all that the process has been given.
func variables() []string {
	names := os.Environ()
	for i, variable := range names {
		names[i], _, _ = strings.Cut(variable, "=")
	}
	return names
}
