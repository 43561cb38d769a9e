//go:build !unix

package ledger

import "os"

// lock is for systems on which an open file cannot be removed by another process.
func lock(*os.File) bool { return true }

func ownedPrivately(dir string) bool {
	info, err := os.Lstat(dir)
	return err == nil && info.IsDir()
}
