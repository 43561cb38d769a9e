package relay

import (
	"net"

	"golang.org/x/sys/unix"
)

// acked is how many bytes the other end has acknowledged; false: that is not known.
func acked(conn net.Conn) (n uint64, known bool) {
	tcp := tcpOf(conn)
	if tcp == nil {
		return 0, false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0, false
	}
	err = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err == nil {
			n, known = info.Bytes_acked, true
		}
	})
	return n, known && err == nil
}
