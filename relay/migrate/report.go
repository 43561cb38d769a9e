package migrate

import (
	"fmt"
	"io"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// mostNamed bounds how many names a line of the report has.
const mostNamed = 8

// Report says what an import comes to. Nothing in it is secret.
func (p *Plan) Report(w io.Writer) {
	fmt.Fprintf(w, "Read: %s (a database of %s)\n\n", p.Place, p.Dialect)
	p.reportChannels(w)
	p.reportKeys(w)
	p.reportMoney(w)
	p.reportRest(w)
}

// fates counts the channels by what becomes of them.
func (p *Plan) fates() map[Fate]int {
	n := map[Fate]int{}
	for _, c := range p.Channels {
		n[c.Fate]++
	}
	return n
}

func (p *Plan) reportChannels(w io.Writer) {
	n := p.fates()
	fmt.Fprintf(w, "Channels: %d (%d mapped, %d mapped with loss, %d not supported)\n", len(p.Channels), n[Mapped], n[Lossy], n[Unsupported])
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "  ID\tNAME\tTYPE\t\tMODELS\tKEYS")
	for _, c := range p.Channels {
		e := &c.Entries[0]
		to := "-> " + e.kind
		if len(c.Entries) > 1 {
			to += fmt.Sprintf(" (%d channels)", len(c.Entries))
		}
		if c.Fate == Unsupported {
			to = "not supported"
		}
		models, keys := 0, 0
		for i := range c.Entries {
			models, keys = models+len(c.Entries[i].models), keys+len(c.Entries[i].keys)
			if c.Entries[i].account != "" {
				keys++
			}
		}
		off := ""
		if e.disabled {
			off = "\toff"
		}
		fmt.Fprintf(table, "  %d\t%s\t%s\t%s\t%d\t%d%s\n", c.ID, shown(c.Name), c.Type, to, models, keys, off)
	}
	_ = table.Flush() // it goes where the rest goes
	line := func(c *Channel, what string) { fmt.Fprintf(w, "  %d %s: %s\n", c.ID, shown(c.Name), oneLine(what)) }
	for _, part := range []struct {
		title string
		of    func(c *Channel) []string
	}{
		{"Not supported, and written as comments:", func(c *Channel) []string {
			if c.Fate == Unsupported {
				return []string{c.Why}
			}
			return nil
		}},
		{"Mapped with loss (the field, and what holds here):", func(c *Channel) []string {
			if c.Fate == Lossy {
				return c.Losses
			}
			return nil
		}},
		{"To know:", func(c *Channel) []string {
			if c.Fate == Unsupported {
				return nil
			}
			return c.Notes
		}},
	} {
		titled := false
		for _, c := range p.Channels {
			for _, what := range part.of(c) {
				if !titled {
					fmt.Fprintln(w, part.title)
					titled = true
				}
				line(c, what)
			}
		}
	}
	fmt.Fprintln(w)
}

// shown is a name of the old database as a terminal may see it.
func shown(name string) string {
	if name = oneLine(name); name == "" {
		return "-"
	}
	return strings.ReplaceAll(name, "\t", " ")
}

func (p *Plan) reportKeys(w io.Writer) {
	n, lost := map[State]int{}, 0
	for _, t := range p.Tokens {
		n[t.State]++
		lost += len(t.Losses)
	}
	fmt.Fprintf(w, "Client keys: %d (%d usable", len(p.Tokens), n[Usable])
	for _, state := range []State{Expired, Exhausted, Off, NoUser, NoQuota} {
		fmt.Fprintf(w, ", %d %s", n[state], state)
	}
	fmt.Fprintln(w, ")")
	if p.Deleted > 0 {
		fmt.Fprintf(w, "  %d that had been deleted are left out\n", p.Deleted)
	}
	if p.Keyless > 0 {
		fmt.Fprintf(w, "  %d without a key are left out\n", p.Keyless)
	}
	if lost > 0 {
		for _, t := range p.Tokens {
			for _, loss := range t.Losses {
				fmt.Fprintf(w, "  %d %s: %s\n", t.ID, shown(t.Old), loss)
			}
		}
	}
	changed := 0
	for _, t := range p.Tokens {
		if t.Name != t.Old {
			changed++
		}
	}
	if changed > 0 {
		fmt.Fprintf(w, "  %d are called otherwise here, where a name is unique and of A-Z a-z 0-9 . _ -\n", changed)
	}
	fmt.Fprintln(w)
}

func (p *Plan) reportMoney(w io.Writer) {
	fmt.Fprintf(w, "What is left to spend (%s quota are $1):\n", trimmed(p.Sums.PerDollar, 9))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\tthere\there\t")
	of := func(what string, s *Sum, taken bool) {
		there := new(big.Rat).SetInt(&s.Old)
		there.Quo(there, p.Sums.PerDollar)
		here := "-"
		if taken {
			here = grouped(trimmed(new(big.Rat).SetFrac(&s.New, big.NewInt(nanoInDollar)), 9))
		}
		fmt.Fprintf(table, "  %d %s\t%s\t%s\t\n", s.Count, what, grouped(trimmed(there, 9)), here)
	}
	of("keys with a limit", &p.Sums.Keys, true)
	of("users, each of whom shares it among its keys", &p.Sums.Owners, true)
	if p.Sums.Keyless.Count > 0 {
		of("users without a key, who are left out", &p.Sums.Keyless, false)
	}
	_ = table.Flush() // it goes where the rest goes
	if p.Sums.Unlimited > 0 {
		fmt.Fprintf(w, "  %d keys have no limit but their user's\n", p.Sums.Unlimited)
	}
	if p.Sums.Rounded > 0 {
		fmt.Fprintf(w, "  %d balances are no whole number of nano-dollars, and are cut off there\n", p.Sums.Rounded)
	}
	if p.Sums.Clamped > 0 {
		fmt.Fprintf(w, "  %d balances are more than a budget can be ($1,000,000,000), and are set to that\n", p.Sums.Clamped)
	}
	if len(p.Sums.Wrapped) > 0 {
		fmt.Fprintf(w, "  %d balances look as if the old column had overflowed, and are not to be trusted: %s\n", len(p.Sums.Wrapped),
			some(p.Sums.Wrapped))
	}
	fmt.Fprintln(w)
}

// some is the first of several, and how many others there are.
func some(list []string) string {
	named := make([]string, 0, mostNamed)
	for _, item := range list[:min(len(list), mostNamed)] {
		named = append(named, shown(item))
	}
	text := strings.Join(named, ", ")
	if more := len(list) - mostNamed; more > 0 {
		text += " and " + strconv.Itoa(more) + " more"
	}
	return text
}

func (p *Plan) reportRest(w io.Writer) {
	began := w
	say := func(format string, args ...any) { fmt.Fprintf(began, "  "+format+"\n", args...) }
	fmt.Fprintln(w, "Beside that:")
	if len(p.Renamed) > 0 {
		say("groups with other names here: %s", some(p.Renamed))
	}
	if p.options.Prices != NoPrices {
		guessed := 0
		for i := range p.Prices {
			if p.Prices[i].guessed {
				guessed++
			}
		}
		whose := "that channels serve"
		if p.options.Prices == MissingPrices {
			whose = "that have no price here"
		}
		say("prices taken over: %d, for models %s (%d of them without the price of output, which is the old program's usual "+
			"one)", len(p.Prices), whose, guessed)
		if p.options.Prices == AllPrices {
			say("groups with another price: %d", len(p.Markups))
		}
	} else {
		say("prices are left as this relay has them: --prices takes the old ones over, --prices=missing those of models that have none here")
	}
	p.reportUnpriced(say)
	say("a key with a channel behind it (sk-…-12) is told that channels cannot be chosen here")
	for _, warning := range p.Warnings {
		say("%s", warning)
	}
	fmt.Fprintln(w)
}

// reportUnpriced names each model that takes nothing from budgets, with what it has cost.
func (p *Plan) reportUnpriced(say func(format string, args ...any)) {
	if len(p.Unpriced) == 0 {
		return
	}
	reach := 0
	for _, t := range p.Tokens {
		if t.unpriced && t.State == Usable {
			reach++
		}
	}
	how := "give them a price in the file, where they stand as comments"
	if p.options.Prices == NoPrices && slices.ContainsFunc(p.Unpriced, func(model string) bool { _, said := p.then[model]; return said }) {
		how += ", or take the old ones over with --prices=missing"
	}
	say("%d models have no price here. %d usable keys reach them and may use them as before (unpriced: allow), AND THAT TAKES NOTHING FROM "+
		"ANY BUDGET: %s:", len(p.Unpriced), reach, how)
	for _, model := range p.Unpriced {
		say("  %s: %s", shown(model), p.unpricedWords(model))
	}
}

// Overdrawn is how many budgets are used up, which the relay's database has to know.
func (p *Plan) Overdrawn() int {
	return len(p.overdrawn())
}

// overdrawn is the scopes of budgets that are used up, with what has been spent of them, in order.
func (p *Plan) overdrawn() (all []spentBefore) {
	for _, t := range p.Tokens {
		if t.Purse.spent > 0 {
			all = append(all, spentBefore{"token:" + t.Name, t.Purse.spent})
		}
	}
	for _, o := range p.Owners {
		if o.Purse.spent > 0 {
			all = append(all, spentBefore{"owner:" + o.Name, o.Purse.spent})
		}
	}
	slices.SortFunc(all, func(a, b spentBefore) int { return strings.Compare(a.scope, b.scope) })
	return all
}

type spentBefore struct {
	scope string
	nano  int64
}
