// Package process runs the programs that a proof is about, and those that it needs.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Options is how a program is run.
type Options struct {
	Name string // in messages
	Work string // its working directory, its home, and where its temporary files go
	// Environment is all that it gets besides PATH: the caller's keys and OTEL_* would change what is measured.
	Environment []string
	Output      io.Writer // for what it writes to its standard output and error; its String, if it has one, is told if it does not start
	Cores       string    // that it may run on, as taskset takes them; empty: all
}

// Process is a program that runs, or has ended.
type Process struct {
	// Ended is closed once it has ended.
	Ended   chan struct{}
	options Options
	command *exec.Cmd
	exit    error
}

// Start starts a program.
func Start(o Options, binary string, args ...string) (*Process, error) {
	p := &Process{options: o, Ended: make(chan struct{})}
	if o.Cores != "" {
		binary, args = "taskset", append([]string{"-c", o.Cores, binary}, args...) // taskset becomes the program
	}
	p.command = exec.Command(binary, args...)
	p.command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + o.Work, "TMPDIR=" + o.Work}, o.Environment...)
	p.command.Dir, p.command.Stdout, p.command.Stderr = o.Work, o.Output, o.Output
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", o.Name, err)
	}
	go func() {
		p.exit = p.command.Wait()
		close(p.Ended)
	}()
	return p, nil
}

// PID is its id.
func (p *Process) PID() int { return p.command.Process.Pid }

// Signal sends it a signal. It may have ended by itself.
func (p *Process) Signal(s os.Signal) { _ = p.command.Process.Signal(s) }

// ErrKilled says that a program did not end when it was told to.
var ErrKilled = errors.New("it had to be killed")

// Stop ends it, at the latest after patience with force, and returns how it ended: nil, an *exec.ExitError, or ErrKilled.
func (p *Process) Stop(patience time.Duration) error {
	p.Signal(syscall.SIGTERM)
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-p.Ended:
		return p.exit
	case <-late.C:
		p.Signal(syscall.SIGKILL)
		<-p.Ended
		return ErrKilled
	}
}

// Ready waits until it does what it was started for, as asking it again and again finds out.
func (p *Process) Ready(ctx context.Context, patience, every time.Duration, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.Ended:
			return fmt.Errorf("%s ended at once: %s", p.options.Name, p.said())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w: %s", p.options.Name, err, p.said())
		default:
			Pause(ctx, every)
		}
	}
}

func (p *Process) said() string {
	switch out := p.options.Output.(type) {
	case fmt.Stringer:
		return out.String()
	case *os.File:
		return "see " + out.Name()
	}
	return ""
}

// Pause waits, or until ctx ends.
func Pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
