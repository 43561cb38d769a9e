package exchange

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"strings"
	"unicode"

	"one-api/relay/channel"
	"one-api/relay/membudget"
	"one-api/relay/outcome"
)

// Bounds of a list of models.
const (
	listingBytes  = 4 << 20
	listingNames  = 5000
	longestListed = 256
)

// ListModels lists, sorted, the models that a token may ask for. See Set.ListModels.
func (d *Door) ListModels(ctx context.Context, set *channel.Set, who channel.Caller) []string {
	return set.ListModels(ctx, who, d.askForList)
}

// askForList asks in a goroutine that takes itself out of every count when it ends, which is after questionTimeout at the latest.
func (d *Door) askForList(c *channel.Channel, tell channel.Tell) {
	ctx, ended := d.questions.begin()
	go func() {
		defer ended()
		var names []string
		failure := outcome.Panicked()
		defer func() {
			if p := recover(); p != nil {
				d.options.Log.Error("panic in a question for the list of models", "channel", c.Name, "panic", fmt.Sprint(p),
					"stack", string(debug.Stack()))
			}
			news := tell(names, failure == nil)
			if failure == nil {
				return
			}
			level, message := slog.LevelDebug, "the list of models could not be had"
			if news {
				level = slog.LevelWarn
				message += ": clients see nothing of what the channel's globs cover on theirs, unless models names it"
			}
			d.options.Log.Log(ctx, level, message, "channel", c.Name, "outcome", failure.Outcome.String(), "detail", failure.Detail)
		}()
		failure = d.list(ctx, c, c.AnyKey(), func(x *Exchange) (f *outcome.Failure) {
			names, f = x.readListing()
			return f
		})
	}()
}

// readListing reads the names on a list of models.
func (x *Exchange) readListing() ([]string, *outcome.Failure) {
	var held membudget.Lease
	held.Of(x.door.options.Budget)
	defer held.Release()
	if held.Hold(listingBytes) != nil || !x.body.unpack(x.answer.Encoding) {
		return nil, outcome.Malformed("the list of models cannot be read")
	}
	source := &failing{r: &x.body}
	answer := bufio.NewReader(io.LimitReader(source, listingBytes))
	if begin, _ := answer.Peek(64); isPage(begin) {
		return nil, outcome.WebPage()
	}
	names, err := listedNames(answer)
	switch {
	case err == nil:
		return names, nil
	case source.err != nil: // what was read is no list for lack of the rest
		return nil, x.broken(source.err, true)
	}
	return nil, outcome.Malformed("the list of models is none that is known: " + err.Error())
}

// failing keeps why a reader ended, if it was not that it came to its end.
type failing struct {
	r   io.Reader
	err error
}

// Read is io.Reader's.
func (f *failing) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}

// listedNames reads the ids of {"data":[{"id":…}]}, of {"models":[{"name":…}]}, and of a bare array of such objects.
func listedNames(r io.Reader) ([]string, error) {
	d := json.NewDecoder(r)
	open, err := d.Token()
	if err != nil {
		return nil, err
	}
	names := []string{}
	if open == json.Delim('[') {
		return appendListed(names, d)
	}
	if open != json.Delim('{') {
		return nil, errors.New("it is no object")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		if name != "data" && name != "models" {
			var skipped json.RawMessage
			if err := d.Decode(&skipped); err != nil {
				return nil, err
			}
			continue
		}
		open, err := d.Token()
		if err != nil {
			return nil, err
		}
		if open != json.Delim('[') {
			return nil, errors.New("its data are no array")
		}
		return appendListed(names, d)
	}
	return nil, errors.New("it has no data")
}

func appendListed(names []string, d *json.Decoder) ([]string, error) {
	for d.More() && len(names) < listingNames {
		var model struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		}
		if err := d.Decode(&model); err != nil {
			return nil, err
		}
		if model.ID == "" {
			model.ID = strings.TrimPrefix(model.Name, "models/") // which Gemini has in front of each
		}
		if showable(model.ID) {
			names = append(names, model.ID)
		}
	}
	if len(names) < listingNames {
		if _, err := d.Token(); err != nil { // the array's end
			return nil, err
		}
	}
	return names, nil
}

// showable keeps out of a client's list what could be anything but a model's name there.
func showable(name string) bool {
	if name == "" || len(name) > longestListed {
		return false
	}
	for _, r := range name {
		if !unicode.IsGraphic(r) || r == unicode.ReplacementChar {
			return false
		}
	}
	return true
}
