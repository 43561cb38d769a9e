package clientaddr

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheClientsAddressIsTheRightmostOneThatNoTrustedProxyHas(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}
	for _, test := range []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{"nobody is between", "203.0.113.9:1", nil, "203.0.113.9"},
		{"a stranger's word is none", "203.0.113.9:1", []string{"198.51.100.1"}, "203.0.113.9"},
		{"a trusted proxy's is", "10.0.0.1:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"what stands left of a stranger anybody may have written", "10.0.0.1:1", []string{"127.0.0.1, 198.51.100.1"}, "198.51.100.1"},
		{"two trusted proxies", "10.0.0.1:1", []string{"192.0.2.1, 198.51.100.1, 10.9.9.9"}, "198.51.100.1"},
		{"two lines are one list", "10.0.0.1:1", []string{"192.0.2.1", "198.51.100.1,10.9.9.9"}, "198.51.100.1"},
		{"trusted all the way", "10.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"with a port", "10.0.0.1:1", []string{"198.51.100.1:5555"}, "198.51.100.1"},
		{"IPv6 in brackets", "[2001:db8:1::1]:1", []string{"[2001:db8:2::7]"}, "2001:db8:2::7"},
		{"IPv6 with a port", "10.0.0.1:1", []string{"[2001:db8:2::7]:443"}, "2001:db8:2::7"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:1", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"what cannot be read", "10.0.0.1:1", []string{"198.51.100.1, unknown"}, "10.0.0.1"},
		{"nothing", "10.0.0.1:1", []string{"", " , "}, "10.0.0.1"},
		{"no address", "@", []string{"198.51.100.1"}, "invalid IP"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: test.remote, Header: http.Header{"X-Forwarded-For": test.forwarded}}
			require.Equal(t, test.want, Of(r, trusted).String())
		})
	}
}

func TestOnlyStrangersArePublic(t *testing.T) {
	for _, address := range []string{"127.0.0.1", "::1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.100.1.1", "169.254.1.1", "fd00::1", "fe80::1", "0.0.0.0"} {
		require.False(t, IsPublic(netip.MustParseAddr(address)), address)
	}
	require.False(t, IsPublic(netip.Addr{}))
	for _, address := range []string{"203.0.113.9", "8.8.8.8", "2001:db8::1"} {
		require.True(t, IsPublic(netip.MustParseAddr(address)), address)
	}
}
