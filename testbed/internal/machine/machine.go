// Package machine says where a proof ran, in general words: no names, no paths.
package machine

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Machine is where a proof ran.
type Machine struct {
	Cores  int
	Memory string
	Kernel string
	Go     string // its version
	Busy   string // the load average when it was asked: what else was going on
}

// This is the one that asks.
func This() Machine {
	m := Machine{Cores: runtime.NumCPU(), Memory: "unknown memory", Kernel: runtime.GOOS, Go: strings.TrimPrefix(runtime.Version(), "go"), Busy: "unknown"}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kilobytes float64
		if _, err := fmt.Sscanf(string(text), "MemTotal: %f kB", &kilobytes); err == nil {
			m.Memory = fmt.Sprintf("%.0f GiB of memory", kilobytes/(1<<20))
		}
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		version := strings.FieldsFunc(string(text), func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if len(version) > 0 {
			m.Kernel = "Linux " + version[0]
		}
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Busy, _, _ = strings.Cut(string(text), " ")
	}
	return m
}
