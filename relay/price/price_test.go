package price

import (
	"math"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/config"
	"one-api/relay/wire"
)

var november = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func channelAt(kind, address string) *config.Channel {
	c := &config.Channel{Name: "a", Type: kind, Groups: []string{"default"}}
	if address != "" {
		c.BaseURL, _ = url.Parse(address)
	}
	return c
}

func TestEveryShippedPriceCanBeRead(t *testing.T) {
	table := shippedTable()
	assert.Equal(t, "0.1.8", table.Version)
	models, prices := 0, 0
	for _, p := range table.Providers {
		for _, m := range p.load() {
			models++
			for i := range m.at {
				for u := range units {
					if rate := m.at[i].rates.Of(u); rate != nil {
						prices++
						before := int64(-1)
						for _, tier := range rate.Tiers {
							assert.Greater(t, tier.Over, before, m.name)
							before = tier.Over
						}
					}
				}
			}
		}
		for _, id := range p.Also {
			assert.NotNil(t, table.byID[id], id)
		}
	}
	assert.Equal(t, 43, len(table.Providers))
	assert.Equal(t, 1694, models)
	assert.Greater(t, prices, 3500)
	for _, id := range whose {
		assert.NotNil(t, table.byID[id], id)
	}
}

func TestAPriceIsThatOfWhoIsPaid(t *testing.T) {
	b := NewBook(&config.Config{})
	for _, c := range []struct{ kind, address, answered, asked, want string }{
		{"openai", "https://api.openai.com/v1", "gpt-4o-mini-2024-07-18", "gpt-4o-mini", "openai/gpt-4o-mini"},
		{"openai", "https://api.openai.com/v1", "", "GPT-4o", "openai/gpt-4o"},
		{"openai", "https://api.openai.com/v1", "a-name-nobody-knows", "gpt-4o", "openai/gpt-4o"},
		{"anthropic", "https://api.anthropic.com/v1", "claude-sonnet-4-6-20260217", "x", "anthropic/claude-sonnet-4-6"},
		{"xai", "https://api.x.ai/v1", "", "grok-4.3", "x-ai/grok-4.3"},
		{"gemini", "https://generativelanguage.googleapis.com/v1beta", "", "gemini-2.5-flash", "google/gemini-2.5-flash"},
		{"openrouter", "https://openrouter.ai/api/v1", "openai/gpt-4o-mini", "x", "openrouter/openai/gpt-4o-mini"},
		{"azure", "https://x.openai.azure.com/openai/v1", "gpt-4o", "my-deployment", "openai/gpt-4o"},
		{"openai", "http://127.0.0.1:9", "", "gpt-4o", "openai/gpt-4o"},
		{"openai", "https://reseller.example/v1", "", "claude-sonnet-4-6", "anthropic/claude-sonnet-4-6"},
		{"openai", "https://reseller.example/v1", "", "openai/gpt-4o", "openai/gpt-4o"},
		{"openai", "https://api.deepseek.com/v1", "", "deepseek-chat", "deepseek/deepseek-chat"},
		{"anthropic", "http://127.0.0.1:9", "", "claude-3-5-haiku-20241022", "anthropic/claude-3-5-haiku-latest"},
		{"vertex", "", "", "claude-3-5-sonnet@20240620", "google/claude-3-5-sonnet"},
		{"ollama", "http://127.0.0.1:11434", "", "gpt-4o", ""}, // its models cost nothing that we know
		{"vllm", "http://127.0.0.1:8000", "", "deepseek-chat", ""},
		{"openai", "http://127.0.0.1:9", "", "my-model", ""},
		// Of whom the table knows nothing, or not this model, the maker's price holds: nothing would be taken from a budget otherwise.
		{"siliconflow", "https://api.siliconflow.cn/v1", "deepseek-ai/deepseek-v3.2", "x", "deepseek/deepseek-v3.2"},
		{"dashscope", "https://dashscope.aliyuncs.com/compatible-mode/v1", "", "kimi-k2-thinking", "moonshotai/kimi-k2-thinking"},
		{"openai", "https://ark.cn-beijing.volces.com/api/v3", "deepseek-v3.2", "ep-2025-abc", "deepseek/deepseek-v3.2"},
		{"deepseek", "http://127.0.0.1:9", "", "gpt-4o", "openai/gpt-4o"},
		{"openai", "https://api.cohere.ai/compatibility/v1", "", "gpt-4o", "openai/gpt-4o"},
		{"openai", "https://api.openai.com/v1", "", "gpt-of-tomorrow", ""},                                  // nor does its maker have one
		{"siliconflow", "https://api.siliconflow.cn/v1", "", "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", ""}, // another model, of another size
		{"dashscope", "https://dashscope.aliyuncs.com/compatible-mode/v1", "", "qwen-plus", ""},             // made by whom the table lacks
	} {
		r, ok := b.Find(channelAt(c.kind, c.address), Models{Answered: c.answered, Asked: c.asked, Alias: "alias"}, november)
		assert.Equal(t, c.want, r.Name, "%s %s %s", c.kind, c.answered, c.asked)
		assert.Equal(t, c.want != "", ok)
	}
	r, ok := b.Find(&config.Channel{Demo: true, Type: "openai"}, Models{Asked: "demo"}, november)
	assert.True(t, ok)
	assert.Equal(t, Amounts{Known: true}, b.Cost(&r, &config.Channel{}, nil, &wire.Usage{Uncached: 5, Text: 7}))
}

func pico(n int64) *int64 { return &n }

func TestTheOperatorsPriceWinsByAnyNameOfTheModel(t *testing.T) {
	b := NewBook(&config.Config{Prices: []config.Price{
		{Model: "gpt-4o", Input: pico(1_000_000), Output: pico(2_000_000)},
		{Model: "my-*", Input: pico(5_000_000)},
		{Model: "gpt-*", Input: pico(9_000_000)},
	}})
	c := channelAt("openai", "https://api.openai.com/v1")
	for _, one := range []struct {
		m    Models
		want string
	}{
		{Models{"gpt-4o", "gpt-4o", "gpt-4o"}, "prices[0] gpt-4o"},
		{Models{"gpt-4o-2024-08-06", "gpt-4o", "x"}, "prices[2] gpt-*"},
		{Models{"", "x", "my-alias"}, "prices[1] my-*"},
		{Models{"o3", "o3", "x"}, "openai/o3"},
	} {
		r, _ := b.Find(c, one.m, november)
		assert.Equal(t, one.want, r.Name)
		assert.Equal(t, strings.HasPrefix(one.want, "prices["), r.Own())
	}
	r, _ := b.Find(c, Models{Asked: "my-model"}, november)
	assert.Equal(t, Amounts{Cost: 50_000, Charge: 50_000}, b.Cost(&r, c, nil, &wire.Usage{Uncached: 10, Text: 10}), "output has no price, and that is said")
	assert.Equal(t, Amounts{Cost: 50_000, Charge: 50_000, Known: true}, b.Cost(&r, c, nil, &wire.Usage{Uncached: 10}))
}

// The faults of others, by what they would have made of it. Figures are worked out by hand.
func TestPricesAreNotGotWrongTheUsualWays(t *testing.T) {
	at := func(s string) time.Time {
		when, err := time.Parse(time.RFC3339, s)
		require.NoError(t, err)
		return when
	}
	sonnet, gpt := "claude-sonnet-4-6", "gpt-4o-mini"
	for _, c := range []struct {
		fault, kind, model string
		when               time.Time
		u                  wire.Usage
		want               int64
	}{
		{"cached tokens counted twice", "openai", gpt, november, wire.Usage{Uncached: 100, CacheRead: 900, Text: 50}, 100*150 + 900*75 + 50*600},
		{"cached tokens free where their price is not known", "openai", "gpt-4o-2024-05-13", november, wire.Usage{Uncached: 100, CacheRead: 900}, 1000 * 5000},
		{"reasoning counted twice", "openai", gpt, november, wire.Usage{Uncached: 10, Text: 100, Reasoning: 80}, 10*150 + 100*600},
		{"cache writes for 5 minutes and for an hour at one price", "anthropic", sonnet, november, wire.Usage{Uncached: 10, CacheWrite5m: 1000, CacheWrite1h: 1000, CacheRead: 1000, Text: 1},
			10*3000 + 1000*3750 + 1000*6000 + 1000*300 + 15000},
		{"a price of before its day", "anthropic", sonnet, at("2026-03-12T23:59:59Z"), wire.Usage{Uncached: 200_001}, 200_001 * 6000},
		{"a long context by its uncached part", "anthropic", sonnet, at("2026-01-01T00:00:00Z"), wire.Usage{Uncached: 1, CacheRead: 200_000, Text: 10}, 1*6000 + 200_000*600 + 10*22_500},
		{"a long context as a staircase", "anthropic", sonnet, at("2026-01-01T00:00:00Z"), wire.Usage{Uncached: 200_000}, 200_000 * 3000},
		{"a long context after it was made as dear as any", "anthropic", sonnet, november, wire.Usage{Uncached: 200_001}, 200_001 * 3000},
		{"a price by day at night", "deepseek", "deepseek-chat", at("2026-11-30T12:00:00Z"), wire.Usage{Uncached: 1_000_000}, 270_000_000},
		{"a price by night at day", "deepseek", "deepseek-chat", at("2026-11-30T20:00:00Z"), wire.Usage{Uncached: 1_000_000}, 135_000_000},
		{"flex at the full price", "openai", "gpt-4o", november, wire.Usage{Uncached: 1000, Text: 1000, Tier: wire.TierFlex}, (1000*2500 + 1000*10000) / 2},
		{"priority at the usual price", "openai", "gpt-4o", november, wire.Usage{Uncached: 1000, Tier: wire.TierPriority}, 1000 * 4250},
		{"thirds are rounded once", "openai", gpt, november, wire.Usage{Uncached: 1, Tier: wire.TierPriority}, 250},
		{"Anthropic's priority is paid for in advance", "anthropic", sonnet, november, wire.Usage{Uncached: 1000, Tier: wire.TierPriority}, 1000 * 3000},
		{"inference in the US at the usual price", "anthropic", sonnet, november, wire.Usage{Uncached: 1000, InUS: true}, 1100 * 3000},
		{"sound at the price of text", "openai", "gpt-4o-realtime-preview", november, wire.Usage{Uncached: 10, AudioIn: 10, Text: 10, AudioOut: 10}, 10*5000 + 10*40_000 + 10*20_000 + 10*80_000},
		{"sound by the second", "openai", "whisper-1", november, wire.Usage{Seconds: 61.5}, 6_150_000},
		{"pictures at the price of text", "openai", "gpt-image-1.5", november, wire.Usage{Uncached: 10, ImageIn: 10, ImageOut: 1000}, 10*5000 + 10*8000 + 1000*32_000},
	} {
		b := NewBook(&config.Config{})
		channel := channelAt(c.kind, "")
		r, ok := b.Find(channel, Models{Asked: c.model}, c.when)
		require.True(t, ok, c.fault)
		got := b.Cost(&r, channel, nil, &c.u)
		assert.True(t, got.Known, c.fault)
		assert.Equal(t, c.want, got.Cost, c.fault)
	}
}

func TestCostAndChargeAreTwoNumbersEachRoundedOnce(t *testing.T) {
	b := NewBook(&config.Config{
		Prices: []config.Price{{Model: "*", Input: pico(333), Output: pico(1)}},
		Groups: map[string]config.Group{"vip": {Markup: pico(1_500_000)}, "free": {Markup: pico(0)}},
	})
	c := channelAt("openai", "")
	c.Discount, c.Groups = pico(500_000), []string{"default", "vip"}
	r, _ := b.Find(c, Models{Asked: "m"}, november)
	for _, one := range []struct {
		groups       []string
		tokens       int64
		cost, charge int64
	}{
		{[]string{"default"}, 3, 0, 0},        // 0.4995
		{[]string{"default"}, 4, 1, 1},        // 0.666
		{[]string{"vip"}, 3, 0, 1},            // 0.4995 and 0.74925: neither is made of the other
		{[]string{"vip", "default"}, 3, 0, 1}, // the first that the channel is in
		{[]string{"default", "vip"}, 3, 0, 0},
		{[]string{"elsewhere", "vip"}, 3, 0, 1},
		{nil, 3, 0, 0},
	} {
		assert.Equal(t, Amounts{Cost: one.cost, Charge: one.charge, Known: true}, b.Cost(&r, c, one.groups, &wire.Usage{Uncached: one.tokens}))
	}
	assert.Equal(t, int64(15), b.Marked(10, c, []string{"vip"}))
}

func TestAmountsAreRightUpToTheLargestAndStayThere(t *testing.T) {
	for _, c := range []struct{ a, b int64 }{{math.MaxInt64, math.MaxInt64}, {3, 7}, {1 << 40, 1 << 50}, {0, 5}} {
		for _, times := range []uint64{1, 3, 1000, 1 << 62} {
			for _, by := range []uint64{1, 7, 1000, 1 << 63} {
				exact := new(big.Int).Mul(big.NewInt(c.a), big.NewInt(c.b))
				exact.Mul(exact, new(big.Int).SetUint64(times))
				if exact.BitLen() > 128 {
					assert.Equal(t, tooMuch, product(c.a, c.b).times(times))
					continue
				}
				double := new(big.Int).Mul(exact, big.NewInt(2))
				double.Add(double, new(big.Int).SetUint64(by)).Quo(double, new(big.Int).Mul(new(big.Int).SetUint64(by), big.NewInt(2)))
				want := int64(math.MaxInt64)
				if double.IsInt64() {
					want = double.Int64()
				}
				assert.Equal(t, want, product(c.a, c.b).times(times).rounded(by), "%d %d %d %d", c.a, c.b, times, by)
			}
		}
	}
	assert.Equal(t, tooMuch, tooMuch.plus(amount{0, 1}))
	assert.Equal(t, int64(math.MaxInt64), tooMuch.nano(asListed, Million, Million))
	b := NewBook(&config.Config{})
	c := channelAt("openai", "")
	r, _ := b.Find(c, Models{Asked: "gpt-4o"}, november)
	assert.Equal(t, int64(math.MaxInt64), b.Cost(&r, c, nil, &wire.Usage{Uncached: math.MaxInt64 / 2}).Cost)
}

func TestAskingForAPriceAgainAllocatesNothing(t *testing.T) {
	b := NewBook(&config.Config{Prices: []config.Price{{Model: "x-*", Input: pico(1)}}})
	c := channelAt("openai", "https://api.openai.com/v1")
	u := wire.Usage{Uncached: 100, Text: 10}
	got := Amounts{}
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		r, _ := b.Find(c, Models{Answered: "gpt-4o-2024-08-06", Asked: "gpt-4o", Alias: "gpt-4o"}, november)
		got = b.Cost(&r, c, nil, &u)
	}))
	assert.Equal(t, int64(350_000), got.Cost)
}

func TestNamesThatComeFromOutsideAreNotRememberedWithoutEnd(t *testing.T) {
	b := NewBook(&config.Config{})
	c := channelAt("openai", "")
	for i := range 2*mostKnown + 10 {
		b.Find(c, Models{Asked: strings.Repeat("x", i%100) + string(rune(i))}, november)
	}
	assert.LessOrEqual(t, len(b.known), mostKnown)
	assert.LessOrEqual(t, len(b.calls), mostKnown)
}

func TestAPriceIsThatOfItsOwnNamesAndChannelWhoeverWasAskedForBefore(t *testing.T) {
	own, other := int64(1), int64(2)
	b := NewBook(&config.Config{Prices: []config.Price{{Model: "mine", Input: &own, Output: &own}, {Model: "his", Input: &other, Output: &other}}})
	first, second := channelAt("openai", "https://api.openai.com/v1"), channelAt("openai", "https://one.example/v1")
	for range 3 {
		for _, c := range []*config.Channel{first, second} {
			for _, m := range []struct {
				of   Models
				want string
			}{
				{Models{"", "mine", "gpt-4o"}, "prices[0] mine"}, {Models{"mine", "", "gpt-4o"}, "prices[0] mine"},
				{Models{"", "gpt-4o", "his"}, "prices[1] his"}, {Models{"", "gpt-4o", "mine"}, "prices[0] mine"},
				{Models{"gpt-4o", "", ""}, "openai/gpt-4o"}, {Models{"", "gpt-4o", ""}, "openai/gpt-4o"}, {Models{"", "", "gpt-4o"}, ""},
				{Models{"", "nobody's", "x"}, ""},
			} {
				r, known := b.Find(c, m.of, november)
				assert.Equal(t, m.want, r.Name, "%+v", m.of)
				assert.Equal(t, m.want != "", known)
			}
		}
	}
}

func TestAPriceThatWasAskedForBeforeAllocatesNothing(t *testing.T) {
	b := NewBook(&config.Config{})
	c := channelAt("openai", "https://api.openai.com/v1")
	u := wire.Usage{Uncached: 100, Text: 10}
	at := []string{"gpt-4o", "gpt-4o-mini", "o3"}
	n := 0
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		n++
		r, _ := b.Find(c, Models{Asked: at[n%len(at)], Alias: "mine"}, november)
		b.Cost(&r, c, nil, &u)
	}))
}

func BenchmarkFindAndCost(b *testing.B) {
	book := NewBook(&config.Config{})
	c := channelAt("openai", "https://api.openai.com/v1")
	u := wire.Usage{Uncached: 100, CacheRead: 5, Text: 10}
	b.ReportAllocs()
	for b.Loop() {
		r, _ := book.Find(c, Models{Answered: "gpt-4o-2024-08-06", Asked: "gpt-4o", Alias: "gpt-4o"}, november)
		book.Cost(&r, c, nil, &u)
	}
}
