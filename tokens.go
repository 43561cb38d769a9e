package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"one-api/relay/config"
)

// operatorTokens are the tokens that a directory can keep, by their variables, and the files that they are kept in.
var operatorTokens = []struct{ variable, file string }{{"ADMIN_TOKEN", "admin-token"}, {"MONITOR_TOKEN", "monitor-token"}}

// lookup finds a variable of the environment, as os.LookupEnv does.
type lookup = func(string) (string, bool)

// keepTokens reads the tokens that TOKEN_DIR keeps if the environment has none, and with make makes those that are not there yet.
// It returns an environment that has them, and the lines that say what was made.
func keepTokens(env lookup, make bool) (lookup, []string, error) {
	directory, _ := env("TOKEN_DIR")
	if directory == "" {
		return env, nil, nil
	}
	files := map[string]string{}
	var made []string
	var problems []error
	for _, token := range operatorTokens {
		if isSet(env, token.variable) || isSet(env, token.variable+"_FILE") {
			continue
		}
		file := filepath.Join(directory, token.file)
		text, isNew, err := keptToken(file, make)
		switch {
		case err != nil:
			problems = append(problems, fmt.Errorf("%s is not kept: %w (set it, or make TOKEN_DIR a directory that this process may write to)",
				token.variable, err))
			continue
		case text == "":
			continue
		case isNew:
			made = append(made, token.variable+"="+text)
		}
		files[token.variable+"_FILE"] = file
	}
	return func(name string) (string, bool) {
		if file, ok := files[name]; ok {
			return file, true
		}
		return env(name)
	}, made, errors.Join(problems...)
}

func isSet(env lookup, name string) bool {
	text, _ := env(name)
	return text != ""
}

// keptToken is the token in a file. One that is not there is made if that is wanted, else it is "".
func keptToken(file string, make bool) (text string, isNew bool, err error) {
	if make {
		isNew, err = makeToken(file, newToken())
		if err != nil {
			return "", false, err
		}
	}
	data, err := os.ReadFile(file) //nolint:gosec // the operator names the directory
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	return strings.TrimSpace(string(data)), isNew, err
}

// newToken is 144 random bits.
func newToken() string {
	random := make([]byte, 18)
	_, _ = rand.Read(random) // it never fails
	return base64.RawURLEncoding.EncodeToString(random)
}

// makeToken writes a token to a file that is not there yet, for its owner's eyes only. It is written beside the file and linked into
// place, so that two relays that start together on one volume end up with one token, and a crash leaves no empty file.
func makeToken(file, token string) (isNew bool, err error) {
	if _, err := os.Stat(file); err == nil {
		return false, nil
	}
	draft, err := os.CreateTemp(filepath.Dir(file), ".token-")
	if err != nil {
		return false, err
	}
	defer func() { _ = os.Remove(draft.Name()) }()
	_, err = io.WriteString(draft, token+"\n")
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return false, err
	}
	err = os.Link(draft.Name(), file)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

// clientKeyFile is where TOKEN_DIR keeps the client key that is made if none is configured.
const clientKeyFile = "client-key"

// keepClientKey keeps the client key that was made, or gives the one that is kept already: programs that were given it continue working
// after a restart. "" if nothing is kept.
func keepClientKey(env lookup, generated string) (kept string, err error) {
	directory, _ := env("TOKEN_DIR")
	if directory == "" || generated == "" {
		return "", nil
	}
	file := filepath.Join(directory, clientKeyFile)
	if _, err = makeToken(file, generated); err == nil {
		kept, _, err = keptToken(file, false)
	}
	if err == nil && kept == "" {
		err = fmt.Errorf("%s is empty", file)
	}
	if err != nil {
		return "", fmt.Errorf("the client key is not kept, and is another one after a restart: %w (configure a token, or make TOKEN_DIR a "+
			"directory that this process may write to)", err)
	}
	return kept, nil
}

// announceTokens says once what was made.
func announceTokens(w io.Writer, made []string) {
	if len(made) == 0 {
		return
	}
	fmt.Fprintf(w, "\nTokens for the operator were made. This is said once; `one-api tokens` says it again (docker exec one-api /one-api "+
		"tokens):\n\n")
	for _, line := range made {
		fmt.Fprintf(w, "  %s\n", line)
	}
	fmt.Fprintln(w)
}

// printTokens says the tokens that a relay with this environment has, for a shell: eval "$(docker exec one-api /one-api tokens)".
func printTokens(settings config.Settings, stdout, stderr io.Writer) int {
	values := map[string]string{"ADMIN_TOKEN": settings.AdminToken, "MONITOR_TOKEN": settings.MonitorToken}
	lacking := 0
	for _, token := range operatorTokens {
		value := values[token.variable]
		if value == "" {
			fmt.Fprintf(stderr, "%s is not set: set it, or TOKEN_DIR, a directory in which one is made and kept\n", token.variable)
			lacking++
			continue
		}
		fmt.Fprintf(stdout, "export %s='%s'\n", token.variable, strings.ReplaceAll(value, "'", `'\''`))
	}
	if lacking == len(operatorTokens) {
		return 1
	}
	return 0
}
