package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// pidFile lists what was started, for the script to end it should this program be killed.
const pidFile = "pids"

// process is a program that the check has started, and that it ends.
type process struct {
	name    string
	command *exec.Cmd
	ended   chan struct{} // closed when it has
	log     string
}

// startProcess starts one. Its output goes to a file in the work directory, its id to the list that the script falls back on.
// It gets no environment but what is given: the caller's OTEL_* and keys would change what is measured.
func startProcess(work, name, binary string, environment []string, args ...string) (*process, error) {
	p := &process{name: name, log: filepath.Join(work, name+".log"), ended: make(chan struct{})}
	output, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = output.Close() }() // the process has its own
	p.command = exec.Command(binary, args...)
	p.command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + work, "HOME=" + work}, environment...)
	p.command.Dir, p.command.Stdout, p.command.Stderr = work, output, output
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() {
		_ = p.command.Wait() // how it ended is in its log
		close(p.ended)
	}()
	ids, err := os.OpenFile(filepath.Join(work, pidFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		p.stop(0)
		return nil, err
	}
	_, err = fmt.Fprintln(ids, p.command.Process.Pid)
	return p, errors.Join(err, ids.Close())
}

func (p *process) signal(s os.Signal) { _ = p.command.Process.Signal(s) } // it may have ended by itself

// stop ends it, at the latest after patience with force.
func (p *process) stop(patience time.Duration) {
	p.signal(syscall.SIGTERM)
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-p.ended:
	case <-late.C:
		p.signal(syscall.SIGKILL)
		<-p.ended
	}
}

// ready waits until a URL of the process answers 200.
func (p *process) ready(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		status, _, err := get(ctx, url)
		if err == nil && status == 200 {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended at once: see %s", p.name, p.log)
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: see %s", p.name, p.log)
		default:
			pause(ctx, 100*time.Millisecond)
		}
	}
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// freePorts finds ports that nobody listens on. They are taken from below the range that most systems give to outgoing
// connections, so that none of those is on one when the process that it is meant for begins to listen.
func freePorts(n int) ([]string, error) {
	const first, last = 18000, 30000
	var ports []string
	for port := first + os.Getpid()%7000; port < last && len(ports) < n; port++ {
		listener, err := net.Listen("tcp", ":"+strconv.Itoa(port)) // as the relay does, on all addresses
		if err != nil {
			continue
		}
		_ = listener.Close()
		ports = append(ports, strconv.Itoa(port))
	}
	if len(ports) < n {
		return nil, errors.New("there are no free ports")
	}
	return ports, nil
}
