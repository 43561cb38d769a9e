package otlptest

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// door is a listener that can be shut and opened again at the same address, while the server behind it continues.
type door struct {
	address string
	taken   atomic.Int64
	accept  chan net.Conn
	closed  chan struct{}

	mu        sync.Mutex
	listener  net.Listener // nil means shut
	resets    bool
	mute      bool
	conns     map[net.Conn]struct{}
	accepting sync.WaitGroup
	isClosed  bool
}

func newDoor() (*door, error) {
	d := &door{address: "127.0.0.1:0", accept: make(chan net.Conn), closed: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	return d, d.open()
}

// open begins to listen.
func (d *door) open() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listener != nil || d.isClosed {
		return nil
	}
	l, err := net.Listen("tcp", d.address)
	if err != nil {
		return err
	}
	d.listener, d.address = l, l.Addr().String()
	d.accepting.Go(func() { d.take(l) })
	return nil
}

// reopen is open, again and again for a while: somebody's outgoing connection may have been given the port in between.
func (d *door) reopen() error {
	deadline := time.Now().Add(20 * time.Second)
	retry := time.NewTicker(10 * time.Millisecond)
	defer retry.Stop()
	for {
		err := d.open()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		<-retry.C
	}
}

func (d *door) take(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		d.taken.Add(1)
		d.mu.Lock()
		if d.resets || d.listener != l {
			d.mu.Unlock()
			reset(conn)
			continue
		}
		tracked := &guest{Conn: conn, door: d}
		d.conns[tracked] = struct{}{}
		mute := d.mute
		d.mu.Unlock()
		if mute {
			continue
		}
		select {
		case d.accept <- tracked:
		case <-d.closed:
			_ = tracked.Close()
			return
		}
	}
}

// shut stops listening and hangs up on everybody.
func (d *door) shut() {
	d.mu.Lock()
	l := d.listener
	d.listener = nil
	d.mu.Unlock()
	if l != nil {
		_ = l.Close()
	}
	d.hangUp()
}

// setResets makes every connection, those that are open included, end in a TCP reset.
func (d *door) setResets(resets bool) {
	d.mu.Lock()
	d.resets = resets
	d.mu.Unlock()
	if resets {
		d.hangUp()
	}
}

// setMute makes connections ones on which nobody ever reads or writes. Those that are open end.
func (d *door) setMute(mute bool) {
	d.mu.Lock()
	changes := mute != d.mute
	d.mute = mute
	d.mu.Unlock()
	if changes {
		d.hangUp()
	}
}

func (d *door) hangUp() {
	d.mu.Lock()
	var all []net.Conn
	for c := range d.conns {
		all = append(all, c)
	}
	d.mu.Unlock()
	for _, c := range all {
		reset(c.(*guest).Conn)
		_ = c.Close()
	}
}

func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// Accept returns the server its next connection.
func (d *door) Accept() (net.Conn, error) {
	select {
	case c := <-d.accept:
		return c, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

// Close ends it for good. Again does nothing.
func (d *door) Close() error {
	d.mu.Lock()
	again := d.isClosed
	d.isClosed = true
	d.mu.Unlock()
	if !again {
		close(d.closed)
		d.shut()
		d.accepting.Wait()
	}
	return nil
}

// Addr is where it listens, or did.
func (d *door) Addr() net.Addr {
	address, _ := net.ResolveTCPAddr("tcp", d.address) // it is one: it came from a listener
	return address
}

// guest is a connection that leaves the door's list when it is closed.
type guest struct {
	net.Conn
	door *door
}

func (g *guest) Close() error {
	g.door.mu.Lock()
	delete(g.door.conns, g)
	g.door.mu.Unlock()
	return g.Conn.Close()
}
