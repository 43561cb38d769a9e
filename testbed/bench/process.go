package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"one-api/testbed/internal/process"
)

// subjectProcess is a process that the benchmark has started, or a peer's.
type subjectProcess struct {
	*process.Process // nil: somebody else's
	name             string
	pid              int
	began            time.Time
	output           *process.Tail
}

// start starts a program on the given cores.
func start(name, work, cores string, environment []string, binary string, args ...string) (*subjectProcess, error) {
	p := &subjectProcess{name: name, began: time.Now(), output: &process.Tail{}}
	var err error
	p.Process, err = process.Start(process.Options{Name: name, Work: work, Environment: environment, Output: p.output, Cores: cores}, binary, args...)
	if err != nil {
		return nil, err
	}
	p.pid = p.PID()
	return p, nil
}

// ready waits until somebody listens.
func (p *subjectProcess) ready(ctx context.Context, address string) error {
	return p.Ready(ctx, time.Minute, 20*time.Millisecond, func(context.Context) error {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

// stop ends it, after a while with force.
func (p *subjectProcess) stop() {
	if p != nil && p.Process != nil {
		_ = p.Stop(3 * time.Second) // how it ended is nothing that is measured
	}
}

// family is the process and its children: nginx works in one.
func (p *subjectProcess) family() []int {
	family := []int{p.pid}
	for i := 0; i < len(family); i++ {
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", family[i]))
		for _, task := range tasks {
			text, _ := os.ReadFile(task)
			for _, field := range strings.Fields(string(text)) {
				if pid, err := strconv.Atoi(field); err == nil {
					family = append(family, pid)
				}
			}
		}
	}
	return family
}

// cpu is the seconds of CPU that the process has used, to the nanosecond where the kernel counts them so. A thread that has ended
// is no longer in it; neither Go nor nginx end theirs.
func (p *subjectProcess) cpu() float64 {
	var nanoseconds float64
	for _, pid := range p.family() {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		for _, thread := range threads {
			text, _ := os.ReadFile(thread)
			if first, _, ok := strings.Cut(string(text), " "); ok {
				n, _ := strconv.ParseFloat(first, 64)
				nanoseconds += n
			}
		}
	}
	return nanoseconds / 1e9
}

// rss is the bytes of memory that are resident, and peak the most that ever were since forgetPeak.
func (p *subjectProcess) rss() float64  { return p.status("VmRSS:") }
func (p *subjectProcess) peak() float64 { return p.status("VmHWM:") }

func (p *subjectProcess) forgetPeak() {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.pid), []byte("5"), 0o200) // where it may not, the peak is of all time
}

func (p *subjectProcess) status(name string) (bytes float64) {
	for _, pid := range p.family() {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		_, rest, _ := strings.Cut(string(text), name)
		var kilobytes float64
		if _, err := fmt.Sscanf(rest, "%f kB", &kilobytes); err == nil {
			bytes += kilobytes * 1024
		}
	}
	return bytes
}

// descriptors is how many the process has, and may have.
func (p *subjectProcess) descriptors() (open, most int) {
	all, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.pid))
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/limits", p.pid))
	_, rest, _ := strings.Cut(string(text), "Max open files")
	_, _ = fmt.Sscan(rest, &most) // 0 where it does not say
	return len(all), most
}

// cores is where subject and load run, as taskset takes it.
type cores struct {
	subject, load string
	apart         bool
}

// shareOut gives the last core to the subject and the others to the load.
func shareOut() (cores, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return cores{}, fmt.Errorf("it needs Linux' /proc: %w", err)
	}
	_, rest, _ := bytes.Cut(text, []byte("Cpus_allowed_list:"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	return shareOutOf(strings.TrimSpace(string(line)))
}

func shareOutOf(allowed string) (cores, error) {
	var all []string
	for _, part := range strings.Split(allowed, ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		first, err1 := strconv.Atoi(from)
		last, err2 := strconv.Atoi(to)
		if err := errors.Join(err1, err2); err != nil {
			return cores{}, fmt.Errorf("the list of cores %q: %w", allowed, err)
		}
		for core := first; core <= last; core++ {
			all = append(all, strconv.Itoa(core))
		}
	}
	if len(all) == 1 {
		return cores{subject: all[0], load: all[0]}, nil
	}
	return cores{subject: all[len(all)-1], load: strings.Join(all[:len(all)-1], ","), apart: true}, nil
}

// pin moves a running process and all its threads.
func pin(pid int, to string) error {
	said, err := exec.Command("taskset", "-a", "-c", "-p", to, strconv.Itoa(pid)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("taskset: %w: %s", err, said)
	}
	return nil
}

// freeAddress finds a port of the loopback interface that nobody listens on.
func freeAddress() (string, error) {
	ports, err := process.FreePorts(1)
	if err != nil {
		return "", err
	}
	return "127.0.0.1:" + ports[0], nil
}
