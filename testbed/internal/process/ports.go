package process

import (
	"errors"
	"net"
	"os"
	"strconv"
	"sync/atomic"
)

// portsTried keeps one port from being found twice before it is in use.
var portsTried atomic.Int64

// FreePorts finds ports that nobody listens on. They are taken from below the range that most systems give to outgoing
// connections, so that none of those is on one when the process that it is meant for begins to listen.
func FreePorts(n int) ([]string, error) {
	const first, last = 18000, 30000
	var ports []string
	for len(ports) < n {
		port := first + os.Getpid()%7000 + int(portsTried.Add(1))
		if port >= last {
			return nil, errors.New("there are no free ports")
		}
		listener, err := net.Listen("tcp", ":"+strconv.Itoa(port)) // as the relay does, on all addresses
		if err != nil {
			continue
		}
		_ = listener.Close()
		ports = append(ports, strconv.Itoa(port))
	}
	return ports, nil
}
