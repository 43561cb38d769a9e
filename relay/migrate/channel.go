package migrate

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Fate is what becomes of a channel.
type Fate string

// The fates.
const (
	Mapped      Fate = "mapped"
	Lossy       Fate = "mapped with loss"
	Unsupported Fate = "not supported"
)

// Channel is one of the old database, and what becomes of it.
type Channel struct {
	ID      int64
	Name    string // the old one
	Type    string // the old one's name
	Fate    Fate
	Why     string   // it is not supported
	Losses  []string // fields that have no place here, and what that means
	Notes   []string // what is not the same and loses nothing
	Entries []entry  // what it is here: one, or one for each region or account. For one that is not supported what would be, commented out
}

// entry is a channel as channels.yaml has it.
type entry struct {
	name, kind, base, apiVersion  string
	region, project, location     string
	account, accountType          string // the JSON of an account of Google's, and what it is
	keys, models, groups          []string
	mapping, headers              map[string]string
	priority, weight              int64
	disabled                      bool
	proxy                         string
	noVersion                     bool     // in the address, and none is added
	keyVariables, headerVariables []string // in .env, in the order of keys, and of the headers' names
	proxyVariable, accountFile    string
	modelsOf                      int64 // the old channel
}

// oldChannel is a channel that is being looked at.
type oldChannel struct {
	row
	dialect  Dialect
	kind     kind
	config   map[string]any // one-api's and ezlinkai's
	setting  map[string]any // new-api's: how requests are made
	settings map[string]any // new-api's and ezlinkai's: what only some types have
	keys     []string
	out      *Channel
}

// mapChannel finds out what becomes of a channel. groups gives old groups their names here.
func (old *Old) mapChannel(r row, groups func(string) string) *Channel {
	id := r.numberOr("id", 0)
	c := &oldChannel{row: r, dialect: old.Dialect, kind: kindOf(old.Dialect, r.numberOr("type", 0))}
	if as, is := c.kind.elsewhere(old.Dialect); is && r.text("base_url") != "" {
		c.kind = as
	}
	c.out = &Channel{ID: id, Name: r.text("name"), Type: c.kind.name, Fate: Mapped}
	if c.kind.lost != "" {
		c.lose("type", c.kind.lost)
	}
	c.parse()
	e := entry{kind: c.kind.is, priority: c.priority(), weight: c.weight(), modelsOf: id}
	of := items(r.text("group"))
	if len(of) == 0 {
		of = []string{""}
	}
	for _, group := range of {
		if name := groups(group); !slices.Contains(e.groups, name) {
			e.groups = append(e.groups, name)
		}
	}
	c.models(&e, old.Muted[id])
	c.state(&e)
	c.headers(&e)
	e.proxy = textOf(c.setting["proxy"])
	c.leftovers()
	if c.kind.why != "" {
		c.refuse(c.kind.why)
	}
	if c.kind.note != "" {
		c.note(c.kind.note)
	}
	e.keys = c.keys
	c.address(&e)
	if c.out.Why != "" {
		c.out.Fate = Unsupported
		c.out.Entries = []entry{e}
		return c.out
	}
	if len(c.out.Losses) > 0 {
		c.out.Fate = Lossy
	}
	return c.out
}

func (c *oldChannel) lose(field, what string) { c.out.Losses = append(c.out.Losses, field+": "+what) }
func (c *oldChannel) note(what string)        { c.out.Notes = append(c.out.Notes, what) }

// refuse says why the channel is not supported; the first reason stays.
func (c *oldChannel) refuse(why string) { c.out.Why = cmp.Or(c.out.Why, why) }

// parse reads the columns that hold JSON.
func (c *oldChannel) parse() {
	read := func(column string) map[string]any {
		found, err := object(c.text(column))
		if err != nil {
			c.lose(column, err.Error())
		}
		return found
	}
	c.config, c.setting, c.settings = read("config"), read("setting"), read("settings")
	c.keys = keysOf(c.text("key"))
	info := read("channel_info")
	if info == nil {
		info = read("multi_key_info")
	}
	if several, _ := info["is_multi_key"].(bool); !several {
		// A key that fills several lines and is not said to be several is still one a line in new-api of before.
		return
	}
	if off := offKeys(info); len(off) > 0 {
		kept := c.keys[:0:0]
		for i, key := range c.keys {
			if !off[i] {
				kept = append(kept, key)
			}
		}
		if left := len(c.keys) - len(kept); left > 0 {
			c.lose("key", fmt.Sprintf("%d of its %d keys were off, and are left out", left, len(c.keys)))
		}
		c.keys = kept
	}
}

func (c *oldChannel) priority() int64 {
	n := c.numberOr("priority", 0)
	const most = 1_000_000_000
	if n > most || n < -most {
		c.lose("priority", "is beyond a thousand millions, and is set to that")
		n = max(-most, min(most, n))
	}
	return n
}

// weight is the share that the old program gave it: new-api adds 10 to each, and the others take no notice of weights.
func (c *oldChannel) weight() int64 {
	if c.dialect != NewAPI {
		return 1
	}
	return min(max(0, c.numberOr("weight", 0)), 1_000_000) + 10
}

// models reads what it serves, and what the upstream is asked for instead. What the mapping has beyond that was not served, and would be
// here.
func (c *oldChannel) models(e *entry, muted []string) {
	e.mapping = map[string]string{}
	mapping, odd, err := words(c.text("model_mapping"))
	if err != nil {
		c.lose("model_mapping", err.Error())
	}
	if len(odd) > 0 {
		c.lose("model_mapping", "what stands for "+strings.Join(odd, ", ")+" is no name")
	}
	for _, model := range items(c.text("models")) {
		switch {
		case slices.Contains(muted, model):
			c.note("the model " + model + " was off: the old server had switched it off by itself")
			continue
		case strings.ContainsAny(model, "*?"):
			c.note("the model " + model + " has a * or a ? in its name, which stands for any characters here")
		}
		e.models = append(e.models, model)
		to, seen := model, map[string]bool{}
		for {
			next := strings.TrimSpace(mapping[to])
			if next == "" || next == to || next == model || seen[next] {
				break
			}
			to, seen[next] = next, true
			if c.dialect != NewAPI { // which follows a chain
				break
			}
		}
		if to != model {
			e.mapping[model] = to
		}
	}
	if len(e.models) == 0 {
		e.disabled = true
		c.note("it serves no model, and is off: without a list a channel serves all of its type here")
	}
}

// state is whether it is on.
func (c *oldChannel) state(e *entry) {
	switch status := c.numberOr("status", 0); {
	case status == 3:
		e.disabled = true
		c.note("off: the old server had switched it off by itself")
	case status != 1:
		e.disabled = true
		c.note("off, as it was")
	}
	if len(c.keys) == 0 && c.kind.way != vertex && c.kind.way != aws && e.kind != "ollama" && c.text("base_url") == "" {
		e.disabled = true
		c.refuse("it has no key")
	}
}

// headers reads those that requests get. A value may have the key in it.
func (c *oldChannel) headers(e *entry) {
	e.headers = map[string]string{}
	overrides, odd, err := words(c.text("header_override"))
	if err != nil {
		c.lose("header_override", err.Error())
	}
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		value := overrides[name]
		canonical := http.CanonicalHeaderKey(name)
		if strings.Contains(value, "{api_key}") && len(c.keys) == 1 {
			value = strings.ReplaceAll(value, "{api_key}", c.keys[0])
		}
		if !isHeader(name, value) || e.headers[canonical] != "" {
			odd = append(odd, name)
			continue
		}
		e.headers[canonical] = value
	}
	if len(odd) > 0 {
		c.lose("header_override", "what it has for "+strings.Join(odd, ", ")+" has no place here")
	}
	if organization := c.text("openai_organization"); organization != "" && (e.kind == "openai" || c.kind.way == azure) {
		e.headers["Openai-Organization"] = organization
	}
}

// isHeader reports whether a header can be set here. new-api has words in braces that stand for something else.
func isHeader(name, value string) bool {
	switch canonical := http.CanonicalHeaderKey(name); {
	case name == "*", !httpguts.ValidHeaderFieldName(name), !httpguts.ValidHeaderFieldValue(value):
		return false
	case strings.HasPrefix(value, "{"), strings.Contains(value, "{api_key}"), strings.Contains(value, "{client_header:"):
		return false
	default:
		return !slices.Contains([]string{"Host", "Content-Length", "Connection"}, canonical) && !strings.HasPrefix(canonical, "Proxy-")
	}
}

// Members of JSON columns that say something, and have no place here. Those that are not named are of no weight for requests.
var (
	settingMembers = map[string]string{
		"system_prompt": "no prompt is put before what clients send", "system_prompt_override": "no prompt is put before what clients send",
		"force_format":              "answers are passed on as they come",
		"thinking_to_content":       "thoughts stay in reasoning_content",
		"pass_through_body_enabled": "a body is passed through wherever the formats are the same",
		"force_stream":              "whether an answer is a stream is up to the client",
	}
	settingsMembers = map[string]string{
		"azure_responses_version": "the channel's api_version is asked for all",
		"allow_service_tier":      "what clients send of it is passed on", "disable_store": "what clients send of store is passed on",
		"allow_inference_geo": "what clients send of it is passed on", "allow_safety_identifier": "what clients send of it is passed on",
	}
	configMembers = map[string]string{
		"library_id": "it belongs to a type that is not spoken here", "plugin": "plugins of Ali's old API are not called",
		"google_storage": "films are not made here", "beta_filter_mode": "beta headers are passed on by the relay's own rule",
	}
	lostColumns = map[string]string{
		"system_prompt": "no prompt is put before what clients send", "param_override": "parameters are not written over",
		"status_code_mapping": "what an upstream's status means is a table in the relay",
	}
)

// leftovers says what is filled in and has no place here.
func (c *oldChannel) leftovers() {
	for _, of := range []struct {
		column  string
		members map[string]any
		known   map[string]string
	}{{"setting", c.setting, settingMembers}, {"settings", c.settings, settingsMembers}, {"config", c.config, configMembers}} {
		for _, name := range slices.Sorted(maps.Keys(of.known)) {
			if said(of.members[name]) {
				c.lose(of.column+"."+name, of.known[name])
			}
		}
	}
	for _, column := range slices.Sorted(maps.Keys(lostColumns)) {
		if text := c.text(column); text != "" && text != "{}" && text != "null" {
			c.lose(column, lostColumns[column])
		}
	}
	if discount, err := strconv.ParseFloat(c.text("discount"), 64); err == nil && discount != 0 && discount != 1 {
		c.lose("discount", "is a factor of the old program's: here discount is the part of the list price that you pay, so set it yourself")
	}
}
