package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync"
	"time"
)

// endpoint is where calls of a subject go.
type endpoint struct {
	address string // host:port
	prefix  string // of the path
	key     string
}

// request is the bytes of a call.
func (e endpoint) request(key string, body []byte) []byte {
	head := fmt.Sprintf("POST %s/v1/chat/completions HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		e.prefix, e.address, key, len(body))
	return append([]byte(head), body...)
}

// client is one connection. It is written by hand because net/http's client costs as much as the subjects do, and the load must
// not be what is slow.
type client struct {
	address string
	mu      sync.Mutex // of conn, which leave closes while a call reads from it
	conn    net.Conn
	left    bool
	reader  *bufio.Reader
	buffer  []byte
}

func newClient(address string) *client {
	return &client{address: address, buffer: make([]byte, 4<<10)}
}

// close ends the connection; the next call makes another one.
func (c *client) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// leave closes the connection under a call, whoever makes it, and lets no more be made.
func (c *client) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = true
	if c.conn != nil {
		_ = c.conn.Close()
	}
}

// connected is the connection, which is made if there is none.
func (c *client) connected() (net.Conn, error) {
	if c.conn != nil {
		return c.conn, nil
	}
	conn, err := net.Dial("tcp", c.address)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left {
		_ = conn.Close()
	}
	c.conn, c.reader = conn, bufio.NewReaderSize(conn, len(c.buffer))
	return conn, nil
}

// heard is what came of one call.
type heard struct {
	first time.Time // when the first byte of the body came
}

// call makes one call, and tells tell of every part of the body as it comes; tell may be nil.
func (c *client) call(request []byte, tell func(part []byte)) (heard, error) {
	var h heard
	conn, err := c.connected()
	if err != nil {
		return h, err
	}
	if _, err := conn.Write(request); err != nil {
		c.close()
		return h, err
	}
	status, length, keep, err := c.header()
	if err != nil {
		c.close()
		return h, err
	}
	var body io.Reader
	switch {
	case length >= 0:
		body = io.LimitReader(c.reader, length)
	case length == chunked:
		body = httputil.NewChunkedReader(c.reader)
	default:
		body, keep = c.reader, false
	}
	if status != "200" {
		text, _ := io.ReadAll(io.LimitReader(body, 300))
		c.close()
		return h, fmt.Errorf("status %s: %s", status, text)
	}
	for {
		n, err := body.Read(c.buffer)
		if n > 0 {
			if h.first.IsZero() {
				h.first = time.Now()
			}
			if tell != nil {
				tell(c.buffer[:n])
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			c.close()
			return h, err
		}
	}
	if length == chunked {
		if _, err := c.reader.ReadSlice('\n'); err != nil { // the end of the empty trailer
			keep = false
		}
	}
	if !keep {
		c.close()
	}
	return h, nil
}

// Lengths of bodies that say none.
const (
	untilClose = -1
	chunked    = -2
)

func (c *client) header() (status string, length int64, keep bool, err error) {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return "", 0, false, fmt.Errorf("no answer: %w", err)
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return "", 0, false, fmt.Errorf("no answer in HTTP/1.1: %q", line)
	}
	keep, status, length = line[7] == '1', string(line[9:12]), untilClose
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return "", 0, false, fmt.Errorf("a broken header: %w", err)
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return status, length, keep, nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch value = bytes.TrimSpace(value); {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				return "", 0, false, err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			length = chunked
		case bytes.EqualFold(name, []byte("Connection")):
			keep = !strings.EqualFold(string(value), "close")
		}
	}
}

// stamps finds the stamps in parts of a stream, and hands on how old each was.
type stamps struct {
	carry []byte
	found func(age time.Duration)
}

func (s *stamps) read(part []byte) {
	now := time.Now().UnixNano()
	s.carry = append(s.carry, part...)
	rest := s.carry
	for {
		at := bytes.Index(rest, []byte(stamp))
		if at < 0 {
			rest = rest[max(0, len(rest)-len(stamp)+1):]
			break
		}
		if len(rest) < at+len(stamp)+stampDigits {
			rest = rest[at:]
			break
		}
		digits := rest[at+len(stamp) : at+len(stamp)+stampDigits]
		if written, err := strconv.ParseInt(string(digits), 10, 64); err == nil {
			s.found(time.Duration(now - written))
		}
		rest = rest[at+len(stamp)+stampDigits:]
	}
	s.carry = append(s.carry[:0], rest...)
}
