//go:build !unix

package relay

import "io/fs"

func unlinked(fs.FileInfo) bool { return false }
