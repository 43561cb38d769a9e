package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

var channels = []string{"openai-main", "anthropic-main", "failing", "flaky", "slow", "holding"}

// relayMonitors is how many monitors look at the relay and the collector, at the ledger, at all channels together, and for channels without a
// monitor.
const relayMonitors = 8 + 1 + 1 + 1

// named is what Kuma calls a monitor.
func named(title string) string { return title + " · One API" }

func channelMonitor(name string) string { return named(name + " (channel)") }

// monitors is what Uptime Kuma's status page tells the public: each monitor's name, and whether its last look was good.
// (GET /api/status-page/SLUG and …/heartbeat/SLUG. Kuma keeps the answers to an address for minutes, so each look has its own.)
func (b *bundle) monitors(ctx context.Context) (map[string]bool, error) {
	fresh := fmt.Sprintf("?at=%d", time.Now().UnixNano())
	var page struct {
		PublicGroupList []struct {
			MonitorList []struct {
				ID   int
				Name string
			}
		}
	}
	var beats struct {
		HeartbeatList map[string][]struct{ Status int }
	}
	if err := b.ask(ctx, http.MethodGet, "uptime-kuma", "/api/status-page/one-api"+fresh, &page); err != nil {
		return nil, err
	}
	if err := b.ask(ctx, http.MethodGet, "uptime-kuma", "/api/status-page/heartbeat/one-api"+fresh, &beats); err != nil {
		return nil, err
	}
	all := map[string]bool{}
	for _, group := range page.PublicGroupList {
		for _, m := range group.MonitorList {
			list := beats.HeartbeatList[fmt.Sprint(m.ID)]
			all[m.Name] = len(list) > 0 && list[len(list)-1].Status == 1
		}
	}
	return all, nil
}

func down(monitors map[string]bool) (names []string) {
	for name, up := range monitors {
		if !up {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (c *course) monitorsUp(ctx context.Context) error {
	id, err := c.container(ctx, "uptime-kuma-provision")
	if err != nil {
		return err
	}
	code, err := command(ctx, "docker", "wait", id)
	if err != nil {
		return err
	}
	said, err := command(ctx, "docker", "logs", id)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(said), "\n")
	c.report.That(strings.TrimSpace(code) == "0", "the provisioning ended well: %s", lines[len(lines)-1])
	var all map[string]bool
	if _, err := until(ctx, time.Minute, func() (bool, error) {
		all, err = c.monitors(ctx)
		return len(all) == relayMonitors+len(channels) && len(down(all)) == 0, err
	}); err != nil {
		return err
	}
	missing := slices.DeleteFunc(slices.Clone(channels), func(name string) bool { _, there := all[channelMonitor(name)]; return there })
	c.report.That(len(missing) == 0, "each channel has a monitor; without one: %q", missing)
	c.report.That(len(all) == relayMonitors+len(channels) && len(down(all)) == 0, "%d monitors are up; down: %q", len(all), down(all))
	alerts, err := c.alerts(ctx)
	c.report.That(len(alerts) == 0, "nobody was alerted of anything: %d alerts", len(alerts))
	for _, a := range alerts {
		fmt.Fprintln(c.out, "          "+a.Text)
	}
	return err
}

// alerted waits for a message of a monitor that went down or came up, among those behind the first ones.
func (c *course) alerted(ctx context.Context, first int, monitor string, up bool, patience time.Duration) (alert, bool, error) {
	return c.alertedBy(ctx, first, monitor, up, patience, func() {})
}

// alertedBy does something before each look.
func (c *course) alertedBy(ctx context.Context, first int, monitor string, up bool, patience time.Duration, do func()) (a alert, ok bool, err error) {
	ok, err = until(ctx, patience, func() (bool, error) {
		do()
		all, err := c.alerts(ctx)
		if err != nil {
			return false, err
		}
		for _, a = range all[first:] {
			if a.Monitor == monitor && a.Up == up {
				return true, nil
			}
		}
		a = alert{}
		return false, nil
	})
	return a, ok, err
}

// reports is alerted as a check.
func (c *course) reports(ctx context.Context, first int, monitor string, up bool, patience time.Duration) error {
	a, ok, err := c.alerted(ctx, first, monitor, up, patience)
	what := map[bool]string{false: "alert", true: "recovery"}[up]
	c.report.That(ok, "%s of %q: %s", what, monitor, a.Text)
	return err
}

// channelFails makes one channel answer 500 until its monitor says so, and then well again.
func (c *course) channelFails(ctx context.Context) error {
	before, err := c.alerts(ctx)
	if err != nil {
		return err
	}
	calls := 0
	failing := func(does behaviour) {
		calls++
		c.done = append(c.done, c.load(ctx, [][]call{{{id: fmt.Sprintf("failing-%d", calls), model: "check-failover", stream: true, do: map[string]behaviour{"failing": does}}}})...)
	}
	for range 4 {
		failing(failure)
	}
	monitor := channelMonitor("failing")
	a, ok, err := c.alerted(ctx, len(before), monitor, false, 30*time.Second)
	if err != nil {
		return err
	}
	c.report.That(ok && strings.Contains(a.Text, "failures in a row: ") && strings.Contains(a.Text, "upstream_status 500"), "the alert names the channel and the reason: %s", a.Text)
	all, err := c.monitors(ctx)
	if err != nil {
		return err
	}
	c.report.That(slices.Equal(down(all), []string{monitor}), "no other monitor is down: %q", down(all))
	// It is passed over for a while by now. Calls go on, and one of them is its trial.
	a, ok, err = c.alertedBy(ctx, len(before), monitor, true, time.Minute, func() { failing(healthy) })
	c.report.That(ok, "recovery of %q after %d calls: %s", monitor, calls, a.Text)
	return err
}
