package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"one-api/testbed/internal/process"
)

// pidFile lists what was started, for the script to end it should this program be killed.
const pidFile = "pids"

// program is a process that the check has started, and that it ends.
type program struct {
	*process.Process
	log string
}

// startProgram starts one. Its output goes to a file in the work directory, its id to the list that the script falls back on.
func startProgram(work, name, binary string, environment []string, args ...string) (*program, error) {
	p := &program{log: filepath.Join(work, name+".log")}
	output, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = output.Close() }() // the process has its own
	p.Process, err = process.Start(process.Options{Name: name, Work: work, Environment: environment, Output: output}, binary, args...)
	if err != nil {
		return nil, err
	}
	ids, err := os.OpenFile(filepath.Join(work, pidFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		p.stop(0)
		return nil, err
	}
	_, err = fmt.Fprintln(ids, p.PID())
	return p, errors.Join(err, ids.Close())
}

// stop ends it, at the latest after patience with force. How it ended is in its log.
func (p *program) stop(patience time.Duration) { _ = p.Stop(patience) }

// ready waits until a URL of the program answers 200.
func (p *program) ready(ctx context.Context, url string) error {
	return p.Ready(ctx, 30*time.Second, 100*time.Millisecond, func(ctx context.Context) error {
		status, _, err := get(ctx, url)
		if err == nil && status != 200 {
			err = fmt.Errorf("status %d", status)
		}
		return err
	})
}
