package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// crowd is many open streams of slow tokens through one subject.
type crowd struct {
	through *subject
	request []byte
	group   sync.WaitGroup
	open    atomic.Int64 // have got their first chunk, and have not ended
	chunks  atomic.Int64
	slowest atomic.Int64 // ns that a chunk was on its way, the most since calm
	mu      sync.Mutex
	clients []*client
	failure error // of the first stream that broke
}

// slowEvery is how often each stream of a crowd says something. All together are to be no load: what is measured is what they hold.
const slowEvery = 10 * time.Second

// newCrowd makes one. via is the first part of the model's name, which says how the upstream is asked.
func newCrowd(s *subject, via string) *crowd {
	return &crowd{through: s, request: s.asks(via+"slow-"+slowEvery.String(), true, promptBytes)}
}

// dialers is how many streams begin at a time: no backlog of connections overflows.
const dialers = 32

// grow opens streams until there are n, each of which has got its first chunk.
func (c *crowd) grow(ctx context.Context, n int) error {
	places := make(chan struct{}, dialers)
	for len(c.clients) < n && ctx.Err() == nil && c.broken() == nil {
		places <- struct{}{}
		one := newClient(c.through.address)
		one.buffer = one.buffer[:1<<10]
		c.clients = append(c.clients, one)
		c.group.Go(func() { c.follow(one, func() { <-places }) })
	}
	for range dialers { // all have begun, or failed
		places <- struct{}{}
	}
	return errors.Join(ctx.Err(), c.broken())
}

// follow reads a stream to its end. began is called once, at the first chunk or the failure.
func (c *crowd) follow(one *client, began func()) {
	var once sync.Once
	seen := false
	s := stamps{found: func(age time.Duration) {
		c.chunks.Add(1)
		if !seen {
			seen = true
			c.open.Add(1)
			once.Do(began)
		}
		for most := c.slowest.Load(); int64(age) > most && !c.slowest.CompareAndSwap(most, int64(age)); most = c.slowest.Load() {
		}
	}}
	_, err := one.call(c.request, s.read)
	if err == nil && !seen {
		err = errors.New("a stream ended before it began")
	}
	if seen {
		c.open.Add(-1)
	}
	if err != nil {
		c.mu.Lock()
		if c.failure == nil {
			c.failure = err
		}
		c.mu.Unlock()
	}
	once.Do(began)
}

func (c *crowd) broken() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure
}

// calm forgets the slowest chunk so far.
func (c *crowd) calm() { c.slowest.Store(0) }

// end lets the upstream end every stream, and waits until all have.
func (c *crowd) end(ctx context.Context, upstream string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+upstream+endPath, nil)
	if err != nil {
		return err
	}
	response, err := asker.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	all := make(chan struct{})
	go func() {
		c.group.Wait()
		close(all)
	}()
	select {
	case <-all:
	case <-ctx.Done():
		c.leave()
		<-all
		return fmt.Errorf("%d streams did not end", c.open.Load())
	}
	c.leave()
	return nil
}

// leave closes every connection.
func (c *crowd) leave() {
	for _, one := range c.clients {
		one.leave()
	}
}
