package config

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strings"
)

// mounted warns of a file that changes without being seen to.
func (l *loader) mounted(whole place, source Source) {
	if source.ReadFile != nil {
		return
	}
	mountinfo, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return // not Linux
	}
	if message := mountWarning(l.file, mountinfo); message != "" {
		l.warn(whole, "%s", message)
	}
}

// mountWarning is what is wrong with a configuration file that is mounted by itself, as a bind mount of a single file or a subPath
// of Kubernetes is; empty: it is none. mountinfo is the content of /proc/self/mountinfo.
func mountWarning(path string, mountinfo []byte) string {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return ""
	}
	lines := bufio.NewScanner(bytes.NewReader(mountinfo))
	for lines.Scan() {
		fields := strings.Fields(lines.Text()) // id, parent, device, root, mount point, … (proc(5))
		if len(fields) < 5 || unescaped.Replace(fields[4]) != absolute {
			continue
		}
		if strings.HasSuffix(unescaped.Replace(fields[3]), "//deleted") {
			return "is mounted as a single file, and was replaced outside since then: what is read here is the old one. Restart the " +
				"relay (with Docker its container), and mount the directory that it is in instead"
		}
		return "is mounted as a single file: a change that replaces it outside, as most editors make it, is not seen here. Mount the " +
			"directory that it is in instead"
	}
	return ""
}

// unescaped are the characters that mountinfo escapes.
var unescaped = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
