package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"one-api/relay/config"
	"one-api/relay/issued"
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

It works on the database that the relay has (SQL_DSN, SQLITE_PATH), whether that runs or not. One that runs notices within
two seconds. Keys that stand in the configuration file are changed there.

Flags:
`

// tokenCommandTimeout is how long the database may take.
const tokenCommandTimeout = 20 * time.Second

// tokenCommand runs one-api token: 0 it was done, 1 it was refused or the database cannot be used, 2 a wrong call.
func tokenCommand(args []string, source config.Source, settings config.Settings, stdout, stderr io.Writer) int {
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
	ctx, cancel := context.WithTimeout(context.Background(), tokenCommandTimeout)
	defer cancel()
	registry, err := openRegistry(ctx, source, settings)
	if err == nil {
		defer registry.Store.Close()
		err = act(ctx, registry, stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, "one-api token:", err)
		return 1
	}
	return 0
}

// openRegistry is the keys in the database that the environment names.
func openRegistry(ctx context.Context, source config.Source, settings config.Settings) (*issued.Registry, error) {
	target, err := store.Parse(settings.SQLDSN, settings.SQLitePath)
	if err != nil {
		return nil, err
	}
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
	grace                 time.Duration
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
	c.flags.DurationVar(&c.grace, "grace", 24*time.Hour, "how long the old key of a rotated token works")
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
	if command == "list" && len(words) == 1 {
		return listTokens, nil
	}
	does := tokenActions[command]
	switch {
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

func listTokens(_ context.Context, r *issued.Registry, w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tGROUPS\tMODELS\tDISABLED\tEXPIRES\tMADE")
	orDash := func(text string) string {
		if text == "" {
			return "-"
		}
		return text
	}
	for _, t := range r.All() {
		expires := "-"
		if !t.Expires.IsZero() {
			expires = t.Expires.Format(time.RFC3339)
		}
		models := orDash(strings.Join(t.Models, ","))
		fmt.Fprintf(table, "%s\t%s\t%s\t%v\t%s\t%s\n", t.Name, strings.Join(t.Groups, ","), models, t.Disabled, expires,
			t.Created.Format(time.DateOnly))
	}
	return table.Flush()
}
