// Command gen makes relay/price/data/table.json of the prices that Pydantic publishes (https://github.com/pydantic/genai-prices, MIT), of
// one version of their npm package, which is checked against its sum:
//
//	go generate ./relay/price
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// The version that is shipped. A newer one changes version, date and integrity, and `npm view @pydantic/genai-prices dist time` says them.
const (
	version   = "0.1.8"
	date      = "2026-09-23"
	packaged  = "@pydantic/genai-prices"
	integrity = "h7CYw6qTyflG2zUndO8tXyL8Xopf+tX9JZu13h0ZFgeyYj+J2gm1edR4+R+mbQ2vPdkFjtTmmmu1cYQPM5/KTA=="
)

const mostBytes = 32 << 20

func main() {
	from := flag.String("from", "", "the package, a `file` (default: npm fetches it)")
	to := flag.String("to", "data", "the directory for table.json and LICENSE")
	flag.Parse()
	if err := run(*from, *to); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(from, to string) error {
	packed, err := read(from)
	if err != nil {
		return err
	}
	if sum := sha512.Sum512(packed); base64.StdEncoding.EncodeToString(sum[:]) != integrity {
		return fmt.Errorf("%s is not version %s: its SHA-512 sum is another one", from, version)
	}
	files, err := unpack(packed, "package/dist/index.cjs", "package/LICENSE")
	if err != nil {
		return err
	}
	source := files["package/dist/index.cjs"]
	at := bytes.Index(source, []byte("const E=["))
	if at < 0 {
		return errors.New("dist/index.cjs does not begin with its data any more")
	}
	literal, err := parseLiteral(source[at+len("const E="):])
	if err != nil {
		return err
	}
	t, err := convert(literal)
	if err != nil {
		return err
	}
	out, err := encode(t)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(to, "LICENSE"), files["package/LICENSE"], 0o644); err != nil { //nolint:gosec // it is public
		return err
	}
	return os.WriteFile(filepath.Join(to, "table.json"), out, 0o644) //nolint:gosec // it is public
}

// read is the package: a file or, if none is named, what npm fetches from the registry that it is set up for.
func read(from string) ([]byte, error) {
	if from == "" {
		dir, err := os.MkdirTemp("", "gen")
		if err != nil {
			return nil, err
		}
		defer func() { _ = os.RemoveAll(dir) }() // it is a directory for temporary files
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		npm := exec.CommandContext(ctx, "npm", "pack", "--silent", "--pack-destination", dir, packaged+"@"+version) //nolint:gosec // of constants
		npm.Stderr = os.Stderr
		name, err := npm.Output()
		if err != nil {
			return nil, fmt.Errorf("npm pack %s@%s: %w", packaged, version, err)
		}
		from = filepath.Join(dir, strings.TrimSpace(string(name)))
	}
	return os.ReadFile(from) //nolint:gosec // whoever runs this says what
}

// unpack is the contents of some files of a package.
func unpack(packed []byte, names ...string) (map[string][]byte, error) {
	plain, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for archive := tar.NewReader(plain); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if header.Name == name {
				if files[name], err = io.ReadAll(io.LimitReader(archive, mostBytes)); err != nil {
					return nil, err
				}
			}
		}
	}
	for _, name := range names {
		if files[name] == nil {
			return nil, fmt.Errorf("there is no %s in the package", name)
		}
	}
	return files, nil
}

// encode writes the table with a line a model, so that a new version's changes can be read.
func encode(t *table) ([]byte, error) {
	var b bytes.Buffer
	line := func(v any) error {
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		err := e.Encode(v)
		b.Truncate(max(0, b.Len()-1))
		return err
	}
	fmt.Fprintf(&b, "{\"source\":%q,\"license\":\"MIT\",\"version\":%q,\"date\":%q,\"providers\":[", packaged, version, date)
	for i, p := range t.providers {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n{\"id\":")
		if err := errors.Join(line(p.ID), field(&b, line, "at", p.At), field(&b, line, "of", p.Of), field(&b, line, "also", p.Also)); err != nil {
			return nil, err
		}
		b.WriteString(",\"models\":[")
		for j, m := range p.Models {
			if j > 0 {
				b.WriteByte(',')
			}
			b.WriteByte('\n')
			if err := line(m); err != nil {
				return nil, err
			}
		}
		b.WriteString("]}")
	}
	b.WriteString("]}\n")
	if !json.Valid(b.Bytes()) {
		return nil, errors.New("what was made is not JSON")
	}
	return b.Bytes(), nil
}

// field writes one that is not empty.
func field[T any](b *bytes.Buffer, line func(any) error, name string, value T) error {
	if text, err := json.Marshal(value); err != nil || string(text) == "null" || string(text) == `""` {
		return err
	}
	fmt.Fprintf(b, ",%q:", name)
	return line(value)
}
