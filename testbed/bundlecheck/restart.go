package main

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"time"
)

var started = regexp.MustCompile(`One API \S+ started`)

// restart restarts the relay while a stream runs: its client has to see that the answer is not whole.
func (c *course) restart(ctx context.Context) error {
	h := &holding{}
	if err := h.add(ctx, c.bundle, 1, mostHeld); err != nil {
		return err
	}
	began := time.Now()
	// As an operator does at the root of the repository: the compose file there has to mean the same containers.
	if _, err := command(ctx, "docker", "compose", "-p", "one-api-check", "-f", "docker-compose.yml", "restart", "one-api"); err != nil {
		return err
	}
	took := time.Since(began)
	ended, err := until(ctx, 10*time.Second, func() (bool, error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.calls) == 1, nil
	})
	if err != nil {
		return err
	}
	if !ended {
		c.report.That(false, "a stream ends when the relay restarts")
		return nil
	}
	cut := h.calls[0]
	c.report.That(!cut.finished && cut.errorEvent, "the stream ended as one that is not whole: an error event %t, an end as of a whole answer %t", cut.errorEvent, cut.finished)
	c.report.That(took < 30*time.Second, "the restart took %.1f s; a stream that goes on is waited for 5 s", took.Seconds())
	var all map[string]bool
	back, err := until(ctx, time.Minute, func() (bool, error) {
		health, err := c.health(ctx)
		return err == nil && health.Status == "ok", err
	})
	if err != nil {
		return err
	}
	c.report.That(back, "the relay is well again")
	log, err := command(ctx, "docker", "logs", "one-api")
	if err != nil {
		return err
	}
	c.report.That(len(started.FindAllString(log, -1)) == 2, "the relay has started twice, as its log says")
	again := c.load(ctx, [][]call{{{id: "after", model: "check-openai", stream: true}}})
	c.report.That(again[0].status == http.StatusOK && again[0].finished, "and answers: %d", again[0].status)
	if _, err := until(ctx, time.Minute, func() (bool, error) {
		all, err = c.monitors(ctx)
		return err == nil && len(down(all)) == 0, err
	}); err != nil {
		return err
	}
	c.report.That(len(down(all)) == 0, "all monitors are up; down: %q", down(all))
	return nil
}

// provisionAgain runs the provisioning as an operator does after a change.
func (c *course) provisionAgain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	said, err := c.docker(ctx, "up", "--no-color", "--no-build", "uptime-kuma-provision")
	if err != nil {
		return err
	}
	c.report.That(strings.Contains(said, "provision: nothing to change"), "a second run has nothing to change")
	return nil
}
