package main

import (
	"encoding/json"
	"fmt"

	"one-api/telemetry"
)

// asked is one name of a figure in Prometheus, and what its series have to match beside what is asked for.
type asked struct {
	Name     string `json:"name"`
	Selector string `json:"selector,omitempty"`
}

// names is figures as the dashboards' sources read it.
func names() (string, error) {
	all, err := figures()
	if err != nil {
		return "", err
	}
	text, err := json.MarshalIndent(all, "", "  ")
	return "// Made by \"go generate ./telemetry\" from the list of instruments: change that, and not this.\n\n" +
		"export const names = " + string(text) + ";\n", err
}

// figures is what dashboards and rules call the metrics whose names depend on the version of the GenAI conventions: all of the names,
// for relays of either may be there.
func figures() (map[string][]asked, error) {
	latest := telemetry.InstrumentsOf(telemetry.GenAILatest)
	var failed error
	name := func(of []telemetry.Instrument, name, suffix string) string {
		for _, i := range of {
			if i.Name == name {
				in, err := prometheusName(i)
				if err != nil {
					failed = err
				}
				return in + suffix
			}
		}
		failed = fmt.Errorf("%s is in no list", name)
		return ""
	}
	both := func(current string) []asked {
		return []asked{{Name: name(telemetry.Instruments, current, "")}, {Name: name(latest, telemetry.Renamed[current], "")}}
	}
	tokens := func(kind, later string) []asked {
		return []asked{
			{name(telemetry.Instruments, telemetry.TokenUsage, "_sum"), "gen_ai_token_type=" + `"` + kind + `"`},
			{Name: name(latest, later, "")},
		}
	}
	all := map[string][]asked{
		"duration":   both(telemetry.OperationDuration),
		"firstChunk": both(telemetry.FirstChunk),
		"perChunk":   both(telemetry.PerOutputChunk),
		"tokensIn":   tokens("input", telemetry.UsageInput),
		"tokensOut":  tokens("output", telemetry.UsageOutput),
		"openFiles":  {{Name: name(telemetry.Instruments, telemetry.FileDescriptors, "")}},
	}
	return all, failed
}
