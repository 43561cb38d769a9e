package apikey

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/config"
)

func TestAKeyFindsItsTokenAndNoOther(t *testing.T) {
	store := NewStore([]config.Token{
		{Name: "phone", Digests: [][sha256.Size]byte{sha256.Sum256([]byte("sk-phone"))}, Groups: []string{"default"}},
		{Name: "desk", Digests: [][sha256.Size]byte{sha256.Sum256([]byte("sk-desk"))}, Models: []string{"gpt-*"}},
	})

	require.Equal(t, "phone", store.Find("sk-phone").Name)
	require.Equal(t, "desk", store.Find("sk-desk").Name)
	for _, wrong := range []string{"", "sk-", "sk-phone ", "SK-phone", "phon"} {
		require.Nil(t, store.Find(wrong), wrong)
	}
}

func TestAnEmptyListOfModelsAllowsEveryModelAndAListOnlyItsOwn(t *testing.T) {
	store := NewStore([]config.Token{
		{Name: "all", Digests: [][sha256.Size]byte{sha256.Sum256([]byte("a"))}},
		{Name: "some", Digests: [][sha256.Size]byte{sha256.Sum256([]byte("s"))}, Models: []string{"gpt-4o", "o3*"}},
	})

	require.True(t, store.Find("a").Allows("anything"))
	require.True(t, store.Find("s").Allows("gpt-4o"))
	require.True(t, store.Find("s").Allows("o3-mini"))
	require.False(t, store.Find("s").Allows("gpt-4o-mini"))
}

func TestAnEmptyStoreKnowsNobody(t *testing.T) {
	require.Nil(t, NewStore(nil).Find(""))
	require.Nil(t, NewStore(nil).Find("sk-x"))
}

func TestFindingATokenAllocatesNothing(t *testing.T) {
	store := NewStore([]config.Token{{Name: "desk", Digests: [][sha256.Size]byte{sha256.Sum256([]byte("sk-desk"))}, Models: []string{"gpt-*"}}})
	key, allowed := "sk-desk", false
	require.Zero(t, testing.AllocsPerRun(100, func() { allowed = store.Find(key).Allowance().Match("gpt-4o") }))
	require.True(t, allowed)
	require.Zero(t, testing.AllocsPerRun(100, func() { allowed = store.Find("sk-nobody") != nil }))
	require.False(t, allowed)
}

func TestAKeyIsKnownWithAndWithoutItsPrefixHoweverItWasGiven(t *testing.T) {
	long := strings.Repeat("k", 500)
	for _, configured := range []string{"sk-phone", "phone", "sk-" + long, long} {
		store := NewStore([]config.Token{{Name: "phone", Digests: [][sha256.Size]byte{sha256.Sum256([]byte(configured))}}}) // as key_sha256 gives it
		bare := strings.TrimPrefix(configured, "sk-")
		require.NotNil(t, store.Find(bare), configured)
		require.NotNil(t, store.Find("sk-"+bare), configured)
		require.Nil(t, store.Find("sk"+bare), configured)
		require.Nil(t, store.Find(bare+"x"), configured)
	}
}
