package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// machine is where a soak ran, in general words: no names, no paths.
type machine struct {
	cores  int
	memory string
	kernel string
	golang string
}

func thisMachine() machine {
	m := machine{cores: runtime.NumCPU(), memory: "unknown memory", kernel: runtime.GOOS, golang: strings.TrimPrefix(runtime.Version(), "go")}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kilobytes float64
		if _, err := fmt.Sscanf(string(text), "MemTotal: %f kB", &kilobytes); err == nil {
			m.memory = fmt.Sprintf("%.0f GiB of memory", kilobytes/mebi)
		}
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		version := strings.FieldsFunc(string(text), func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if len(version) > 0 {
			m.kernel = "Linux " + version[0]
		}
	}
	return m
}
