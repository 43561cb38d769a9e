package config

import (
	"errors"
	"io/fs"
	"slices"

	"go.yaml.in/yaml/v3"
)

// DefaultFile is read where no file is named, if it exists.
const DefaultFile = "channels.yaml"

const noChannels = "no channels; at least one is needed"

// loader makes one Config.
type loader struct {
	decoder
	settings  Settings
	providers map[string]Provider
	groups    map[string]bool  // of all channels
	keys      map[digest]place // every key that opens something, and who claimed it
	claims    audit
	warnings  Problems
	files     []string // that channels name
	onDisk    bool     // files are in the file system, and no test's
	keyless   bool     // a token has no key here: it is made at run time

	channelDefaults channelDraft
	tokenDefaults   tokenDraft
}

// Load reads the channels and tokens from the file, or from the environment where there is none. s are LoadSettings' of the
// same options. The error is a Problems with everything that is wrong, and then there is no Config.
func Load(source Source, s Settings) (*Config, error) {
	l := &loader{
		decoder:   decoder{env: source.environment()},
		settings:  s,
		providers: source.Providers,
		groups:    map[string]bool{},
		keys:      map[digest]place{},
		onDisk:    source.ReadFile == nil,

		channelDefaults: channelObject.defaults(),
		tokenDefaults:   tokenObject.defaults(),
	}
	c := &Config{Tokens: l.environmentTokens()}
	l.oddVariables()
	l.read(c, source)
	c.Files = l.files
	l.misspelt(source, c.Path != "")
	if len(l.problems) > 0 {
		for _, warning := range l.warnings[:min(len(l.warnings), maxProblems)] {
			warning.Warning = true
			l.problems = append(l.problems, warning)
		}
		return nil, l.problems.asError()
	}
	l.secrets(c)
	if len(c.Tokens) == 0 {
		c.GeneratedToken = source.Generated
		if c.GeneratedToken == "" {
			c.GeneratedToken = generateKey()
		}
		c.Tokens = []Token{{Name: "generated", Digests: digests(c.GeneratedToken), AllGroups: true}}
	}
	for _, warning := range l.warnings.sorted() {
		c.Warnings = append(c.Warnings, warning.String())
	}
	return c, nil
}

func (l *loader) warn(at place, format string, args ...any) {
	l.warnings = append(l.warnings, at.problem(format, args...))
}

// read adds what the file says, or the environment's channels where there is no file and need not be one.
func (l *loader) read(c *Config, source Source) {
	l.file = source.File
	if l.file == "" {
		l.file = DefaultFile
	}
	whole := place{file: l.file}
	data, err := source.reader()(l.file)
	switch {
	case source.File == "" && errors.Is(err, fs.ErrNotExist):
		c.Channels = l.environmentChannels()
		return
	case err != nil:
		l.report(whole, "cannot read the file: %s", reason(err))
	case len(data) > maxFileSize:
		l.report(whole, "the file is over %d MiB", maxFileSize>>20)
	default:
		l.mounted(whole, source)
		l.parse(c, data, source)
	}
	c.Path = l.file
}

// parse adds what the file says.
func (l *loader) parse(c *Config, data []byte, source Source) {
	root, problem := parseDocument(l.file, data)
	if problem != nil {
		l.problems = append(l.problems, *problem)
		return
	}
	whole := place{file: l.file}
	if root == nil {
		l.report(whole, noChannels)
		return
	}
	v := l.value(root, "")
	var f fileDraft
	if !v.isNull() {
		if !l.is(v, yaml.MappingNode, "a mapping with the keys channels and tokens") {
			return
		}
		readObject(l, fileObject, v, &f)
	}
	if f.envFile != nil { // the others are expanded from it
		l.envFile(c, *f.envFile, source)
	}
	if f.channels != nil {
		c.Channels = l.channels(*f.channels)
	} else {
		l.report(whole, noChannels)
	}
	if f.tokens != nil {
		c.Tokens = l.tokens(*f.tokens, c.Tokens)
	}
	if f.contextFallback != nil {
		c.ContextFallback = l.contextFallback(*f.contextFallback, c.Channels)
	}
	if f.prices != nil {
		c.Prices = l.prices(*f.prices)
	}
	if f.groups != nil {
		c.Groups = l.groupSettings(*f.groups, c.Tokens)
	}
	if f.owners != nil {
		c.Owners = l.ownerSettings(*f.owners)
	}
	c.Limits, c.Budget = f.limits, f.budget.budget()
	if !slices.ContainsFunc(l.problems, Problem.blurs) {
		l.audit(c)
	}
	if len(l.problems) > 0 {
		l.slips(data)
	}
}
