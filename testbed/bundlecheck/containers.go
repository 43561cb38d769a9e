package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"one-api/testbed/internal/check"
)

var services = []string{"one-api", "otel-collector", "prometheus", "grafana", "uptime-kuma", "uptime-kuma-provision"}

// imageBound is what the relay's image may weigh, in bytes. It is one program and the authorities; a third of that is the databases' drivers,
// which the ledger and the import of old databases brought.
const imageBound = 48 << 20

// inspected is what `docker inspect` says of a container, as far as it matters here.
type inspected struct {
	State        struct{ OOMKilled bool }
	RestartCount int // by Docker, because it had ended; not by the check
	Config       struct{ User string }
	Image        string

	HostConfig struct {
		Privileged, ReadonlyRootfs   bool
		CapAdd, CapDrop, SecurityOpt []string
		Memory                       int64
		NetworkMode, PidMode         string
	}
	NetworkSettings struct {
		Ports map[string][]struct{ HostIP, HostPort string }
	}
}

func inspect(ctx context.Context, id string) (i inspected, err error) {
	text, err := command(ctx, "docker", "inspect", "--format", "{{json .}}", id)
	if err != nil {
		return i, err
	}
	return i, json.Unmarshal([]byte(text), &i)
}

// containers looks at what each container may do, what it publishes, and what the relay's image is.
func (c *course) containers(ctx context.Context) error {
	got, want := check.Table{}, check.Table{}
	for service, port := range c.published {
		inner := map[string]string{"one-api": "3000", "uptime-kuma": "3001", "grafana": "3000", "faults": "9001"}[service]
		want[check.Join(service, inner+"/tcp", "127.0.0.1:"+port)] = 1
	}
	for _, service := range append(slices.Clone(services), "faults") {
		id, err := c.container(ctx, service)
		if err != nil {
			return err
		}
		i, err := inspect(ctx, id)
		if err != nil {
			return err
		}
		for _, inner := range slices.Sorted(maps.Keys(i.NetworkSettings.Ports)) {
			for _, at := range i.NetworkSettings.Ports[inner] {
				got[check.Join(service, inner, at.HostIP+":"+at.HostPort)] = 1
			}
		}
		h := i.HostConfig
		if service != "faults" {
			tight := !h.Privileged && h.ReadonlyRootfs && len(h.CapAdd) == 0 && slices.Equal(h.CapDrop, []string{"ALL"}) &&
				slices.Contains(h.SecurityOpt, "no-new-privileges:true") && h.Memory > 0 && h.NetworkMode != "host" && h.PidMode != "host"
			c.report.That(tight, "%s: no capability, no new privileges, a root that cannot be written, %d MiB at most", service, h.Memory>>20)
		}
		if service == "one-api" {
			if err := c.image(ctx, i); err != nil {
				return err
			}
		}
	}
	c.report.Equal("published ports are those that are allowed", want, got)
	return c.allHealthy(ctx)
}

func (c *course) image(ctx context.Context, i inspected) error {
	text, err := command(ctx, "docker", "image", "inspect", "--format", "{{.Size}}", i.Image)
	if err != nil {
		return err
	}
	var size int64
	if _, err := fmt.Sscan(text, &size); err != nil {
		return err
	}
	c.report.That(size < imageBound, "the relay's image: %.1f MiB", float64(size)/(1<<20))
	c.report.That(i.Config.User == "65532:65532", "the relay's user: %s", i.Config.User)
	return nil
}

// allHealthy waits until the services that have a health check pass it, and the collector runs.
func (c *course) allHealthy(ctx context.Context) error {
	var states []string
	ok, err := until(ctx, 3*time.Minute, func() (bool, error) {
		text, err := c.docker(ctx, "ps", "-a", "--format", "{{.Service}} {{.State}} {{.Health}}")
		states = strings.Split(strings.TrimSpace(text), "\n")
		for i := range states {
			states[i] = strings.TrimSpace(states[i])
		}
		for _, service := range []string{"one-api running healthy", "prometheus running healthy", "grafana running healthy", "uptime-kuma running healthy", "otel-collector running"} {
			if !slices.Contains(states, service) {
				return false, err
			}
		}
		return true, err
	})
	slices.Sort(states)
	c.report.That(ok, "all that has a health check passes it: %s", strings.Join(states, ", "))
	return err
}

// unbroken looks whether a container ended by itself during the run: Docker starts it again, and nobody might notice.
func (c *course) unbroken(ctx context.Context) error {
	var broken []string
	for _, service := range services {
		id, err := c.container(ctx, service)
		if err != nil {
			return err
		}
		i, err := inspect(ctx, id)
		if err != nil {
			return err
		}
		if i.RestartCount > 0 || i.State.OOMKilled {
			broken = append(broken, service)
		}
	}
	c.report.That(len(broken) == 0, "no container ended by itself; those that did: %q", broken)
	return nil
}
