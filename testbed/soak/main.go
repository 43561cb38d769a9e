// Command soakrun sends a relay a long load in which most calls go wrong, measures whether anything that it holds grows with the
// number of calls, and writes a report. scripts/soak builds what it needs and calls it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	proof "one-api/testbed/internal/check"
)

// errFailed is the end of a run that worked and found something wrong, errUsage that of a wrong call.
var (
	errFailed = errors.New("the soak has failed")
	errUsage  = errors.New("wrong call")
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stderr)
	interrupted := ctx.Err() != nil
	stop()
	if code := proof.ExitCode(err, errFailed, errUsage, interrupted); code != 0 {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(code)
	}
}

// settings are what the command line says.
type settings struct {
	relay       string // the binary; empty: only the old way
	out         string // directory of the report; empty: none is written
	samples     string // file; empty: none
	rate        float64
	concurrency int
	duration    time.Duration
	requests    int64
	oldRequests int64
	seed        uint64
}

const usage = `Usage: scripts/soak [options]

Builds the relay from this checkout, runs it in front of upstreams that misbehave, and sends it calls at a steady rate: a third of them
healthy, a tenth with clients that leave, the rest spread over the faults that docs/soak.md lists. Meanwhile it samples what the relay holds:
goroutines, memory, file descriptors, open upstream bodies. It fails if any of these grows with the number of calls, or does not come back
when the load has ended, or if the relay does not account for every call. Then it does the same, for a while, to a small relay that is
written the way the old fork's adaptors were, and draws both. It needs Go and Linux.

  scripts/soak                      three minutes
  scripts/soak -requests 1000000    until a million calls have ended
  scripts/soak -duration 8h         a night
  scripts/soak -out docs            writes the report of the repository

Options:
`

func run(ctx context.Context, args []string, out io.Writer) error {
	var s settings
	var old, oldTrust, oldUpstreams string
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.DurationVar(&s.duration, "duration", 0, "how long the load lasts (default 3m, or as long as -requests takes)")
	flags.Int64Var(&s.requests, "requests", 0, "how many calls are made; with -duration, whichever comes first")
	flags.Float64Var(&s.rate, "rate", 1000, "calls a `second`")
	flags.IntVar(&s.concurrency, "concurrency", 400, "the most calls at a time: where the machine cannot keep the rate, the rate sinks and not the answers")
	flags.Uint64Var(&s.seed, "seed", 1, "of the order in which faults are drawn")
	flags.StringVar(&s.out, "out", "", "the `directory` for soak.md, soak.svg and soak.png (default: a new one, which is named at the end)")
	flags.StringVar(&s.samples, "samples", "", "a `file` for every sample of the relay, as CSV")
	flags.Int64Var(&s.oldRequests, "old-requests", 20000, "how many calls the old way gets, at most until it has as many goroutines; 0: leave it out")
	flags.StringVar(&s.relay, "relay", "", "the relay's `binary` (scripts/soak fills it in)")
	flags.StringVar(&old, "old", "", "be the old way, at this `address`; for the soak itself")
	flags.StringVar(&oldTrust, "old-trust", "", "the certificate that it trusts; for the soak itself")
	flags.StringVar(&oldUpstreams, "old-upstreams", "", "where its upstreams are; for the soak itself")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			help(flags, out)
			return err
		}
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if old != "" {
		return serveOld(ctx, old, oldTrust, oldUpstreams)
	}
	if err := s.complete(flags.Args()); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	return (&soak{settings: s, log: out}).run(ctx)
}

func help(flags *flag.FlagSet, out io.Writer) {
	fmt.Fprint(out, usage)
	shown := flag.NewFlagSet("", flag.ContinueOnError)
	shown.SetOutput(out)
	flags.VisitAll(func(f *flag.Flag) {
		if f.Name != "old" && f.Name != "old-trust" && f.Name != "old-upstreams" && f.Name != "relay" {
			shown.Var(f.Value, f.Name, f.Usage)
		}
	})
	shown.PrintDefaults()
	fmt.Fprint(out, "\nExit codes: 0 nothing grows; 1 something does, or another check failed; 2 wrong call; 3 something could not be run; 130 interrupted.\n")
}

// complete fills in what was left open, and judges the rest.
func (s *settings) complete(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unknown argument %q", rest[0])
	case s.relay == "":
		return errors.New("-relay is missing: call scripts/soak")
	case s.rate <= 0 || s.concurrency <= 0 || s.requests < 0 || s.duration < 0 || s.oldRequests < 0:
		return errors.New("-rate and -concurrency must be above zero, and nothing below")
	}
	if relay, err := filepath.Abs(s.relay); err == nil { // it runs elsewhere
		s.relay = relay
	}
	if s.requests == 0 {
		if s.duration == 0 {
			s.duration = 3 * time.Minute
		}
		s.requests = int64(s.rate*s.duration.Seconds()) + 1
	}
	return nil
}
