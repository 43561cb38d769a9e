package made

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhatWasMadeIsRememberedForAWhile(t *testing.T) {
	now := time.Unix(0, 0)
	k := Keeper{clock: func() time.Time { return now }}
	ann := Origin{Token: "ann", Channel: "a", Model: "m"}
	k.Note(ann, "resp_1", "", "msg_1")
	for _, id := range []string{"resp_1", "msg_1"} {
		by, known := k.Of(id)
		require.True(t, known)
		require.Equal(t, ann, by)
	}
	for _, id := range []string{"resp_2", "", "resp_"} {
		_, known := k.Of(id)
		require.False(t, known, id)
	}
	now = now.Add(longest)
	_, known := k.Of("resp_1")
	require.True(t, known)
	now = now.Add(longest)
	_, known = k.Of("resp_1")
	require.False(t, known)

	k.Note(ann, "resp_1")
	k.Forget("resp_1")
	_, known = k.Of("resp_1")
	require.False(t, known)

	k.Note(ann, "resp_1")
	now = now.Add(3 * longest)
	_, known = k.Of("resp_1")
	require.False(t, known, "nothing was asked for in the meantime")
}

func TestNoMoreIsRememberedThanThereIsRoomFor(t *testing.T) {
	var k Keeper
	for i := range 3 * most {
		k.Note(Origin{}, strconv.Itoa(i))
	}
	require.LessOrEqual(t, len(k.young)+len(k.old), 2*most)
	_, known := k.Of(strconv.Itoa(3*most - 1))
	require.True(t, known)
	_, known = k.Of("0")
	require.False(t, known)
}
