package operator

import (
	"net/netip"
	"strings"

	"one-api/relay/clientaddr"
	"one-api/relay/config"
)

// WhoMayLook says, for the start, whom the monitor endpoints answer. warning is what an operator should know of it; empty: nothing.
func WhoMayLook(s *config.Settings) (line, warning string) {
	allowed := make([]string, len(s.MonitorAllow))
	for i, network := range s.MonitorAllow {
		allowed[i] = network.String()
		if network.Bits() == 0 {
			warning = "MONITOR_ALLOW_CIDR holds " + network.String() + ": everyone may look at the monitor endpoints without a token"
		}
	}
	networks := strings.Join(allowed, ", ")
	switch {
	case s.MonitorToken != "" && networks == "":
		line = "whoever has MONITOR_TOKEN"
	case s.MonitorToken != "":
		line = "whoever has MONITOR_TOKEN, and " + networks + " without"
	case InContainer() && networks == "":
		return "this container only", "MONITOR_TOKEN is not set: nobody outside of this container may look at /api/monitor/channels. Set " +
			"MONITOR_TOKEN"
	case networks == "":
		return "this machine only", "MONITOR_TOKEN is not set: programs on this machine may look at /api/monitor/channels, and so may others " +
			"through " +
			"a proxy on it that adds no forwarding header. Set MONITOR_TOKEN if there is such a proxy"
	default:
		line = "this machine and " + networks
		if warning == "" && !private(s.MonitorAllow) {
			warning = "MONITOR_TOKEN is not set, and MONITOR_ALLOW_CIDR names public addresses: whoever has one of them may look without a token"
		}
	}
	return line, warning
}

func private(networks []netip.Prefix) bool {
	for _, network := range networks {
		if clientaddr.IsPublic(network.Addr()) {
			return false
		}
	}
	return true
}

// AdminLine says, for the start, who may switch channels.
func AdminLine(s *config.Settings) string {
	if s.AdminToken == "" {
		return "nobody (ADMIN_TOKEN is not set)"
	}
	return "whoever has ADMIN_TOKEN"
}
