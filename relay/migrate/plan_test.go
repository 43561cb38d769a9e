package migrate

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/apikey"
	"one-api/relay/config"
	"one-api/relay/ledger"
	"one-api/relay/provider"
	"one-api/relay/store"
)

// now is when imports of tests are made.
var now = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func providers() map[string]config.Provider {
	all := map[string]config.Provider{}
	for _, p := range provider.All() {
		all[p.Type] = p
	}
	return all
}

// evening is an old database with a bit of everything.
func evening(t testing.TB) string {
	channel := func(id, kind int, pairs ...string) string {
		return insert("channels", append([]string{
			"id", fmt.Sprint(id), "type", fmt.Sprint(kind), "status", "1", "name", text(fmt.Sprintf("频道 %d", id)), `group`, "'default,贵宾'", "models", "'gpt-4o,my-own'",
		}, pairs...)...)
	}
	token := func(id, user int, key, name string, pairs ...string) string {
		return insert("tokens", append([]string{
			"id", fmt.Sprint(id), "user_id", fmt.Sprint(user), "key", text(fmt.Sprintf("%-48s", key)), "name", text(name), "status", "1", "expired_time", "-1",
			"used_quota", "0",
		}, pairs...)...)
	}
	return made(t, oneAPITables,
		channel(1, 1, "key", text("sk-upstream-SECRET-1")),
		channel(2, 11, "key", text("sk-upstream-SECRET-2")),
		channel(3, 8, "key", text("sk-upstream-SECRET-3 with a blank"), "base_url", text("https://user:SECRET@h.example")),
		insert("users", "id", "1", "username", text("root"), "status", "1", "quota", "500000000000000", "group", text("default")),
		insert("users", "id", "2", "username", text("张三"), "status", "1", "quota", "1234567", "group", text("贵宾")),
		insert("users", "id", "3", "username", text("gone"), "status", "2", "quota", "10", "group", text("default")),
		insert("users", "id", "4", "username", text("poor"), "status", "1", "quota", "-2147483648", "group", text("default")),
		insert("users", "id", "5", "username", text("keyless"), "status", "1", "quota", "77", "group", text("default")),
		token(1, 1, "rootkey", "app", "unlimited_quota", "1", "remain_quota", "0"),
		token(2, 2, "second", "app", "remain_quota", "500001", "models", text("gpt-4o, gpt-4"), "subnet", text("10.0.0.0/8,bad")),
		token(3, 2, "spent", "spent", "remain_quota", "-3"),
		token(4, 2, "expired", "old", "remain_quota", "5", "expired_time", "1600000000"),
		token(5, 3, "usergone", "x y", "remain_quota", "5"),
		token(6, 4, "poorkey", "", "remain_quota", "5"),
		token(7, 99, "nobody", "n", "unlimited_quota", "1"),
		token(8, 2, "", "no key"),
		token(9, 2, "offkey", "off", "status", "2", "remain_quota", "5"),
		insert("options", "key", text("ModelRatio"), "value", text(`{"gpt-4o":1.25,"my-own":0.5,"never-served":3}`)),
		insert("options", "key", text("CompletionRatio"), "value", text(`{"my-own":3}`)),
		insert("options", "key", text("GroupRatio"), "value", text(`{"default":1,"贵宾":0.8}`)),
		insert("options", "key", text("SMTPToken"), "value", text("SECRET")),
	)
}

// plan makes an import of a database.
func plan(t testing.TB, from string, o Options) *Plan {
	t.Helper()
	o.Providers, o.Now = providers(), now
	p, err := Make(read(t, from), o)
	require.NoError(t, err)
	return p
}

func report(p *Plan) string {
	var b strings.Builder
	p.Report(&b)
	return b.String()
}

// loaded is a configuration as the relay reads it.
func loaded(t testing.TB, file string) *config.Config {
	t.Helper()
	source := config.Source{File: file, Env: func(string) (string, bool) { return "", false }, Providers: providers()}
	settings, err := config.LoadSettings(source)
	require.NoError(t, err)
	c, err := config.Load(source, settings)
	require.NoError(t, err)
	return c
}

func opened(t testing.TB) *store.Store {
	t.Helper()
	return openedAt(t, store.Target{Kind: store.SQLite, Path: filepath.Join(t.TempDir(), "ledger.db")})
}

func openedAt(t testing.TB, target store.Target) *store.Store {
	t.Helper()
	kept, err := store.Open(context.Background(), target)
	require.NoError(t, err)
	require.NoError(t, kept.State())
	t.Cleanup(kept.Close)
	return kept
}

func TestAnImportIsAFileThatTheRelayStartsWithAndOldKeysOpenWhatTheyDid(t *testing.T) {
	from := evening(t)
	out := filepath.Join(t.TempDir(), "channels.yaml")
	p := plan(t, from, Options{Out: out})
	kept := opened(t)
	_, err := p.Apply(context.Background(), kept, false)
	require.NoError(t, err)

	files := contents(t, filepath.Dir(out))
	require.Len(t, files, 2)
	for name := range files {
		info, err := os.Stat(filepath.Join(filepath.Dir(out), name))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	require.NotContains(t, files["channels.yaml"], "SECRET-1")
	require.NotContains(t, files["channels.yaml"], "rootkey")
	require.Contains(t, files["channels.yaml.env"], "CHANNEL_1_KEY='sk-upstream-SECRET-1'")
	require.Contains(t, files["channels.yaml"], "# not supported: the API is gone")

	c := loaded(t, out)
	require.Len(t, c.Channels, 1)
	require.Equal(t, []string{"sk-upstream-SECRET-1"}, c.Channels[0].Keys)
	keys := apikey.NewStore(c.Tokens)
	for _, key := range []string{"second", "sk-second"} {
		found := keys.Find(key)
		require.NotNil(t, found, key)
		require.Equal(t, "app-2", found.Name)
		require.True(t, found.Allows("gpt-4o"))
		require.False(t, found.Allows("my-own"))
		require.Equal(t, "张三", found.Of.Owner)
		require.Equal(t, config.Budget{Nano: 500001 * 2000, Per: config.PerTotal}, found.Of.Budget)
		require.Equal(t, c.Channels[0].Groups[1:], found.Groups, "the group has another name here, the same in both places")
		require.Len(t, found.Of.AllowFrom, 1)
	}
	require.Equal(t, config.Budget{}, keys.Find("sk-rootkey").Of.Budget)
	require.True(t, keys.Find("sk-usergone").Of.Disabled)
	require.True(t, keys.Find("sk-nobody").Of.Disabled)
	require.True(t, keys.Find("sk-offkey").Of.Disabled)
	require.Equal(t, int64(1600000000), keys.Find("sk-expired").Of.Expires.Unix())
	require.Equal(t, config.UnpricedAllow, keys.Find("sk-rootkey").Of.Unpriced, "my-own has no price, and could be asked for")
	require.Equal(t, int64(1234567*2000), c.Owners["张三"].Budget.Nano)
	require.Equal(t, int64(1_000_000_000_000_000_000), c.Owners["root"].Budget.Nano)

	books := ledger.New(ledger.Options{Store: kept, SpillDir: t.TempDir()})
	defer books.Close(context.Background())
	spent, err := books.Spent(context.Background())
	require.NoError(t, err)
	require.ElementsMatch(t, []ledger.Spent{{Token: "spent", Charge: 6001}, {Owner: "poor", Charge: 2147483648*2000 + 1}}, spent)
}

func TestTheReportAddsUpAndShowsNoSecret(t *testing.T) {
	p := plan(t, evening(t), Options{Out: filepath.Join(t.TempDir(), "c.yaml")})
	said := report(p)
	require.Contains(t, said, "Channels: 3 (1 mapped, 0 mapped with loss, 2 not supported)")
	require.Contains(t, said, "Client keys: 8 (2 usable, 1 expired, 1 exhausted, 1 off, 2 of users who are off, 1 of users without quota)")
	require.Contains(t, said, "1 without a key are left out")
	require.Regexp(t, `6 keys with a limit +\$1\.000036 +\$1\.000036`, said)
	require.Regexp(t, `4 users, each of whom shares it among its keys +\$999,995,707\.501858 +\$999,995,707\.501858`, said)
	require.Regexp(t, `1 users without a key, who are left out +\$0\.000154 +-`, said)
	require.Contains(t, said, "overflowed, and are not to be trusted: the user poor")
	require.Contains(t, said, "1 models have no price here. 1 usable keys reach them")
	require.Contains(t, said, "my-own: $1 a million tokens of input, $3 of output there")
	for _, secret := range []string{"SECRET", "rootkey", "second"} {
		require.NotContains(t, said, secret)
	}
}

func TestBalancesAreTheSameToTheNanoDollarWhateverAQuotaIsWorth(t *testing.T) {
	for _, c := range []struct {
		unit       string
		quota      int64
		nano       int64
		exact, ok  bool
		inDecimals string
	}{
		{"", 1, 2000, true, true, "0.000002"},
		{"500000", -7, -14000, true, true, "-0.000014"},
		{"500000.0", 500_000_000_000_000, mostNano, true, true, "1000000000"},
		{"1000000", 3, 3000, true, true, "0.000003"},
		{"3", 1, 333_333_333, false, true, "0.333333333"},
		{"0", 1, 2000, true, false, "0.000002"},
		{"1/2", 1, 2000, true, false, "0.000002"},
		{"much", 1, 2000, true, false, "0.000002"},
		{"500000", 1 << 62, mostNano, false, true, "1000000000"},
	} {
		unit, ok := newRate(c.unit)
		require.Equal(t, c.ok, ok, c.unit)
		nano, exact := unit.nano(c.quota)
		require.Equal(t, c.nano, nano, c.unit)
		require.Equal(t, c.exact, exact, c.unit)
		require.Equal(t, c.inDecimals, decimal(nano))
		require.Equal(t, min(nano, mostNano), purseOf(nano).left())
	}
}

func TestPricesAreTakenOverOnRequestOnly(t *testing.T) {
	from, out := evening(t), filepath.Join(t.TempDir(), "c.yaml")
	require.NotContains(t, plan(t, from, Options{Out: out}).Files[0].Content, "\nprices:")
	p := plan(t, from, Options{Out: out, Prices: AllPrices})
	require.Empty(t, p.Unpriced)
	_, err := p.Apply(context.Background(), opened(t), false)
	require.NoError(t, err)
	c := loaded(t, out)
	require.Len(t, c.Prices, 2)
	amounts := map[string][2]int64{}
	for _, of := range c.Prices {
		amounts[of.Model] = [2]int64{*of.Input, *of.Output}
	}
	require.Equal(t, map[string][2]int64{"gpt-4o": {2_500_000, 10_000_000}, "my-own": {1_000_000, 3_000_000}}, amounts)
	require.Len(t, c.Groups, 1)
	for _, g := range c.Groups {
		require.Equal(t, int64(800_000), *g.Markup)
	}
	require.Equal(t, config.UnpricedUnsaid, apikey.NewStore(c.Tokens).Find("sk-rootkey").Of.Unpriced)
}

func TestEachModelThatTakesNothingFromBudgetsIsNamedWithWhatItHasCost(t *testing.T) {
	channel := insert("channels", "id", "1", "type", "1", "key", text("k"), "status", "1", "name", text("c"), "group", text("default"), "models",
		text("gpt-4o,by-call,by-token,by-target,nobodys,a-1,a-2,a-3,a-4,a-5,a-6"), "model_mapping", text(`{"by-target":"behind"}`))
	user := insert("users", "id", "1", "username", text("u"), "status", "1", "quota", "5", "group", text("default"))
	token := insert("tokens", "id", "1", "user_id", "1", "key", text("k"), "status", "1", "name", text("t"), "unlimited_quota", "1")
	ratios := []string{
		insert("options", "key", text("ModelRatio"), "value", text(`{"by-token":0.4,"behind":7,"gpt-4o":100}`)),
		insert("options", "key", text("CompletionRatio"), "value", text(`{"by-token":2.5,"behind":1}`)),
		insert("options", "key", text("ModelPrice"), "value", text(`{"by-call":0.04}`)),
	}
	from, out := made(t, oneAPITables, append(ratios, channel, user, token)...), filepath.Join(t.TempDir(), "c.yaml")
	p := plan(t, from, Options{Out: out})
	require.Equal(t, []string{"a-1", "a-2", "a-3", "a-4", "a-5", "a-6", "by-call", "by-target", "by-token", "nobodys"}, p.Unpriced)
	said := report(p)
	for _, line := range []string{
		"by-call: $0.04 a call there", "by-token: $0.8 a million tokens of input, $2 of output there", "by-target: $14 a million tokens of input, $14 of output there",
		"nobodys: no price there either", "a-6: no price there either", "--prices=missing",
	} {
		require.Contains(t, said, line)
	}
	for _, line := range []string{
		"\n# prices:\n", "\n#   - {model: by-call, request: 0.04}\n", "\n#   - {model: by-token, input: 0.8, output: 2}\n", "\n#   - {model: nobodys, input: ?, output: ?}\n",
	} {
		require.Contains(t, p.Files[0].Content, line)
	}

	p = plan(t, from, Options{Out: out, Prices: MissingPrices})
	require.Equal(t, []string{"a-1", "a-2", "a-3", "a-4", "a-5", "a-6", "nobodys"}, p.Unpriced)
	require.Contains(t, report(p), "prices taken over: 3, for models that have no price here")
	_, err := p.Apply(context.Background(), opened(t), false)
	require.NoError(t, err)
	of := map[string]bool{}
	for _, price := range loaded(t, out).Prices {
		of[price.Model] = true
	}
	require.Equal(t, map[string]bool{"by-call": true, "by-target": true, "by-token": true}, of, "gpt-4o keeps the price that it has here")

	p = plan(t, made(t, oneAPITables, channel, user, token), Options{Out: out})
	require.Contains(t, report(p), "nobodys: the price that the old program has built in there")
}

func TestImportingAgainChangesNothingTwiceAndNothingIsReplacedUnasked(t *testing.T) {
	from, dir, kept := evening(t), t.TempDir(), opened(t)
	out := filepath.Join(dir, "channels.yaml")
	apply := func(force bool) (Applied, error) {
		return plan(t, from, Options{Out: out, Known: KnownInFile(out)}).Apply(context.Background(), kept, force)
	}
	done, err := apply(false)
	require.NoError(t, err)
	require.Equal(t, Applied{Written: []string{out, out + ".env"}, Budgets: 2}, done)
	before := contents(t, dir)
	done, err = apply(false)
	require.NoError(t, err)
	require.Equal(t, Applied{Same: []string{out, out + ".env"}}, done)
	require.Equal(t, before, contents(t, dir))

	mine := before["channels.yaml"] + "# mine\n"
	require.NoError(t, os.WriteFile(out, []byte(mine), 0o600))
	_, err = apply(false)
	require.ErrorContains(t, err, "--force")
	require.ErrorContains(t, err, "nothing was written")
	require.Equal(t, mine, contents(t, dir)["channels.yaml"])
	require.Len(t, contents(t, dir), 2, "nothing is left beside them")
	_, err = apply(true)
	require.NoError(t, err)
	require.Equal(t, before, contents(t, dir))
}

func TestWithoutAFileForThemKeysGoIntoTheRelaysDatabase(t *testing.T) {
	from, dir, kept := evening(t), t.TempDir(), opened(t)
	out := filepath.Join(dir, "channels.yaml")
	apply := func(force bool) Applied {
		known, err := KnownInStore(context.Background(), kept)
		require.NoError(t, err)
		done, err := plan(t, from, Options{Out: out, KeysInStore: true, Known: known}).Apply(context.Background(), kept, force)
		require.NoError(t, err)
		return done
	}
	done := apply(false)
	require.Equal(t, 8, done.Keys)
	require.Equal(t, 2, done.Budgets)
	require.NotContains(t, contents(t, dir)["channels.yaml"], "tokens:")
	require.NoError(t, kept.Write(context.Background(), func(tx *sql.Tx) error {
		_, err := tx.Exec(`UPDATE relay_tokens SET settings = '{"groups":["default"]}' WHERE name = 'app'`)
		return err
	}))
	done = apply(false)
	require.Equal(t, []int{0, 0, 8, 0}, []int{done.Keys, done.Changed, done.Kept, done.Budgets}, "what was changed since stays")
	done = apply(true)
	require.Equal(t, []int{0, 1, 7}, []int{done.Keys, done.Changed, done.Kept})
}

func TestAKeyKeepsTheNameOfAnEarlierImport(t *testing.T) {
	from := evening(t)
	first := plan(t, from, Options{Out: filepath.Join(t.TempDir(), "c.yaml")})
	known := map[string]string{}
	for _, token := range first.Tokens {
		known[token.Digest] = token.Name + "-renamed"
	}
	for _, token := range plan(t, from, Options{Out: "c.yaml", Known: known}).Tokens {
		require.Equal(t, known[token.Digest], token.Name)
	}
}

func TestAnImportIntoADatabaseThatCannotBeWrittenWritesNoFile(t *testing.T) {
	dir := t.TempDir()
	p := plan(t, evening(t), Options{Out: filepath.Join(dir, "channels.yaml")})
	kept := opened(t)
	require.NoError(t, kept.Write(context.Background(), func(tx *sql.Tx) error {
		_, err := tx.Exec("ALTER TABLE relay_budgets RENAME TO relay_elsewhere")
		return err
	}))
	_, err := p.Apply(context.Background(), kept, false)
	require.ErrorContains(t, err, "nothing was written")
	require.Empty(t, contents(t, dir))
}

func TestSoftDeletedKeysAndLimitsOfNewAPI(t *testing.T) {
	token := func(id int, key string, pairs ...string) string {
		return insert("tokens", append([]string{"id", fmt.Sprint(id), "user_id", "1", "key", text(key), "name", text("t"), "status", "1", "expired_time", "-1", "unlimited_quota", "1"}, pairs...)...)
	}
	from := made(t, newAPITables,
		insert("channels", "id", "1", "type", "1", "key", text("k"), "status", "1", "name", text("c"), "models", text("gpt-4o"), "group", text("default,vip")),
		insert("users", "id", "1", "username", text("u"), "status", "1", "quota", "5", "group", text("default")),
		token(1, "alive", "group", text("vip"), "model_limits_enabled", "1", "model_limits", text("gpt-4o,x"), "allow_ips", text("1.2.3.4\n10.0.0.0/8")),
		token(2, "deleted", "deleted_at", text("2026-01-01 00:00:00")),
		token(3, "auto", "group", text("auto"), "model_limits_enabled", "0", "model_limits", text("ignored")),
		token(4, "none", "model_limits_enabled", "1", "model_limits", text("")),
		token(5, "given up", "group", text("svip")),
		token(6, "own", "group", text("default")),
		insert("options", "key", text("AutoGroups"), "value", text(`["vip","default"]`)),
		insert("options", "key", text("UserUsableGroups"), "value", text(`{"vip":"VIP"}`)),
	)
	p := plan(t, from, Options{Out: "c.yaml"})
	require.Equal(t, NewAPI, p.Dialect)
	require.Equal(t, 1, p.Deleted)
	require.Len(t, p.Tokens, 5)
	assert.True(t, p.Tokens[3].Disabled, "its user may not choose that group")
	assert.False(t, p.Tokens[4].Disabled)
	assert.Equal(t, []string{"vip"}, p.Tokens[0].Groups)
	assert.Equal(t, []string{"gpt-4o", "x"}, p.Tokens[0].Models)
	assert.Equal(t, []string{"1.2.3.4", "10.0.0.0/8"}, p.Tokens[0].Networks)
	assert.Equal(t, []string{"vip", "default"}, p.Tokens[1].Groups)
	assert.Empty(t, p.Tokens[1].Models)
	assert.True(t, p.Tokens[2].Disabled, "a limit to no model is none to all")
}

func TestModelsThatEzlinkaiHadSwitchedOffStayOff(t *testing.T) {
	from := made(t, ezlinkaiTables,
		insert("channels", "id", "1", "type", "1", "key", text("k"), "status", "1", "name", text("c"), "models", text("gpt-4o,gpt-4"), "group", text("Lv1")),
		insert("abilities", "channel_id", "1", "model", text("gpt-4"), "group", text("Lv1"), "enabled", "1", "auto_disabled", "1"),
		insert("abilities", "channel_id", "1", "model", text("gpt-4o"), "group", text("Lv1"), "enabled", "1", "auto_disabled", "0"),
	)
	p := plan(t, from, Options{Out: "c.yaml"})
	require.Equal(t, Ezlinkai, p.Dialect)
	require.Equal(t, []string{"gpt-4o"}, p.Channels[0].Entries[0].models)
}

func TestADatabaseOfWhichNothingCanBeTakenIsNoConfiguration(t *testing.T) {
	_, err := Make(read(t, made(t, oneAPITables)), Options{Out: "c.yaml", Providers: providers(), Now: now})
	require.ErrorContains(t, err, "no channel")
	p := plan(t, made(t, oneAPITables, insert("channels", "id", "1", "type", "11", "key", text("k"), "status", "1", "name", text("c"))), Options{Out: "c.yaml"})
	require.False(t, p.Usable())
}

func TestMoreKeysThanAFileMayHoldAreSaidToFitIntoTheDatabase(t *testing.T) {
	old := &Old{Dialect: OneAPI, Users: map[int64]row{1: {"id": int64(1), "username": "u", "status": int64(1), "quota": int64(1)}}, Channels: []row{channelRow(1)}}
	var networks string
	for i := range 110 {
		networks += fmt.Sprintf("10.0.%d.0/24,", i)
	}
	for i := range int64(3_000) {
		old.Tokens = append(old.Tokens, row{"id": i + 1, "user_id": int64(1), "key": fmt.Sprint("key", i), "name": "n", "subnet": networks, "status": int64(1), "unlimited_quota": int64(1)})
	}
	o := Options{Out: "c.yaml", Providers: providers(), Now: now}
	_, err := Make(old, o)
	require.ErrorContains(t, err, "Leave --out away")
	o.KeysInStore = true
	p, err := Make(old, o)
	require.NoError(t, err)
	require.Len(t, p.Tokens, 3_000)
}

func TestAUserOfNoGroupReachesNoChannelAsBefore(t *testing.T) {
	from := made(t, oneAPITables,
		insert("channels", "id", "1", "type", "1", "key", text("k"), "status", "1", "name", text("c"), "models", text("gpt-4o"), "group", text("default")),
		insert("users", "id", "1", "username", text("u"), "status", "1", "quota", "5"),
		insert("tokens", "id", "1", "user_id", "1", "key", text("k"), "status", "1", "name", text("t"), "unlimited_quota", "1"),
	)
	p := plan(t, from, Options{Out: "c.yaml"})
	require.NotContains(t, p.Channels[0].Entries[0].groups, p.Tokens[0].Groups[0])
}

func TestUsersWhoseNamesComeToOneHaveABudgetEach(t *testing.T) {
	channel := insert("channels", "id", "1", "type", "1", "key", text("sk-upstream-SECRET-1"), "status", "1", "name", text("main"), "models", text("gpt-4o"), "group", text("default"))
	rows := []string{channel}
	for id, name := range map[string]string{"1": "bob", "2": "bob ", "3": "bob\x01", "4": "user-5"} {
		rows = append(rows, insert("users", "id", id, "username", text(name), "status", "1", "quota", id+"00000", "group", text("default")),
			insert("tokens", "id", id, "user_id", id, "key", text("key-of-"+id), "status", "1", "name", text("k"+id), "unlimited_quota", "1"))
	}
	p := plan(t, made(t, oneAPITables, rows...), Options{Out: "c.yaml"})
	owners := map[string]string{}
	for _, o := range p.Owners {
		owners[fmt.Sprint(o.ID)] = o.Name
	}
	require.Equal(t, map[string]string{"1": "bob", "2": "bob-2", "3": "bob-3", "4": "user-5"}, owners)
	for _, token := range p.Tokens {
		require.Equal(t, owners[fmt.Sprint(token.ID)], token.Owner)
	}
}

func TestABalanceFarBelowNothingLeavesRoomForWhatIsAdded(t *testing.T) {
	is := purseOf(math.MinInt64)
	require.Equal(t, leastNano, is.most)
	require.Equal(t, mostNano+leastNano, is.spent)
	require.Negative(t, is.left())
}
