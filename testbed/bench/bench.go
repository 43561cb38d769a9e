package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"one-api/testbed/internal/machine"
)

// bench is a run, and what it has found so far.
type bench struct {
	settings
	*world
	out, log io.Writer
	began    time.Time
	machine  machine.Machine
	version  string // of nginx; empty: there is none
	results  results
	memory   map[string]memory // by subject
	growth   *growth           // nil: not measured
}

func (b *bench) run(ctx context.Context) error {
	if _, err := exec.LookPath("taskset"); err != nil {
		return fmt.Errorf("taskset is needed: %w", err)
	}
	work, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	b.began, b.machine, b.memory = time.Now(), machine.This(), map[string]memory{}
	b.findNginx(ctx)
	b.world = &world{settings: b.settings, work: work}
	if b.cores, err = shareOut(); err != nil {
		return err
	}
	defer b.close()
	if err := b.open(ctx); err != nil {
		return err
	}
	if b.profile != "" {
		return b.profileAll(ctx)
	}
	if !b.only {
		if err := b.compare(ctx); err != nil {
			return err
		}
	}
	if b.settings.growth {
		if err := b.grow(ctx); err != nil {
			return err
		}
	}
	return b.tell()
}

// compare measures the costs and the memory of all subjects.
func (b *bench) compare(ctx context.Context) error {
	subjects := []*subject{b.direct()}
	defer func() {
		for _, s := range subjects {
			s.stop()
		}
	}()
	for _, fresh := range b.fresh() {
		s, err := fresh(ctx)
		if err != nil {
			return err
		}
		subjects = append(subjects, s)
	}
	for _, p := range b.peers {
		s, err := b.peerOf(p)
		if err != nil {
			return err
		}
		subjects = append(subjects, s)
	}
	if err := b.costs(ctx, subjects); err != nil {
		return err
	}
	for _, s := range subjects {
		s.stop()
	}
	return b.memories(ctx)
}

// fresh starts the subjects, the relay first.
func (b *bench) fresh() []func(context.Context) (*subject, error) {
	all := []func(context.Context) (*subject, error){
		func(ctx context.Context) (*subject, error) { return b.startRelay(ctx, b.relayConfig()) },
		b.startBare,
	}
	if b.version != "" {
		all = append(all, b.startNginx)
	}
	return all
}

// findNginx asks nginx for its version.
func (b *bench) findNginx(ctx context.Context) {
	if b.nginx == "" {
		return
	}
	binary, err := exec.LookPath(b.nginx)
	if err == nil {
		b.nginx, err = filepath.Abs(binary) // it runs elsewhere
	}
	if err != nil {
		fmt.Fprintln(b.log, "nginx is not installed: it is left out")
		return
	}
	said, _ := exec.CommandContext(ctx, b.nginx, "-v").CombinedOutput()
	_, version, _ := strings.Cut(strings.TrimSpace(string(said)), "nginx/")
	b.version, _, _ = strings.Cut(version, " ")
}

// tell prints the report, and writes it where it is wanted.
func (b *bench) tell() error {
	text, missed := b.markdown()
	fmt.Fprint(b.out, text)
	if b.settings.out != "" {
		if err := os.WriteFile(filepath.Join(b.settings.out, "bench.md"), []byte(text), 0o644); err != nil {
			return err
		}
	}
	if missed > 0 && b.strict {
		return fmt.Errorf("%w: %d of them", errMissed, missed)
	}
	return nil
}
