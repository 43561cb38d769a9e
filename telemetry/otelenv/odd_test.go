package otelenv

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"one-api/telemetry/internal/odd"
)

// TestAnOddValueIsHonouredOrRefusedInALineThatIsFitForALog gives every variable every odd value, alone.
func TestAnOddValueIsHonouredOrRefusedInALineThatIsFitForALog(t *testing.T) {
	for _, v := range Variables {
		for _, value := range odd.Values {
			e := read(v.Name, value)
			where := v.Name + "=" + short(value)
			said := 0
			for _, f := range e.Findings {
				if f.Variable == v.Name {
					said++
				}
				line := f.String()
				require.NotEmpty(t, f.Problem, where)
				require.NotEmpty(t, f.Used, where)
				require.Less(t, len(line), 900, where)
				require.True(t, utf8.ValidString(line), where)
				require.False(t, strings.ContainsFunc(line, unicode.IsControl), "%s: %q", where, line)
				require.NotContains(t, strings.ToUpper(line), strings.ToUpper(odd.Secret), where)
			}
			clean, _ := cleaned(value)
			switch got := e.Get(v.Name); {
			case value == "":
				require.Zero(t, said, "%s: empty is as good as not set", where)
			case v.Refused:
				require.Empty(t, got, where)
				require.Equal(t, 1, said, where)
			case said == 0: // it is honoured, to the letter
				require.True(t, strings.EqualFold(clean, got) || got != "" && emptied(clean, got), "%s became %q without a word", where, got)
			}
		}
	}
}

// emptied reports whether a list has only lost its empty items and what it said twice, or an address its brackets.
func emptied(text, list string) bool {
	kept := map[string]bool{}
	for item := range strings.SplitSeq(list, ",") {
		kept[item] = true
	}
	for item := range strings.SplitSeq(strings.ToLower(strings.Trim(text, "[]")), ",") {
		if item = strings.TrimSpace(item); item != "" && !kept[item] && !kept[strings.ToLower(item)] {
			return false
		}
	}
	return true
}

func TestASamplersArgumentThatSaysNothingIsSaid(t *testing.T) {
	e := read("OTEL_TRACES_SAMPLER", "always_on", "OTEL_TRACES_SAMPLER_ARG", "0.1")
	require.Len(t, e.Findings, 1)
	require.Equal(t, `OTEL_TRACES_SAMPLER_ARG="0.1" says nothing to OTEL_TRACES_SAMPLER=always_on (it does to parentbased_traceidratio). Used instead: always_on`, e.Findings[0].String())
	require.Empty(t, read("OTEL_TRACES_SAMPLER", "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG", "0.1").Findings)
}

func TestWhatCannotBeExportedIsRefusedInWords(t *testing.T) {
	for name, values := range map[string][]string{
		"OTEL_SERVICE_NAME":           {"caf\xe9"},
		"OTEL_RESOURCE_ATTRIBUTES":    {"a=%E9", "a=caf\xe9"},
		"OTEL_EXPORTER_OTLP_HEADERS":  {"a=\u00fc", "a=%C3%BC", "a=%E9"},
		"OTEL_EXPORTER_OTLP_PROTOCOL": {"\xff"},
	} {
		for _, value := range values {
			e := read(name, value)
			require.Len(t, e.Findings, 1, "%s=%q", name, value)
			require.Empty(t, e.Get(name))
			require.Regexp(t, "UTF-8|no header can carry", e.Findings[0].Problem)
		}
	}
}

func TestWhereToBeScrapedIsAHostAndNothingAroundIt(t *testing.T) {
	for text, want := range map[string]string{
		"localhost": "localhost", "0.0.0.0": "0.0.0.0", "::": "::", "[::1]": "::1", "relay_1.example.com": "relay_1.example.com",
		"http://0.0.0.0": "", "0.0.0.0:9464": "", "*": "", "a b": "", "/": "", "-": "",
	} {
		e := read("OTEL_EXPORTER_PROMETHEUS_HOST", text)
		require.Equal(t, want, e.Get("OTEL_EXPORTER_PROMETHEUS_HOST"), text)
		require.Equal(t, want == "", len(e.Findings) == 1, text)
	}
}

// TestNoQueueIsSoLongThatTheProcessCannotHaveIt: room for all of it is made at the start.
func TestNoQueueIsSoLongThatTheProcessCannotHaveIt(t *testing.T) {
	for _, of := range []string{"OTEL_BSP_", "OTEL_BLRP_"} {
		for _, name := range []string{of + "MAX_QUEUE_SIZE", of + "MAX_EXPORT_BATCH_SIZE"} {
			e := read(name, "2147483647")
			require.Equal(t, "must be a whole number from 1 to 100000", e.Findings[0].Problem)
			require.NotEqual(t, "2147483647", e.Get(name))
		}
		require.Equal(t, "100000", read(of+"MAX_QUEUE_SIZE", "100000").Get(of+"MAX_QUEUE_SIZE"))
	}
}

func TestAnOptInThatIsMisspeltIsSaid(t *testing.T) {
	const name = "OTEL_SEMCONV_STABILITY_OPT_IN"
	for text, want := range map[string]string{
		"gen_ai_latest_experimental": "", "http,database/dup": "", "gen_ai_latest": `has "gen_ai_latest" in it`, "http/dup": `has "http/dup" in it`,
	} {
		e := read(name, text)
		require.Equal(t, want != "", len(e.Findings) == 1, text)
		if want != "" {
			require.Contains(t, e.Findings[0].Problem, want)
		}
	}
	require.Equal(t, "gen_ai_latest_experimental", read(name, "gen_ai_latest_experimental,gen_ai_x").Get(name))
}
