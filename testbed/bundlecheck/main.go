// Command bundlecheck checks the bundle of deploy/docker-compose.yml while it runs. It is two programs in one binary:
//
//	bundlecheck faults                 in a container beside the bundle: the upstream of all channels, and what alerts are sent to
//	bundlecheck check … -- docker …    on the host: sends the load and asks the bundle whether it noticed
//	bundlecheck ports N                prints N free ports
//
// scripts/bundle-check brings the bundle up, calls it, and takes the bundle down.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"one-api/testbed/internal/check"
	"one-api/testbed/internal/process"
)

var (
	// errFailed is the end of a run that worked and found something wrong.
	errFailed = errors.New("not everything is as it should be")
	errUsage  = errors.New("usage: bundlecheck faults | check [options] -- COMPOSE… | ports N")
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "bundlecheck:", err)
	switch {
	case errors.Is(err, errFailed):
		os.Exit(1)
	case errors.Is(err, errUsage):
		os.Exit(2)
	default:
		os.Exit(3)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return errUsage
	}
	switch args[0] {
	case "faults":
		return serveFaults(ctx)
	case "check":
		return checkBundle(ctx, args[1:], out)
	case "ports":
		if len(args) == 2 {
			if n, err := strconv.Atoi(args[1]); err == nil {
				return printPorts(out, n)
			}
		}
	}
	return errUsage
}

func checkBundle(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("bundlecheck check", flag.ContinueOnError)
	relay := flags.String("relay", "", "the relay's published `port`")
	kuma := flags.String("kuma", "", "Uptime Kuma's published `port`")
	grafana := flags.String("grafana", "", "Grafana's published `port`")
	control := flags.String("control", "", "the published `port` of faults")
	timeout := flags.Duration("timeout", 15*time.Minute, "the most that the run may take")
	if err := flags.Parse(args); err != nil {
		return errUsage
	}
	if flags.NArg() == 0 || *relay == "" || *kuma == "" || *grafana == "" || *control == "" {
		return errUsage
	}
	ctx, cancel := context.WithTimeoutCause(ctx, *timeout, fmt.Errorf("not through within %v", *timeout))
	defer cancel()
	b := &bundle{
		compose: flags.Args(), published: map[string]string{"one-api": *relay, "uptime-kuma": *kuma, "grafana": *grafana, "faults": *control},
	}
	c := &course{bundle: b, report: &check.Report{Out: out}, out: out, began: time.Now()}
	if err := c.run(ctx); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx) // it says more than the request that it broke off
		}
		return err
	}
	fmt.Fprintf(out, "\n%d checks, %d failed\n", c.report.Checks, c.report.Failed)
	if c.report.Failed > 0 {
		return errFailed
	}
	return nil
}

// printPorts finds ports that nobody listens on.
func printPorts(out io.Writer, n int) error {
	ports, err := process.FreePorts(n)
	for _, port := range ports {
		fmt.Fprintln(out, port)
	}
	return err
}
