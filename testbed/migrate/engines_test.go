package migrate

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestChannelsAreImportedAlikeFromEveryKindOfDatabase: a program's dumps hold the same channels, in the types that each kind of database
// has for them.
func TestChannelsAreImportedAlikeFromEveryKindOfDatabase(t *testing.T) {
	t.Parallel()
	first := map[string]source{}
	channels := map[string]string{}
	for _, s := range dumps(t) {
		t.Run(s.program+" on "+s.engine, func(t *testing.T) {
			s = s.load(t, upstreamThen)
			to := target{t.TempDir()}
			to.apply(t, s.from)
			_, text, found := strings.Cut(bytesOf(t, to.config())[0], "\nchannels:\n")
			require.True(t, found)
			text, _, found = strings.Cut(text, "\ntokens:\n")
			require.True(t, found)
			if before, known := channels[s.program]; known {
				require.Equal(t, before, text, "on %s it is otherwise", first[s.program].engine)
			}
			first[s.program], channels[s.program] = s, text
		})
	}
}
