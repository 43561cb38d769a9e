package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"one-api/testbed/internal/check"
)

// section is what the text for people says of one backend: the name, the signals that it promises, and its blocks of code.
type section struct {
	name, signals string
	blocks        []block
}

type block struct{ language, text string }

var heading = regexp.MustCompile(`^\*\*([^*]+)\*\*(?: \(([a-z, ]+)\))?`)

func (b *bench) sections() ([]section, error) {
	text, err := os.ReadFile(b.backendsText)
	if err != nil {
		return nil, err
	}
	var all []section
	var open *block
	for line := range strings.Lines(string(text)) {
		switch fence, isFence := strings.CutPrefix(line, "```"); {
		case isFence && open != nil:
			last := &all[len(all)-1]
			last.blocks, open = append(last.blocks, *open), nil
		case isFence && len(all) > 0:
			open = &block{language: strings.TrimSpace(fence)}
		case open != nil:
			open.text += line
		default:
			if found := heading.FindStringSubmatch(line); found != nil {
				all = append(all, section{name: found[1], signals: found[2]})
			}
		}
	}
	return all, nil
}

// snippet is the block of a section that matches.
func (b *bench) snippet(section, language string, pattern *regexp.Regexp) (string, error) {
	all, err := b.sections()
	if err != nil {
		return "", err
	}
	for _, s := range all {
		if !strings.Contains(s.name, section) {
			continue
		}
		for _, k := range s.blocks {
			if k.language == language && pattern.MatchString(k.text) {
				return k.text, nil
			}
		}
	}
	return "", fmt.Errorf("%s has no %s for %s that says %s", b.backendsText, language, section, pattern)
}

// secret is what stands in for keys.
const secret = "check-secret-3141"

// environmentOf reads the lines of a .env file: those for the relay and those for the collector.
func environmentOf(text string) (relay, collector []string) {
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		value = strings.ReplaceAll(strings.Trim(value, "'"), "…", secret)
		if strings.HasPrefix(name, "OTEL_") {
			relay = append(relay, name+"="+value)
		} else {
			collector = append(collector, name+"="+value)
		}
	}
	return relay, collector
}

var origin = regexp.MustCompile(`https://[^/\s"']+`)

// snippets tries those of all hosted backends: each is given to the bundle as it stands, but for the address and the key.
func (b *bench) snippets(ctx context.Context) error {
	all, err := b.sections()
	if err != nil {
		return err
	}
	papers, err := newPapers(b.file(b.name + "-authority.pem"))
	if err != nil {
		return err
	}
	tried := 0
	own := b.name
	defer func() { b.name = own }()
	for _, s := range all {
		text, more := "", []string(nil)
		for _, k := range s.blocks {
			switch {
			case k.language == "sh" && strings.Contains(k.text, "OTLP_BACKEND_ENDPOINT=https://"):
				text = k.text
			case k.language == "yaml" && strings.Contains(k.text, "cumulative_to_delta"):
				more = append(more, k.text)
			}
		}
		if text == "" {
			continue
		}
		if len(more) > 0 && b.fuller == "" {
			fmt.Fprintf(b.out, "        %s is skipped: there is no fuller-collector\n", s.name)
			continue
		}
		tried++
		b.name = own + "-" + strings.ToLower(strings.ReplaceAll(s.name, " ", "-"))
		if err := b.hosted(ctx, s, text, more, papers); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		b.end()
	}
	b.report.That(tried >= 3, "%d snippets of hosted backends", tried)
	return nil
}

func (b *bench) hosted(ctx context.Context, of section, text string, more []string, p *papers) error {
	sink, err := b.startSink(p)
	if err != nil {
		return err
	}
	sink.deltasOnly = len(more) > 0
	endpoint := strings.TrimSpace(regexp.MustCompile(`OTLP_BACKEND_ENDPOINT=(.*)`).FindStringSubmatch(text)[1])
	path := origin.ReplaceAllString(endpoint, "")
	ofRelay, ofCollector := environmentOf(origin.ReplaceAllString(text, sink.url()))
	binary := b.collector
	if len(more) > 0 {
		binary = b.fuller
	}
	pipe, err := b.startCollector(ctx, binary, append(ofCollector, "SSL_CERT_FILE="+p.authority), more...)
	if err != nil {
		return err
	}
	r, err := b.startRelay(ctx, "relay", append(pipe.toCollector(), ofRelay...)...)
	if err != nil {
		return err
	}
	e := b.use(ctx, r)
	return b.hasAll(ctx, sink, of, path, ofCollector, e)
}

// hasAll checks that a stand-in got what a section promises: every signal at its path, with the headers, and with the right sums.
func (b *bench) hasAll(ctx context.Context, s *sink, of section, path string, environment []string, e expected) error {
	signals := strings.Split(of.signals, ", ")
	if slices.Contains(signals, "metrics") {
		if err := b.sinkAgrees(ctx, s, e); err != nil {
			return err
		}
	}
	if slices.Contains(signals, "traces") {
		want := e.ends()
		got, err := wait(ctx, want, func() (check.Table, error) { return s.traced(), nil })
		if err != nil {
			return err
		}
		b.report.Equal("attempts by channel and outcome, of the spans", want, got)
	}
	wanted := map[string]string{}
	for _, line := range environment {
		if value, ok := strings.CutPrefix(line, "OTLP_BACKEND_HEADERS="); ok {
			if err := json.Unmarshal([]byte(value), &wanted); err != nil {
				return fmt.Errorf("the headers are no JSON: %w", err)
			}
		}
	}
	for _, signal := range []string{"metrics", "traces", "logs"} {
		at := path + "/v1/" + signal
		promised := slices.Contains(signals, signal)
		_ = until(ctx, arrivalTimeout/4, func() (bool, error) { return !promised || s.header(at) != nil, nil })
		header := s.header(at)
		b.report.That((header != nil) == promised, "%s: %s at %s, promised: %v", of.name, signal, at, promised)
		if header == nil {
			continue
		}
		for name, value := range wanted {
			b.report.That(header.Get(name) == value && header.Get("Content-Encoding") == "gzip",
				"%s: %s come packed and with the header %s", of.name, signal, name)
		}
	}
	return nil
}

// second gives everything to two backends, as the text says.
func (b *bench) second(ctx context.Context) error {
	text, err := b.snippet("A second backend", "yaml", regexp.MustCompile(`otlp_http/second`))
	if err != nil {
		return err
	}
	variables, err := b.snippet("A second backend", "sh", regexp.MustCompile(`OTEL_LOGS_EXPORTER`))
	if err != nil {
		return err
	}
	papers, err := newPapers(b.file(b.name + "-authority.pem"))
	if err != nil {
		return err
	}
	first, err := b.startSink(nil)
	if err != nil {
		return err
	}
	second, err := b.startSink(papers)
	if err != nil {
		return err
	}
	if text, err = swap(text, origin.String(), second.url()); err != nil {
		return err
	}
	ofRelay, _ := environmentOf(variables)
	pipe, err := b.startCollector(ctx, b.collector, []string{"OTLP_BACKEND_ENDPOINT=" + first.url(), "SECOND_TOKEN=" + secret, "SSL_CERT_FILE=" + papers.authority}, text)
	if err != nil {
		return err
	}
	r, err := b.startRelay(ctx, "relay", append(pipe.toCollector(), ofRelay...)...)
	if err != nil {
		return err
	}
	e := b.use(ctx, r)
	if err := b.sinkAgrees(ctx, first, e); err != nil {
		return err
	}
	headers := []string{`OTLP_BACKEND_HEADERS={"authorization": "Bearer ` + secret + `"}`}
	return b.hasAll(ctx, second, section{name: "the second backend", signals: "metrics, traces, logs"}, "", headers, e)
}
