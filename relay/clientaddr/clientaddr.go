// Package clientaddr is whose a request or a connection is, as far as addresses tell: who stands at its other end, for whom a trusted
// proxy says that it speaks, and who is a stranger.
package clientaddr

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Peer is the address at the other end of a connection (http.Request.RemoteAddr, or net.Conn's as a text); the zero Addr if it has none
// that can be read.
func Peer(remote string) netip.Addr {
	address, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return address.Addr().Unmap().WithZone("")
}

// Of is the client's address as far as it can be known: that of the connection or, if a trusted proxy is at its other
// end, the rightmost one in X-Forwarded-For that no trusted proxy wrote about another. What stands left of it anybody may have
// written. It is for limits and logs, and never opens a door.
func Of(r *http.Request, trusted []netip.Prefix) netip.Addr {
	address := Peer(r.RemoteAddr)
	lines := r.Header["X-Forwarded-For"]
	for i := len(lines) - 1; i >= 0; i-- {
		for rest := lines[i]; rest != ""; {
			if !In(address, trusted) {
				return address
			}
			comma := strings.LastIndexByte(rest, ',')
			next, ok := forwardedAddress(rest[comma+1:])
			if !ok {
				return address // a proxy that is trusted, and that says what cannot be read
			}
			address, rest = next, rest[:max(comma, 0)]
		}
	}
	return address
}

// forwardedAddress reads an element of X-Forwarded-For, which some proxies write with a port.
func forwardedAddress(element string) (netip.Addr, bool) {
	element = strings.TrimSpace(element)
	address, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(element, "["), "]"))
	if err != nil {
		withPort, err := netip.ParseAddrPort(element)
		if err != nil {
			return netip.Addr{}, false
		}
		address = withPort.Addr()
	}
	return address.Unmap().WithZone(""), true
}

// In reports whether an address is of one of the networks.
func In(address netip.Addr, networks []netip.Prefix) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(address) })
}

// sharedNetwork is what carriers and overlay networks number their insides with (RFC 6598).
var sharedNetwork = netip.MustParsePrefix("100.64.0.0/10")

// IsPublic reports whether an address is a stranger's: not this machine's, not of a private network, and known at all.
func IsPublic(address netip.Addr) bool {
	return address.IsValid() && !address.IsUnspecified() && !address.IsLoopback() && !address.IsPrivate() &&
		!address.IsLinkLocalUnicast() && !sharedNetwork.Contains(address)
}

// Household is what one stranger has of addresses: a single one of IPv4, the whole /64 of IPv6.
func Household(address netip.Addr) netip.Addr {
	if !address.Is6() {
		return address
	}
	network, err := address.Prefix(64)
	if err != nil { // 64 bits fit into every address of IPv6
		return address
	}
	return network.Addr()
}
