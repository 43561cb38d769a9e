package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"one-api/relay/config"
	"one-api/relay/issued"
	"one-api/relay/ledger"
	"one-api/relay/limit"
	"one-api/relay/store"
)

const keysHelp = `one-api token: client keys that are made and changed while the relay runs.

Usage:
  one-api token list
  one-api token create NAME [flags]    make one; its key is printed once
  one-api token set NAME [flags]       change what it may do
  one-api token rotate NAME [flags]    a new key; the old one works for another day
  one-api token disable|enable NAME
  one-api token delete NAME

It works on the database that the relay has (SQL_DSN, SQLITE_PATH), whether that runs or not, and says which one that is. One that
runs notices within two seconds. Keys that stand in the configuration file are changed there.

Flags:
`

// tokenCommandTimeout is how long the database may take.
const tokenCommandTimeout = 20 * time.Second

// tokenCommand runs one-api token: 0 it was done, 1 it was refused or the database cannot be used, 2 a wrong call.
func tokenCommand(args []string, source config.Source, settings config.Settings, signals <-chan os.Signal, stdout, stderr io.Writer) int {
	wrong := func(err error) int {
		fmt.Fprintf(stderr, "one-api token: %v\none-api token --help lists commands and flags\n", err)
		return 2
	}
	c := newTokenCall()
	words, err := c.parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp) || err == nil && len(words) == 0:
		fmt.Fprint(stdout, keysHelp)
		c.flags.SetOutput(stdout)
		c.flags.PrintDefaults()
		return 0
	case err != nil:
		return wrong(err)
	}
	act, err := c.action(words)
	if err != nil {
		return wrong(err)
	}
	whole, stop := untilStopped(signals)
	defer stop()
	ctx, cancel := context.WithTimeout(whole, tokenCommandTimeout)
	defer cancel()
	target, err := c.database(source, settings)
	if err != nil {
		fmt.Fprintln(stderr, "one-api token:", err)
		return 1
	}
	isNew := isMissing(target)
	registry, err := openRegistry(ctx, target, source, settings)
	if err == nil {
		defer registry.Store.Close()
		said := "database: " + target.String()
		if isNew {
			said += ", which was made now: a relay that is to know these keys has to be given the same"
		}
		fmt.Fprintln(stderr, said) // beside the key, which scripts read
		err = act(ctx, registry, stdout)
	}
	if errors.Is(err, issued.ErrUnknown) {
		err = fmt.Errorf("%w: `one-api token list` lists them", err)
	}
	if err != nil {
		fmt.Fprintln(stderr, "one-api token:", err)
		return 1
	}
	return 0
}

// database is what SQL_DSN and SQLITE_PATH name. A file that nobody has named and that is not there is most likely not the relay's, which
// runs elsewhere: it is made if that is asked for.
func (c *tokenCall) database(source config.Source, settings config.Settings) (store.Target, error) {
	target, err := store.Parse(settings.SQLDSN, settings.SQLitePath)
	if err != nil || !isMissing(target) {
		return target, err
	}
	if path, err := filepath.Abs(target.Path); err == nil {
		target.Path = path
	}
	if source.Lookup(func(string) {})("SQLITE_PATH") == "" && !c.newDatabase {
		return target, fmt.Errorf("there is no database here: %s does not exist, and neither SQLITE_PATH nor SQL_DSN names another. Give this "+
			"command what the relay has: call it in the directory that the relay runs in, set SQLITE_PATH or SQL_DSN as it has them, or call it "+
			"where it runs (docker exec one-api /one-api token …). --new-database makes one here", target.Path)
	}
	return target, nil
}

// isMissing reports whether a database is a file that does not exist.
func isMissing(target store.Target) bool {
	if target.Kind != store.SQLite {
		return false
	}
	_, err := os.Stat(target.Path)
	return errors.Is(err, fs.ErrNotExist)
}

// openRegistry is the keys in a database.
func openRegistry(ctx context.Context, target store.Target, source config.Source, settings config.Settings) (*issued.Registry, error) {
	kept, err := store.Open(ctx, target)
	if err != nil {
		return nil, err
	}
	if err := kept.State(); err != nil {
		kept.Close()
		return nil, fmt.Errorf("the database cannot be used (%v): %w", target, err)
	}
	var file []config.Token
	if c, err := config.Load(source, settings); err == nil { // a file that cannot be read is the relay's trouble
		file = c.Tokens
	}
	registry := &issued.Registry{
		Store: kept, Log: slog.New(slog.DiscardHandler), Changed: func() {},
		InFile: func(name string) bool {
			return slices.ContainsFunc(file, func(t config.Token) bool { return t.Name == name })
		},
	}
	registry.Look(ctx)
	return registry, nil
}

// tokenCall is the flags of one-api token.
type tokenCall struct {
	flags                 *flag.FlagSet
	groups, models, cidrs string
	rpm, tpm, concurrent  int
	usd                   float64
	per, expires, owner   string
	unpriced              string
	showCost, foreignIDs  bool
	grace                 time.Duration
	newDatabase           bool
}

func newTokenCall() *tokenCall {
	c := &tokenCall{flags: flag.NewFlagSet("one-api token", flag.ContinueOnError)}
	c.flags.SetOutput(io.Discard)
	c.flags.StringVar(&c.groups, "groups", "default", "the `groups` whose channels it reaches, with commas")
	c.flags.StringVar(&c.models, "models", "", "the `models` that it may ask for, with commas; none: all")
	c.flags.StringVar(&c.cidrs, "allow-cidr", "", "the `networks` that it may be used from, with commas")
	c.flags.IntVar(&c.rpm, "rpm", 0, "`requests` a minute; 0: no limit")
	c.flags.IntVar(&c.tpm, "tpm", 0, "`tokens` a minute; 0: no limit")
	c.flags.IntVar(&c.concurrent, "concurrent", 0, "`calls` at the same time; 0: no limit")
	c.flags.Float64Var(&c.usd, "usd", 0, "its budget in `dollars`; 0: none")
	c.flags.StringVar(&c.per, "per", "month", "what the budget is for: `day`, week, month or total")
	c.flags.StringVar(&c.expires, "expires", "", "when it ends, as `2027-01-31T00:00:00Z`")
	c.flags.StringVar(&c.owner, "owner", "", "whose it is")
	c.flags.StringVar(&c.unpriced, "unpriced", "", "`allow` or refuse models that nobody knows a price of; with a budget they are refused")
	c.flags.BoolVar(&c.showCost, "show-cost", false, "answer with what each call has cost")
	c.flags.BoolVar(&c.foreignIDs, "foreign-ids", false, "it may name responses and files that it has not made here")
	c.flags.DurationVar(&c.grace, "grace", 24*time.Hour, "how long the old key of a rotated token works")
	c.flags.BoolVar(&c.newDatabase, "new-database", false, "make the database, where none is named and "+store.DefaultPath+" is not there")
	return c
}

// parse reads the flags, wherever they stand, and gives the words between them.
func (c *tokenCall) parse(args []string) (words []string, err error) {
	for {
		if err := c.flags.Parse(args); err != nil {
			return nil, err
		}
		if c.flags.NArg() == 0 {
			return words, nil
		}
		words, args = append(words, c.flags.Arg(0)), c.flags.Args()[1:]
	}
}

// given is the members of a token that flags were given for, as the configuration file has them.
func (c *tokenCall) given() map[string]any {
	members, limits, budget := map[string]any{}, map[string]any{}, map[string]any{}
	list := func(text string) []any {
		items := []any{}
		for item := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ' ' }) {
			items = append(items, item)
		}
		return items
	}
	set := map[string]func(){
		"groups": func() { members["groups"] = list(c.groups) }, "models": func() { members["models"] = list(c.models) },
		"allow-cidr": func() { members["allow_cidr"] = list(c.cidrs) }, "expires": func() { members["expires"] = c.expires },
		"owner": func() { members["owner"] = c.owner }, "rpm": func() { limits["rpm"] = c.rpm }, "tpm": func() { limits["tpm"] = c.tpm },
		"concurrent": func() { limits["concurrent"] = c.concurrent },
		"usd":        func() { budget["usd"] = c.usd }, "per": func() { budget["per"] = c.per },
		"unpriced": func() { members["unpriced"] = c.unpriced }, "show-cost": func() { members["show_cost"] = c.showCost },
		"foreign-ids": func() { members["foreign_ids"] = c.foreignIDs },
	}
	c.flags.Visit(func(of *flag.Flag) {
		if does := set[of.Name]; does != nil {
			does()
		}
	})
	if len(limits) > 0 {
		members["limits"] = limits
	}
	if len(budget) > 0 {
		members["budget"] = budget
	}
	return members
}

// memberFlags are the flags of given.
var memberFlags = []string{
	"groups", "models", "allow-cidr", "expires", "owner", "rpm", "tpm", "concurrent", "usd", "per", "unpriced", "show-cost", "foreign-ids",
}

// readBy is the flags that a command reads, besides --new-database.
var readBy = map[string][]string{"create": memberFlags, "set": memberFlags, "rotate": {"grace"}}

// unread is a flag that was given and that the command does not read; empty: there is none.
func (c *tokenCall) unread(command string) (name string) {
	c.flags.Visit(func(of *flag.Flag) {
		if of.Name != "new-database" && !slices.Contains(readBy[command], of.Name) {
			name = of.Name
		}
	})
	return name
}

// tokenAction is what a command does, once the database is open.
type tokenAction func(ctx context.Context, r *issued.Registry, w io.Writer) error

// tokenActions are the commands that take a name.
var tokenActions = map[string]func(c *tokenCall, name string) tokenAction{
	"create": func(c *tokenCall, name string) tokenAction {
		return func(ctx context.Context, r *issued.Registry, w io.Writer) error {
			settings := c.given()
			settings["name"] = name
			_, key, err := r.Create(ctx, settings)
			return say(w, err, key)
		}
	},
	"set": func(c *tokenCall, name string) tokenAction { return updates(name, c.given(), "changed") },
	"disable": func(_ *tokenCall, name string) tokenAction {
		return updates(name, map[string]any{"disabled": true}, "disabled")
	},
	"enable": func(_ *tokenCall, name string) tokenAction {
		return updates(name, map[string]any{"disabled": false}, "enabled")
	},
	"rotate": func(c *tokenCall, name string) tokenAction {
		return func(ctx context.Context, r *issued.Registry, w io.Writer) error {
			key, err := r.Rotate(ctx, name, c.grace)
			return say(w, err, key)
		}
	},
	"delete": func(_ *tokenCall, name string) tokenAction {
		return func(ctx context.Context, r *issued.Registry, w io.Writer) error {
			return say(w, r.Delete(ctx, name), name+" is deleted")
		}
	},
}

func updates(name string, patch map[string]any, done string) tokenAction {
	return func(ctx context.Context, r *issued.Registry, w io.Writer) error {
		_, err := r.Update(ctx, name, patch)
		return say(w, err, name+" is "+done)
	}
}

// action is what a command does.
func (c *tokenCall) action(words []string) (tokenAction, error) {
	command := words[0]
	does, unread := tokenActions[command], c.unread(command)
	switch {
	case unread != "" && (does != nil || command == "list"):
		return nil, fmt.Errorf("%s does not read --%s", command, unread)
	case command == "list" && len(words) == 1:
		return listTokens, nil
	case does == nil:
		return nil, fmt.Errorf("there is no command %q", strings.Join(words, " "))
	case len(words) != 2:
		return nil, fmt.Errorf("%s takes one name", command)
	case command == "set" && len(c.given()) == 0:
		return nil, errors.New("set takes at least one flag, which says what changes")
	}
	return does(c, words[1]), nil
}

func say(w io.Writer, err error, text string) error {
	if err == nil {
		fmt.Fprintln(w, text)
	}
	return err
}

func listTokens(ctx context.Context, r *issued.Registry, w io.Writer) error {
	all := r.All()
	spent, err := spentOf(ctx, r.Store, all)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tGROUPS\tMODELS\tLIMITS\tBUDGET\tSPENT\tDISABLED\tEXPIRES\tMADE")
	for _, t := range all {
		expires, budget := "-", "-"
		if !t.Expires.IsZero() {
			expires = t.Expires.Format(time.RFC3339)
		}
		if t.Budget.Nano > 0 {
			budget = inDollars(t.Budget.Nano) + "/" + string(t.Budget.Per)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%v\t%s\t%s\n", t.Name, strings.Join(t.Groups, ","), orDash(strings.Join(t.Models, ",")),
			limitsOf(&t.Limits), budget, inDollars(spent[t.Name]), t.Disabled, expires, t.Created.Format(time.DateOnly))
	}
	return table.Flush()
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// limitsOf is a token's limits in short: 10 rpm, 5000 tpm, 2 calls.
func limitsOf(l *config.Limits) string {
	var all []string
	for _, of := range [...]struct {
		most int
		unit string
	}{{l.RPM, "rpm"}, {l.TPM, "tpm"}, {l.Concurrent, "calls"}} {
		if of.most > 0 {
			all = append(all, strconv.Itoa(of.most)+" "+of.unit)
		}
	}
	return orDash(strings.Join(all, ", "))
}

// inDollars is nano-dollars as people read them: cents, and more digits of what is less than that.
func inDollars(nano int64) string {
	usd := float64(nano) / 1e9
	if nano != 0 && usd < 0.01 {
		return "$" + strconv.FormatFloat(usd, 'g', 2, 64)
	}
	return "$" + strconv.FormatFloat(usd, 'f', 2, 64)
}

// spentOf is what tokens have been charged in the period of their budget, or this month if they have none: nano-dollars by name.
func spentOf(ctx context.Context, kept *store.Store, tokens []*issued.Token) (map[string]int64, error) {
	rows, err := ledger.SpentIn(ctx, kept)
	if err != nil {
		return nil, fmt.Errorf("what was spent is not known: %w", err)
	}
	c := &config.Config{}
	for _, t := range tokens {
		of := t.Token
		if of.Budget.Nano == 0 {
			of.Budget = config.Budget{Nano: 1 << 60, Per: config.PerMonth} // so that it is counted
		}
		c.Tokens = append(c.Tokens, of)
	}
	all := make([]limit.Spent, len(rows))
	for i := range rows {
		all[i] = limit.Spent(rows[i])
	}
	keeper := limit.NewKeeper(time.Local, time.Now) //nolint:gosmopolitan // days are those of TZ
	set := keeper.NewSet(c)
	keeper.Begin(c, all)
	spent := map[string]int64{}
	set.Budgets(func(u limit.Used) {
		if u.Scope == limit.OfToken {
			spent[u.Name] = u.Spent
		}
	})
	return spent, nil
}
