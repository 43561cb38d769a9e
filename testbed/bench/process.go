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
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// process is one that the benchmark has started, or a peer's.
type process struct {
	name    string
	pid     int
	began   time.Time
	command *exec.Cmd // nil: somebody else's
	output  *tail
	ended   chan struct{}
}

// start starts a program on the given cores, with no environment but what is given: the caller's OTEL_* would change what is
// measured.
func start(name, work, cores string, environment []string, binary string, args ...string) (*process, error) {
	p := &process{name: name, output: &tail{}, ended: make(chan struct{})}
	p.command = exec.Command("taskset", append([]string{"-c", cores, binary}, args...)...) // it becomes the program
	p.command.Dir, p.command.Stdout, p.command.Stderr = work, p.output, p.output
	p.command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + work, "TMPDIR=" + work}, environment...)
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	p.pid, p.began = p.command.Process.Pid, time.Now()
	go func() {
		_ = p.command.Wait()
		close(p.ended)
	}()
	return p, nil
}

// ready waits until somebody listens.
func (p *process) ready(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended at once:\n%s", p.name, p.output)
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready:\n%s", p.name, p.output)
		default:
			wait(ctx, 20*time.Millisecond)
		}
	}
}

// stop ends it, after a while with force.
func (p *process) stop() {
	if p == nil || p.command == nil {
		return
	}
	_ = p.command.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	late := time.NewTimer(3 * time.Second)
	defer late.Stop()
	select {
	case <-p.ended:
	case <-late.C:
		_ = p.command.Process.Kill()
		<-p.ended
	}
}

// family is the process and its children: nginx works in one.
func (p *process) family() []int {
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
func (p *process) cpu() float64 {
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
func (p *process) rss() float64  { return p.status("VmRSS:") }
func (p *process) peak() float64 { return p.status("VmHWM:") }

func (p *process) forgetPeak() {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.pid), []byte("5"), 0o200) // where it may not, the peak is of all time
}

func (p *process) status(name string) (bytes float64) {
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
func (p *process) descriptors() (open, most int) {
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

// wait waits, unless the context ends first.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// portsTried keeps one port from being found twice before it is in use.
var portsTried atomic.Int64

// freeAddress finds a port that nobody listens on, below the range that most systems give to outgoing connections.
func freeAddress() (string, error) {
	const first, last = 18000, 30000
	for {
		port := first + os.Getpid()%7000 + int(portsTried.Add(1))
		if port >= last {
			return "", errors.New("there are no free ports")
		}
		listener, err := net.Listen("tcp", ":"+strconv.Itoa(port)) // as the relay does, on all addresses
		if err == nil {
			return "127.0.0.1:" + strconv.Itoa(port), listener.Close()
		}
	}
}

// tail keeps the end of what a process says.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const longestTail = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-longestTail):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
