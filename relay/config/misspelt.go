package config

import (
	"slices"
	"strings"
)

// misspelt warns of variables that are set, that nothing reads, and that are called nearly as one that the relay reads: somebody
// believes that they do something. Short names are near to many that are other programs', and are left alone.
func (l *loader) misspelt(source Source, fromFile bool) {
	var names []string
	if source.Names != nil {
		names = source.Names()
	}
	for name := range l.env.file {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if l.isKnown(name) {
			continue
		}
		if text, _ := l.env.lookup(name); text == "" && l.env.file[name] == (setting{}) {
			continue
		}
		if meant := nearestVariable(name, fromFile); meant != "" {
			l.warn(variable(name), "is no variable of the relay's, and does nothing: did you mean %s?", meant)
		}
	}
}

// isKnown reports whether a variable is one that is read, be it that the file asks for it.
func (l *loader) isKnown(name string) bool {
	if _, read := l.env.known[name]; read {
		return true
	}
	name, isFile := strings.CutSuffix(name, "_FILE")
	if _, read := l.env.known[name]; read && isFile {
		return true
	}
	return slices.ContainsFunc(Variables, func(v Variable) bool { return v.Name == name || isFile && v.Name == name+"_FILE" })
}

// Names shorter than the first are not looked at, and those from the second on may have two slips in them instead of one.
const (
	shortestMisspelt = 6
	twoSlips         = 12
)

// nearestVariable is the variable that a name was meant to be; "": none. fromFile: there is a configuration file, so that the
// variables with providers' keys stand for nothing.
func nearestVariable(name string, fromFile bool) string {
	base, isFile := strings.CutSuffix(name, "_FILE")
	best, distance := "", twoSlips
	for _, v := range Variables {
		furthest := v.slips(fromFile)
		if furthest == 0 {
			continue
		}
		if d := slipsBetween(base, v.Name, furthest); d <= furthest && d < distance && (d == 1 || spread(base, v.Name)) {
			best, distance = v.Name, d
		}
	}
	if best != "" && isFile {
		best += "_FILE"
	}
	return best
}

// slips is how many of them a name may have to be taken for the variable's.
func (v *Variable) slips(fromFile bool) int {
	vendor, _ := strings.CutSuffix(v.Name, "_API_KEY")
	switch {
	case len(v.Name) < shortestMisspelt, v.form.ofChannels && (fromFile || len(vendor) < shortestMisspelt):
		return 0
	case len(v.Name) < twoSlips, v.form.ofChannels:
		return 1
	}
	return 2
}

// longWord is how long a word has to be for two slips in it: READ_TIMEOUT is somebody else's, and no RELAY_TIMEOUT.
const longWord = 8

// spread reports whether no short word of a name has more than one slip in it.
func spread(name, right string) bool {
	words, rights := strings.Split(name, "_"), strings.Split(right, "_")
	if len(words) != len(rights) {
		return false
	}
	for i, word := range rights {
		if len(word) < longWord && slipsBetween(words[i], word, 1) > 1 {
			return false
		}
	}
	return true
}

// slipsBetween is the edit distance, in which two letters that changed places are one slip, as are small letters for capitals. The
// small spelling of a proxy's variable is as good as the other.
func slipsBetween(name, right string, furthest int) int {
	if name != right && strings.EqualFold(name, right) && !strings.HasSuffix(right, "_PROXY") {
		return 1
	}
	if len(name) == len(right) {
		for i := range len(name) - 1 {
			if name[i] != right[i] {
				if name[i] == right[i+1] && name[i+1] == right[i] && name[i+2:] == right[i+2:] {
					return 1
				}
				break
			}
		}
	}
	return editDistance(name, right, furthest)
}
