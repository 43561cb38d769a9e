package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"one-api/relay"
	"one-api/relay/config"
	"one-api/relay/migrate"
	"one-api/relay/store"
)

//nolint:gosec // the passwords in its addresses are nobody's
const importHelp = `one-api import: take over channels and client keys from a database of one-api, new-api or ezlinkai.

Usage:
  one-api import --from SOURCE                          say what an import would do, and write nothing
  one-api import --from SOURCE --apply --out FILE       write channels and keys to FILE, and the secrets to FILE.env
  one-api import --from SOURCE --apply                  write channels to the configuration file (CONFIG_FILE, else channels.yaml),
                                                        and keys to the relay's database (SQL_DSN, SQLITE_PATH), where one-api
                                                        token and the page change them

SOURCE is the old SQLite file, or what the old SQL_DSN says:
  /data/one-api.db
  user:password@tcp(host:3306)/oneapi      or  mysql://user:password@host:3306/oneapi
  postgres://user:password@host:5432/oneapi

The old database is only read, and the old server may run meanwhile; stop it for the last import, since it holds quotas in its memory.
Old keys work as clients send them. Of each key only its SHA-256 sum is kept. What is used up already is noted in the relay's database, so
give this command the SQL_DSN and SQLITE_PATH that the relay will have.

The log is left alone unless --logs asks for its daily sums, which no budget counts. They are read some thousand rows at a time.

Importing again changes nothing twice. Files that hold something else are replaced with --force only. docs/migrating.md is the whole
evening.

Exit codes: 0 done (or shown), 1 it was not done, and nothing is half done, 2 a wrong call.

Flags:
`

// importTimeout is how long the relay's own database may take.
const importTimeout = 5 * time.Minute

// importCall is the flags of one-api import.
type importCall struct {
	flags               *flag.FlagSet
	from, out           string
	apply, force, logs  bool
	prices              priceFlag
	logsFrom, logsSince string
	logsRate            int
	since               time.Time
	config              string // the file that the relay would read
	source              config.Source
	settings            config.Settings
	stdout              io.Writer
}

// priceFlag is --prices, alone or with what is meant.
type priceFlag migrate.PriceChoice

func (f *priceFlag) String() string { return string(*f) }
func (*priceFlag) IsBoolFlag() bool { return true }
func (f *priceFlag) Set(text string) error {
	choice, err := migrate.ParsePriceChoice(text)
	*f = priceFlag(choice)
	return err
}

func newImportCall() *importCall {
	c := &importCall{flags: flag.NewFlagSet("one-api import", flag.ContinueOnError)}
	c.flags.SetOutput(io.Discard)
	c.flags.StringVar(&c.from, "from", "", "the old database: a `file`, or its address")
	c.flags.BoolVar(&c.apply, "apply", false, "write; without it nothing is written")
	c.flags.StringVar(&c.out, "out", "", "the configuration `file` to write, keys included")
	c.flags.BoolVar(&c.force, "force", false, "replace files, and settings of keys, that are others")
	c.flags.Var(&c.prices, "prices", "take over the old prices of the models that channels serve, and those of groups; --prices=missing: "+
		"only those of models that have no price here")
	c.flags.BoolVar(&c.logs, "logs", false, "with --apply: add the old log up by day, key, model and channel, for the page and /api/usage; "+
		"stopped, it goes on where it was")
	c.flags.StringVar(&c.logsFrom, "logs-from", "", "the `database` that has the log, as LOG_SQL_DSN has it (default: --from)")
	c.flags.StringVar(&c.logsSince, "logs-since", "", "the first `day` of the log, as 2026-01-31 (default: as long ago as sums are kept)")
	c.flags.IntVar(&c.logsRate, "logs-rate", 20000, "`rows` of the log a second at the most; 0: as fast as it goes")
	return c
}

// zone is that of days.
func (*importCall) zone() *time.Location { return time.Local }

// readLogs adds the old log up.
func (c *importCall) readLogs(ctx context.Context, from *migrate.Source, plan *migrate.Plan, kept *store.Store) (err error) {
	if c.logsFrom != "" {
		if from, err = migrate.Open(ctx, c.logsFrom); err != nil {
			return err
		}
		defer from.Close()
	}
	if kept == nil {
		if kept, err = c.open(ctx); err != nil {
			return err
		}
		defer kept.Close()
	}
	if kept.IsOff() {
		return errors.New("SQL_DSN=off: this relay has no database to keep sums of the log in")
	}
	said := time.Now()
	o := migrate.LogOptions{Since: c.since, Zone: c.zone(), Rate: c.logsRate}
	o.Said = func(done migrate.LogsDone) {
		if time.Since(said) > 5*time.Second {
			said = time.Now()
			fmt.Fprintf(c.stdout, "Log: %d rows read\n", done.Rows)
		}
	}
	done, err := plan.Logs(ctx, from, kept, o)
	if err != nil {
		return fmt.Errorf("the log: %w. %d rows of this run are kept, and the same command goes on there", err, done.Rows)
	}
	since := ""
	if done.Resumed {
		since = " since the last time"
	}
	fmt.Fprintf(c.stdout, "Log: %d rows read%s, %d of them calls\n", done.Rows, since, done.Calls)
	return nil
}

// importCommand runs one-api import: 0 it was done, 1 it was not, 2 a wrong call.
func importCommand(args []string, configFile string, source config.Source, settings config.Settings, signals <-chan os.Signal,
	stdout, stderr io.Writer) int {
	wrong := func(message string) int {
		fmt.Fprintf(stderr, "one-api import: %s\none-api import --help lists flags and examples\n", message)
		return 2
	}
	c := newImportCall()
	c.config, c.source, c.settings, c.stdout = configFile, source, settings, stdout
	err := c.flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp), err == nil && len(args) == 0:
		fmt.Fprint(stdout, importHelp)
		c.flags.SetOutput(stdout)
		c.flags.PrintDefaults()
		return 0
	case err != nil:
		return wrong(err.Error())
	case c.flags.NArg() > 0 && c.from == "":
		return wrong("the old database is named with --from: one-api import --from …")
	case c.flags.NArg() > 0:
		// It is not repeated: it may be a part of an address with a password.
		return wrong(fmt.Sprintf("argument %d is one too many: the old database is the only one, behind --from", len(args)-c.flags.NArg()+1))
	case c.from == "":
		return wrong(`--from is missing: the old database, such as --from /data/one-api.db or --from "$SQL_DSN"`)
	}
	if c.logs && !c.apply {
		return wrong("--logs is for --apply: without it nothing is written")
	}
	if c.since, err = c.firstDay(); err != nil {
		return wrong(err.Error())
	}
	ctx, cancel := untilStopped(signals)
	defer cancel()
	if err := c.run(ctx); err != nil {
		fmt.Fprintln(stderr, "one-api import:", err)
		return 1
	}
	return 0
}

// firstDay is when the part of the log begins that is read.
func (c *importCall) firstDay() (time.Time, error) {
	if c.logsSince == "" {
		if c.settings.Retention.Sums == 0 {
			return time.Time{}, nil
		}
		y, m, d := time.Now().In(c.zone()).Date()
		return time.Date(y, m, d-c.settings.Retention.Sums, 0, 0, 0, 0, c.zone()), nil
	}
	day, err := time.ParseInLocation(time.DateOnly, c.logsSince, c.zone())
	if err != nil {
		return day, errors.New("--logs-since must be a day such as 2026-01-31")
	}
	return day, nil
}

func (c *importCall) run(whole context.Context) error {
	ctx, cancel := context.WithTimeout(whole, importTimeout)
	defer cancel()
	from, err := migrate.Open(ctx, c.from)
	if err != nil {
		return err
	}
	defer from.Close()
	old, err := from.Read(ctx)
	if err != nil {
		return err
	}
	options := migrate.Options{
		Out: c.out, Prices: migrate.PriceChoice(c.prices), KeysInStore: c.out == "", Providers: relay.ConfigProviders(), Now: time.Now(),
	}
	if options.KeysInStore {
		if options.Out = c.config; options.Out == "" {
			options.Out = config.DefaultFile
		}
	}
	kept, err := c.known(ctx, &options)
	if err != nil {
		return err
	}
	defer kept.Close()
	plan, err := migrate.Make(old, options)
	if err != nil {
		return err
	}
	plan.Report(c.stdout)
	switch {
	case !plan.Usable():
		return errors.New("none of the channels can be taken over, and the relay needs one to start: nothing was written")
	case !c.apply:
		fmt.Fprintf(c.stdout, "Nothing was written. With --apply: %s and %s", options.Out, migrate.EnvFile(options.Out))
		if options.KeysInStore {
			fmt.Fprint(c.stdout, ", and the keys to the relay's database")
		}
		fmt.Fprintln(c.stdout, ".")
		return nil
	}
	if err := c.write(ctx, plan, &options, kept); err != nil || !c.logs {
		return err
	}
	return c.readLogs(whole, from, plan, kept)
}

// known finds out what an earlier import has called its keys. kept is the relay's database, if it holds them or will; else nil.
func (c *importCall) known(ctx context.Context, o *migrate.Options) (kept *store.Store, err error) {
	if !o.KeysInStore {
		o.Known = migrate.KnownInFile(o.Out)
		return nil, nil
	}
	if !c.apply {
		return nil, nil
	}
	if kept, err = c.open(ctx); err != nil {
		return nil, err
	}
	if kept.IsOff() {
		return nil, errors.New("SQL_DSN=off: this relay has no database to keep keys in. Name a file for them with --out")
	}
	if o.Known, err = migrate.KnownInStore(ctx, kept); err != nil {
		kept.Close()
		return nil, err
	}
	o.Taken = slices.Collect(maps.Values(o.Known))
	return kept, nil
}

// open opens the relay's own database.
func (c *importCall) open(ctx context.Context) (*store.Store, error) {
	target, err := store.Parse(c.settings.SQLDSN, c.settings.SQLitePath)
	if err != nil {
		return nil, fmt.Errorf("nothing was written: the relay's own database: %w", err)
	}
	kept, err := store.Open(ctx, target)
	if err != nil {
		return nil, fmt.Errorf("nothing was written: the relay's own database: %w", err)
	}
	if err := kept.State(); err != nil && !kept.IsOff() {
		kept.Close()
		return nil, fmt.Errorf("nothing was written: the relay's own database cannot be used (%v): %w", target, err)
	}
	return kept, nil
}

func (c *importCall) write(ctx context.Context, plan *migrate.Plan, o *migrate.Options, kept *store.Store) error {
	if kept == nil && plan.Overdrawn() > 0 {
		opened, err := c.open(ctx)
		if err != nil {
			return err
		}
		defer opened.Close()
		if kept = opened; opened.IsOff() {
			fmt.Fprintf(c.stdout, "warning: SQL_DSN=off, so nobody remembers that %d budgets are used up: each of them lets one more call through "+
				"after a start of the relay\n", plan.Overdrawn())
			kept = nil
		}
	}
	done, err := plan.Apply(ctx, kept, c.force)
	if err != nil {
		return err
	}
	for _, path := range done.Written {
		fmt.Fprintln(c.stdout, "Written:", path)
	}
	for _, path := range done.Same {
		fmt.Fprintln(c.stdout, "As it was already:", path)
	}
	if kept != nil {
		fmt.Fprintf(c.stdout, "In the relay's database (%v):", kept.Target())
		if o.KeysInStore {
			fmt.Fprintf(c.stdout, " %d keys are new, %d changed, %d as they were;", done.Keys, done.Changed, done.Kept)
		}
		fmt.Fprintf(c.stdout, " %d budgets are noted to be used up\n", done.Budgets)
	}
	start := "one-api --config " + o.Out
	if _, set := os.LookupEnv("CONFIG_FILE"); o.KeysInStore && (o.Out == config.DefaultFile || set) {
		start = "one-api"
	}
	fmt.Fprintf(c.stdout, "\nStart: %s    (one-api --check-config --config %s only checks)\n", start, o.Out)
	return nil
}
