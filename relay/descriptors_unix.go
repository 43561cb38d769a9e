//go:build unix

package relay

import "syscall"

// descriptors is how many files and connections the process may have open; 0: nobody knows.
func descriptors() int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 0
	}
	const most = 1 << 30 // "unlimited" is more than anything counts to
	if limit.Cur > most {
		return most
	}
	return int(limit.Cur)
}
