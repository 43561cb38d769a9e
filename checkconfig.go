package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"one-api/relay"
	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/operator"
	"one-api/telemetry/otelenv"
)

// checked says what there is to say of a good configuration, and asks its channels if that is wanted.
func checked(
	source config.Source, settings *config.Settings, cfg *config.Config, asked probe, signals <-chan os.Signal, stdout io.Writer,
) int {
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
	if asked == "" {
		return 0
	}
	ctx, cancel := untilStopped(signals)
	defer cancel()
	switch relay.Probe(ctx, cfg, channel.PoolOptions{}, asked.question(), stdout) {
	case relay.SomeFail:
		return 1
	case relay.NotKnown:
		return 3
	default:
		return 0
	}
}

// counted is a number of things, as one says it.
func counted(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return strconv.Itoa(n) + " " + thing
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
