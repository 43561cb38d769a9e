// Command benchrun measures what the relay costs beside a bare httputil.ReverseProxy, nginx, and whatever other proxy it is given,
// in one run on one machine, and writes a report. scripts/bench builds what it needs and calls it.
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
	"slices"
	"strings"
	"syscall"
	"time"

	"one-api/testbed/internal/check"
)

// errMissed is the end of a run with -strict that missed a target, errUsage that of a wrong call.
var (
	errMissed = errors.New("a target was missed")
	errUsage  = errors.New("wrong call")
)

func main() {
	// Asked for, it no longer ends the process: whoever has stopped reading what is printed (head) must not leave the subjects behind.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	interrupted := ctx.Err() != nil
	stop()
	if code := check.ExitCode(err, errMissed, errUsage, interrupted); code != 0 {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(code)
	}
}

// settings are what the command line says.
type settings struct {
	relay    string // the binary
	nginx    string // the binary; empty: none
	out      string // directory of bench.md; empty: none is written
	profile  string // directory of profiles; empty: costs are measured
	upstream string // address; empty: a free port
	peers    []peer
	streams  []int // open ones, at which memory is read
	most     int   // open ones of the growth
	rounds   int
	duration time.Duration // of one measurement
	settle   time.Duration // how long open streams stand before their memory is read
	after    time.Duration // how long after their end
	quick    bool
	growth   bool
	only     bool // the growth and nothing else
	strict   bool
}

const usage = `Usage: scripts/bench [options]

Builds the relay from this checkout and measures what it costs: CPU time, latency that it adds, memory, allocations. The same calls go
to a bare httputil.ReverseProxy, to nginx where it is installed, and straight to the upstream, in turns, round after round; medians and
their ratios count. Each subject has a core to itself (GOMAXPROCS=1), load and upstream share the others. The relay exports its
telemetry to a sink meanwhile. It needs Go and Linux with taskset.

  scripts/bench                     twenty minutes
  scripts/bench -quick              one minute: a look, no verdict
  scripts/bench -growth -out docs   the report of the repository, with how costs grow
  scripts/bench -growth-only        the growth alone: open streams over HTTP/1.1 and HTTP/2, channels, tokens, bodies
  scripts/bench -profile DIR        where the CPU goes, for go tool pprof
  scripts/bench -upstream 127.0.0.1:9009 -peer other=http://127.0.0.1:4000,pid=4711,key=sk-1
                                    another proxy as well, which must have that upstream and serve bench-plain and the like
  scripts/bench -upstream 127.0.0.1:9009 -peers a=http://127.0.0.1:4000,b=http://127.0.0.1:4001
                                    several, of which only the address is known

Options:
`

func run(ctx context.Context, args []string, out, log io.Writer) error {
	var s settings
	var role, address, overTLS string
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolVar(&s.quick, "quick", false, "three short rounds")
	flags.BoolVar(&s.growth, "growth", false, "also how cost grows with streams, channels, tokens and bodies (five minutes more)")
	flags.BoolVar(&s.only, "growth-only", false, "that, and nothing else")
	flags.IntVar(&s.most, "most-streams", 9000, "the most open `streams` that the growth tries over HTTP/1.1, and twice as many over HTTP/2")
	flags.BoolVar(&s.strict, "strict", false, "end with 1 if a target is missed")
	flags.IntVar(&s.rounds, "rounds", 0, "how many `rounds` (default 7; quick: 3)")
	flags.DurationVar(&s.duration, "duration", 0, "of one measurement (default 2s; quick: 400ms)")
	flags.StringVar(&s.out, "out", "", "the `directory` for bench.md (default: none is written)")
	flags.StringVar(&s.profile, "profile", "", "write CPU profiles of the relay and the ReverseProxy under every load to this `directory`, and measure nothing")
	flags.StringVar(&s.nginx, "nginx", "nginx", "nginx' `binary`; empty: leave it out")
	flags.StringVar(&s.upstream, "upstream", "", "the upstream's `address`, for peers (default: a free port)")
	flags.Func("peer", "another subject, `name=URL[,pid=PID][,key=KEY]`; several times", func(text string) error {
		p, err := parsePeer(text)
		s.peers = append(s.peers, p)
		return err
	})
	flags.Func("peers", "other subjects, `name=URL,name=URL,…`, of which no more is known", func(text string) error {
		for _, one := range strings.Split(text, ",") {
			p, err := parsePeer(one)
			if err != nil {
				return err
			}
			s.peers = append(s.peers, p)
		}
		return nil
	})
	flags.StringVar(&s.relay, "relay", "", "the relay's `binary` (scripts/bench fills it in)")
	flags.StringVar(&role, "role", "", "be the upstream, the sink, or the proxy of this URL; for the benchmark itself")
	flags.StringVar(&address, "address", "", "where; for the benchmark itself")
	flags.StringVar(&overTLS, "tls-address", "", "where over TLS; for the benchmark itself")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			help(flags, log)
			return err
		}
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if role != "" {
		return serveRole(ctx, role, address, overTLS)
	}
	if err := s.complete(flags.Args()); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	return (&bench{settings: s, out: out, log: log}).run(ctx)
}

func help(flags *flag.FlagSet, out io.Writer) {
	fmt.Fprint(out, usage)
	shown := flag.NewFlagSet("", flag.ContinueOnError)
	shown.SetOutput(out)
	flags.VisitAll(func(f *flag.Flag) {
		if !slices.Contains([]string{"role", "address", "tls-address", "relay"}, f.Name) {
			shown.Var(f.Value, f.Name, f.Usage)
		}
	})
	shown.PrintDefaults()
	fmt.Fprint(out, "\nExit codes: 0 measured; 1 with -strict: a target was missed; 2 wrong call; 3 something could not be run; 130 interrupted.\n")
}

// complete fills in what was left open, and judges the rest.
func (s *settings) complete(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unknown argument %q", rest[0])
	case s.relay == "":
		return errors.New("-relay is missing: call scripts/bench")
	case s.rounds < 0 || s.duration < 0 || s.most < 1:
		return errors.New("-rounds, -duration and -most-streams must be above zero")
	case len(s.peers) > 0 && s.upstream == "":
		return errors.New("-peer and -peers need -upstream: the peer must know where its upstream is")
	}
	if relay, err := filepath.Abs(s.relay); err == nil { // it runs elsewhere
		s.relay = relay
	}
	s.streams = []int{1000, 5000}
	rounds, duration := 7, 2*time.Second
	s.settle, s.after = 10*time.Second, 30*time.Second
	if s.quick {
		rounds, duration = 3, 400*time.Millisecond
		s.settle, s.after = 3*time.Second, 5*time.Second
	}
	if s.rounds == 0 {
		s.rounds = rounds
	}
	if s.duration == 0 {
		s.duration = duration
	}
	s.growth = s.growth || s.only
	return nil
}

// parsePeer reads name=URL[,pid=PID][,key=KEY].
func parsePeer(text string) (peer, error) {
	name, rest, ok := strings.Cut(text, "=")
	parts := strings.Split(rest, ",")
	p := peer{name: name, url: strings.TrimRight(parts[0], "/")}
	if !ok || name == "" || !strings.HasPrefix(p.url, "http://") {
		return p, fmt.Errorf("%q is not name=http://…", text)
	}
	for _, part := range parts[1:] {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "key":
			p.key = value
		case "pid":
			if _, err := fmt.Sscanf(value, "%d", &p.pid); err != nil || p.pid <= 0 {
				return p, fmt.Errorf("%q is no process id", value)
			}
		default:
			return p, fmt.Errorf("%q: a peer has a pid and a key", part)
		}
	}
	return p, nil
}
