package migrate

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestALoginThatMayNotReadAllThereIsIsToldSo: servers do not show tables to who may not read them, so that they seem not to be there.
func TestALoginThatMayNotReadAllThereIsIsToldSo(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s source) {
		if s.engine == "sqlite" {
			t.Skip("a file has no logins")
		}
		s = s.load(t, upstreamThen)
		to := target{t.TempDir()}
		for _, tables := range [][]string{{"abilities"}, {"abilities", "channels", "tokens"}} {
			code, said := to.imports(t, s.reader(t, tables...), "--apply", "--out", to.config())
			require.Equal(t, 1, code, said)
			require.Contains(t, said, "GRANT SELECT")
			to.empty(t)
		}
		code, said := to.imports(t, s.reader(t, "abilities", "channels", "tokens", "users"))
		require.Zero(t, code, said)
		require.Contains(t, said, "there is no table options, or the login may not read it: 500000 of quota are taken for a dollar")
	})
}
