package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/lmittmann/tint"

	"one-api/relay"
	"one-api/relay/config"
	"one-api/relay/ledger"
	"one-api/relay/memory"
	"one-api/relay/operator"
	"one-api/relay/store"
	"one-api/telemetry"
)

func serve(source config.Source, settings config.Settings, cfg *config.Config, database store.Target, listener net.Listener,
	signals <-chan os.Signal, stdout, stderr io.Writer) int {
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
	again := source // for reloads, of which there is one at a time; Check is called whenever somebody asks
	server, err := relay.New(relay.ServerOptions{
		Settings: settings, Config: cfg, Log: log, Version: version, Telemetry: exported, Ledger: books, Store: remembered,
		Reload: func() (*config.Config, error) {
			next, err := config.Load(again, settings)
			if err == nil {
				again.File = next.Path // once there is a file, its absence is a mistake and not the wish to do without one
			}
			return next, err
		},
		Check: func(content []byte) (*config.Config, error) { return config.Load(source.Pasted(content), settings) },
	})
	if err != nil {
		fmt.Fprintln(stderr, "one-api:", err)
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
