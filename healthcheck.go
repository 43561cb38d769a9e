package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

const healthcheckTimeout = 5 * time.Second

// healthcheck asks the relay on this machine for /api/status. It speaks HTTP by hand: a few lines are less than the second HTTP
// client that this repository does not allow itself.
func healthcheck(port int, stdout, stderr io.Writer) int {
	if err := ask(port, "/api/status", "", `"success":true`); err != nil {
		fmt.Fprintln(stderr, "unhealthy:", err)
		return 1
	}
	fmt.Fprintln(stdout, "healthy")
	return 0
}

// ready asks it for /api/monitor/health, which is 503 while it drains. It is for Kubernetes, whose own probes cannot show a token from
// a Secret where PUBLIC_HEALTH=false asks for one.
func ready(port int, token string, stdout, stderr io.Writer) int {
	if err := ask(port, "/api/monitor/health", token, `"status":"ok"`); err != nil {
		fmt.Fprintln(stderr, "not ready:", err)
		return 1
	}
	fmt.Fprintln(stdout, "ready")
	return 0
}

// ask makes a request of a relay on this machine, which has to answer 200 and the text.
func ask(port int, path, token, text string) error {
	conn, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), healthcheckTimeout)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(healthcheckTimeout)); err != nil {
		return err
	}
	// Not HTTP/1.0: that is what a proxy on this machine speaks, and who may look is another question then.
	request := "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
	if token != "" {
		request += "Authorization: Bearer " + token + "\r\n"
	}
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		return err
	}
	answer, err := io.ReadAll(io.LimitReader(bufio.NewReader(conn), 64<<10))
	if err != nil {
		return err
	}
	status, _, _ := strings.Cut(string(answer), "\r\n")
	if !strings.Contains(status, " 200 ") || !strings.Contains(string(answer), text) {
		return fmt.Errorf("%s answered %q", path, status)
	}
	return nil
}
