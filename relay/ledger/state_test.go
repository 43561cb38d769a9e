package ledger

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestItIsKnownHowLongAgoTheLastRowWasLost(t *testing.T) {
	var l losses
	require.Zero(t, l.ago(3, 5*time.Second), "nobody has looked yet")
	l.look(3, 10*time.Second)
	l.look(3, 20*time.Second)
	require.Equal(t, 50*time.Second, l.ago(3, time.Minute))
	require.Zero(t, l.ago(4, time.Minute), "another one since")
	l.look(4, 2*time.Minute)
	require.Equal(t, time.Hour, l.ago(4, time.Hour+2*time.Minute))
}
