package migrate

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Columns that hold lists and JSON, as people and old versions of the three have filled them in.

// items is a list with commas, without what is empty or there twice. Wide commas and line breaks come with lists that were pasted.
func items(text string) (list []string) {
	for item := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '，' || r == '\n' || r == '\r' }) {
		if item = strings.TrimSpace(item); item != "" && !slices.Contains(list, item) {
			list = append(list, item)
		}
	}
	return list
}

// object is a JSON object; nil: the column is empty. What is no object is an error.
func object(text string) (map[string]any, error) {
	if text == "" || text == "null" {
		return nil, nil
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var read map[string]any
	if err := decoder.Decode(&read); err != nil {
		return nil, errors.New("is no JSON object") // the error may quote a secret
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("has something behind its JSON object")
	}
	return read, nil
}

// words is an object whose values are texts; of the others odd is the names.
func words(text string) (read map[string]string, odd []string, err error) {
	all, err := object(text)
	if err != nil {
		return nil, nil, err
	}
	read = map[string]string{}
	for name, value := range all {
		switch value := value.(type) {
		case string:
			read[name] = value
		case json.Number, bool:
			read[name] = textOf(value)
		default:
			odd = append(odd, name)
		}
	}
	slices.Sort(odd)
	return read, odd, nil
}

// textOf is a value of an object as a text; "": none, or an object or a list.
func textOf(value any) string {
	switch value := value.(type) {
	case string:
		return strings.TrimSpace(value)
	case json.Number:
		return value.String()
	case bool:
		return strconv.FormatBool(value)
	}
	return ""
}

// said reports whether a member says something: it is there, and not what it is by itself.
func said(value any) bool {
	switch value := value.(type) {
	case nil:
		return false
	case bool:
		return value
	case string:
		return value != ""
	case json.Number:
		return value != "0"
	case map[string]any:
		return len(value) > 0
	case []any:
		return len(value) > 0
	}
	return true
}

// keysOf is a channel's keys: JSON objects one after the other (accounts of Google's), a JSON list, or one a line.
func keysOf(text string) (keys []string) {
	text = strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(text, "{"), strings.HasPrefix(text, "["):
		if found, ok := documents(text); ok {
			return found
		}
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			keys = append(keys, line)
		}
	}
	return keys
}

// documents is the JSON values that stand one after the other, with blanks, line breaks or commas in between, each in one line; those of
// a list are taken out of it.
func documents(text string) (found []string, ok bool) {
	for text != "" {
		decoder := json.NewDecoder(strings.NewReader(text))
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			return nil, false
		}
		text = strings.TrimLeftFunc(text[decoder.InputOffset():], func(r rune) bool { return unicode.IsSpace(r) || r == ',' })
		one, ok := document(raw)
		if !ok {
			return nil, false
		}
		found = append(found, one...)
	}
	return found, true
}

// document is what a JSON value has of keys.
func document(raw json.RawMessage) (found []string, ok bool) {
	switch raw[0] {
	case '{':
		var line bytes.Buffer
		if err := json.Compact(&line, raw); err != nil {
			return nil, false
		}
		return []string{line.String()}, true
	case '[':
		var list []json.RawMessage
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, false
		}
		for _, element := range list {
			if element[0] == '[' {
				return nil, false
			}
			one, ok := document(element)
			if !ok {
				return nil, false
			}
			found = append(found, one...)
		}
		return found, true
	case '"':
		var key string
		if err := json.Unmarshal(raw, &key); err != nil {
			return nil, false
		}
		if key = strings.TrimSpace(key); key == "" {
			return nil, true
		}
		return []string{key}, true
	}
	return nil, false
}

// offKeys is which of a channel's keys are switched off, by their index. new-api and ezlinkai note those alone whose state is not 1.
func offKeys(info map[string]any) map[int]bool {
	for _, name := range []string{"multi_key_status_list", "key_status_list"} {
		states, is := info[name].(map[string]any)
		if !is {
			continue
		}
		off := map[int]bool{}
		for index, state := range states {
			if i, err := strconv.Atoi(index); err == nil && textOf(state) != "1" && textOf(state) != "" {
				off[i] = true
			}
		}
		return off
	}
	return nil
}

// byModel is a region, or regions by model with one for the others ("default").
func byModel(text string) (usual string, regions map[string]string) {
	if !strings.HasPrefix(text, "{") {
		return text, nil
	}
	regions, _, err := words(text)
	if err != nil {
		return "", nil
	}
	usual = regions["default"]
	regions = maps.Clone(regions)
	delete(regions, "default")
	return usual, regions
}
