package check

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAReportFindsWhatIsMissingWrongAndTooMany(t *testing.T) {
	for name, c := range map[string]struct {
		want, got Table
		says      string
	}{
		"the same":               {Table{"a|b": 1}, Table{"a|b": 1}, ""},
		"not to be foreseen":     {Table{"a": math.NaN()}, Table{"a": 7}, ""},
		"missing":                {Table{"a": 1}, Table{}, "a: want 1, there is none"},
		"another value":          {Table{"a": 1}, Table{"a": 2}, "a: want 1, got 2"},
		"one that should not be": {Table{}, Table{"a": 2}, "a: want none, got 2"},
	} {
		t.Run(name, func(t *testing.T) {
			var said strings.Builder
			r := Report{Out: &said}
			r.Equal("attempts", c.want, c.got)
			require.Equal(t, 1, r.Checks)
			require.Equal(t, c.says != "", r.Failed == 1)
			require.Contains(t, said.String(), c.says)
		})
	}
}
