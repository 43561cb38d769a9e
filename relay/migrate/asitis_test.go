package migrate

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/config"
)

// awkward is what people call models, groups and themselves, or could, that means something else in YAML or in the configuration.
var awkward = []string{
	"${CHANNEL_1_KEY}", "${CHANNEL_X}", "${CHANNEL_", "${HOME}", "$${HOME}", "$$${X}", "${", "$", "a$", "$$", "${X:-y}", "$X",
	"a#b", "a #b", "# a", "a: b", "a:", ": a", ":", "*", "*a", "&a", "!a", "!!str a", "@a", "`a", "%a", "|", ">", "- a", "-", "? a", "[a]", "{a}",
	"{a: b}", "'a'", "it's", `"a"`, `a\b`, `\u0041`, "yes", "No", "on", "true", "null", "~", "1", "1.0", "1e3", "0x1F", "017", ".inf", ".nan", "1_000",
	"2026-12-01", "12:30:45", "<<", "=", "..", "---", "...", "模型/一", "😀", "a\xffb", strings.Repeat("m", 1022), strings.Repeat("m", 1025),
	strings.Repeat("m", 10<<10), strings.Repeat("模", 4000), strings.Repeat("long ", 300) + "name",
	"a\tb", "a\u0085b", "a\u2028b", "a\u00a0b", "\ufeffa", "a\x01b", "a\x7fb", "\u200ba", "a\nb", "\U0001ffff",
}

// TestNothingOfADatabaseMeansSomethingElseInTheFile: wherever a text of the database stands in the file, the relay reads it as it was.
func TestNothingOfADatabaseMeansSomethingElseInTheFile(t *testing.T) {
	for _, text := range awkward {
		requireAsItIs(t, text)
	}
}

// FuzzNothingOfADatabaseMeansSomethingElse does the same with any text.
func FuzzNothingOfADatabaseMeansSomethingElse(f *testing.F) {
	for _, text := range awkward {
		f.Add(text)
	}
	f.Fuzz(requireAsItIs)
}

func requireAsItIs(t *testing.T, text string) {
	t.Helper()
	object := func(of any) string {
		written, err := json.Marshal(of)
		require.NoError(t, err)
		return string(written)
	}
	user, token := usualUser(), usualToken()
	user["username"], user["group"], token["name"], token["models"] = text, text, text, "gpt-4o,"+text
	old := oldWith(OneAPI, row{
		"id": int64(1), "type": int64(1), "status": int64(1), "name": text, "key": "sk-one", "models": "other," + text, "group": text,
		"model_mapping": object(map[string]string{strings.TrimSpace(text): "upstream", "other": text}), "header_override": object(map[string]string{"X-Text": text}),
	}, user, token)
	old.Options["ModelRatio"] = object(map[string]float64{strings.TrimSpace(text): 1.5, "other": 2})
	p, err := Make(old, Options{Out: "c.yaml", Providers: providers(), Now: now, Prices: AllPrices})
	require.NoError(t, err, "%.60q", text)
	require.True(t, p.Usable())
	loaded, err := p.load()
	require.NoError(t, err, "%.60q", text)
	requireTheSame(t, p, loaded)
	require.Len(t, loaded.Owners, len(p.Owners))
	for _, o := range p.Owners {
		require.Equal(t, o.Purse.most, loaded.Owners[o.Name].Budget.Nano, "%.60q", text)
	}
	require.Len(t, loaded.Tokens, max(1, len(p.Tokens)), "one is made if there is none")
	for i, of := range p.Tokens {
		is := &loaded.Tokens[i]
		want := []any{of.Name, of.Owner, of.Groups, of.Models}
		require.Equal(t, want, []any{is.Name, is.Owner, is.Groups, is.Models}, "%.60q", text)
		settings, err := of.settings()
		require.NoError(t, err)
		stored, err := config.ParseToken([]byte(`{"name":"` + of.Name + `",` + strings.TrimPrefix(settings, "{")))
		require.NoError(t, err, "%.60q as a key of the relay's database", text)
		require.Equal(t, want, []any{stored.Name, stored.Owner, stored.Groups, stored.Models}, "%.60q", text)
	}
	require.Len(t, loaded.Prices, len(p.Prices))
	for i := range p.Prices {
		require.Equal(t, p.Prices[i].Model, loaded.Prices[i].Model, "%.60q", text)
	}
	for _, item := range items(row{"": text}.text("")) {
		if !slices.ContainsFunc(p.Channels, func(c *Channel) bool { return c.ID == 1 && c.Fate != Unsupported }) || len(p.Tokens) == 0 {
			require.Contains(t, p.Channels[0].Why, "must not contain", "%.60q is what a model may be called", text)
			return
		}
		require.Contains(t, loaded.Channels[0].Models, item)
	}
}

// TestAPriceThatCannotBeTakenOverCostsNothingElse: it is left out, and the report says so.
func TestAPriceThatCannotBeTakenOverCostsNothingElse(t *testing.T) {
	for _, choice := range []PriceChoice{AllPrices, MissingPrices} {
		old := oldWith(OneAPI, row{
			"id": int64(1), "type": int64(1), "status": int64(1), "name": "c", "key": "sk-one", "models": "my-good,my-dear,my-odd\u200bname", "group": "default",
		}, usualUser(), usualToken())
		old.Channels[1]["models"] = "my-good,my-dear"
		const huge = "99999999999999999999999"
		old.Options["ModelRatio"] = `{"my-good":1.5,"my-dear":` + huge + `,"my-odd\u200bname":1}`
		old.Options["GroupRatio"] = `{"default":` + huge + `}`
		p, err := Make(old, Options{Out: "c.yaml", Providers: providers(), Now: now, Prices: choice})
		require.NoError(t, err)
		loaded, err := p.load()
		require.NoError(t, err)
		require.Len(t, loaded.Prices, 1)
		require.Equal(t, "my-good", loaded.Prices[0].Model)
		require.Empty(t, loaded.Groups)
		said := report(p)
		require.Contains(t, said, "the old price of my-dear is left out")
		require.Equal(t, choice == AllPrices, strings.Contains(said, "the old ratio of the group default is left out"))
		require.Equal(t, []string{"my-dear"}, p.Unpriced)
	}
}
