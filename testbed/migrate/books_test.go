package migrate

import (
	"database/sql"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// nanoInQuota is how many nano-dollars are one of the old programs' units: 500,000 of these are a dollar, as the dumps have it.
const nanoInQuota = 2000

// imported is what an import's file says of money.
type imported struct {
	Tokens []struct {
		Name      string
		KeySHA256 string `yaml:"key_sha256"`
		Owner     string
		Disabled  bool
		Budget    budget
	}
	Owners map[string]struct{ Budget budget }
}

// budget is an amount as it is written.
type budget struct {
	USD string
	Per string
}

// nano is the amount in nano-dollars, by digits.
func (b budget) nano(t *testing.T) int64 {
	t.Helper()
	if b.USD == "" {
		return 0
	}
	whole, part, _ := strings.Cut(b.USD, ".")
	require.LessOrEqual(t, len(part), 9, b.USD)
	var n int64
	for _, digit := range whole + part + strings.Repeat("0", 9-len(part)) {
		require.True(t, digit >= '0' && digit <= '9', b.USD)
		n = n*10 + int64(digit-'0')
	}
	return n
}

// books reads an import.
func (to target) books(t *testing.T) (is imported, spent map[string]int64) {
	t.Helper()
	text, err := os.ReadFile(to.config())
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &is))
	db, err := sql.Open("sqlite", to.ledger())
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	spent = map[string]int64{}
	rows, err := db.QueryContext(t.Context(), "SELECT scope, carried FROM relay_budgets WHERE period = 'total'")
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	for rows.Next() {
		var scope string
		var carried int64
		require.NoError(t, rows.Scan(&scope, &carried))
		spent[scope] = carried
	}
	require.NoError(t, rows.Err())
	return is, spent
}

// most is as much as a budget can be: a billion dollars, in nano-dollars.
const most = 1_000_000_000 * 1_000_000_000

// TestWhatIsLeftOfABudgetIsEqualToTheNanoDollar adds nothing up by itself: each key and each user has what it had.
func TestWhatIsLeftOfABudgetIsEqualToTheNanoDollar(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s source) {
		s = s.load(t, upstreamThen)
		to := target{t.TempDir()}
		to.apply(t, s.from)
		is, spent := to.books(t)
		byDigest := map[string]int{}
		for i := range is.Tokens {
			byDigest[is.Tokens[i].KeySHA256] = i
		}
		require.Len(t, byDigest, len(is.Tokens), "digests are of one key each")
		live := ""
		if s.program == "new-api" {
			live = " WHERE deleted_at IS NULL"
		}
		seen := 0
		users := map[int64]bool{}
		s.rows(t, `SELECT "key", user_id, remain_quota, unlimited_quota FROM tokens`+live, func(scan func(...any)) {
			var key string
			var user, left int64
			var unlimited bool
			scan(&key, &user, &left, &unlimited)
			key = strings.TrimRight(key, " ")
			at, ok := byDigest[digest(key)]
			require.True(t, ok, "the key %s is not there", key)
			of := is.Tokens[at]
			users[user] = true
			seen++
			if unlimited {
				require.Empty(t, of.Budget.USD, "%s has no limit", key)
				return
			}
			require.Equal(t, "total", of.Budget.Per, key)
			require.Equal(t, min(left*nanoInQuota, most), of.Budget.nano(t)-spent["token:"+of.Name], key)
		})
		require.Equal(t, len(is.Tokens), seen, "as many keys as before")
		s.rows(t, "SELECT id, username, quota FROM users"+live, func(scan func(...any)) {
			var id, quota int64
			var name string
			scan(&id, &name, &quota)
			owner, ok := is.Owners[name]
			require.Equal(t, users[id], ok, "the user %s is an owner if there is a key", name)
			if ok {
				require.Equal(t, min(quota*nanoInQuota, most), owner.Budget.nano(t)-spent["owner:"+name], name)
			}
		})
	})
}
