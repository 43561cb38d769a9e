package sse

import (
	"bytes"
	"io"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzReader checks that the way a stream is split never changes its events, that they are those of a plain reading of the
// standard, and that what Append writes is read back.
func FuzzReader(f *testing.F) {
	for _, text := range []string{
		"data: x\n\n", "event: e\r\ndata: a\r\ndata\r\n\r\n: ping\n\ndata:y", "\uFEFFdata: é\r\rdata: [DONE]", "id: 1\n: c\nevent\n\n\n",
		"data: a\n\r\n\rdata: b\r\n\r", "\xEF\xBB", ":\r\n\r\n:\n\ndata: x\n:\n\n",
	} {
		f.Add([]byte(text), uint64(1), uint16(0))
		f.Add([]byte(text), uint64(2), uint16(9))
	}
	f.Add([]byte("    \n\n "), uint64(72), uint16(6)) // nothing but blanks, and more of them than an event may have
	f.Fuzz(func(t *testing.T, text []byte, seed uint64, maxEvent uint16) {
		most := int(maxEvent)
		if most == 0 {
			most = bound
		}
		want, wantErr := readAll(bytes.NewReader(text), most)
		random := rand.New(rand.NewPCG(seed, 0))
		for _, piece := range []int{1, 2, 1 + random.IntN(len(text)+1), 1 + random.IntN(len(text)+1)} {
			got, err := readAll(&splitReader{text, random, piece}, most)
			require.Equal(t, wantErr, err)
			require.Equal(t, want, got)
			got, err = peekAndReadAll(&splitReader{text, random, piece}, most)
			require.Equal(t, wantErr, err)
			require.Equal(t, want, got)
		}
		for _, event := range want {
			require.LessOrEqual(t, len(event.raw), most)
		}
		if most == bound {
			require.Equal(t, io.EOF, wantErr)
			requireEventsOfTheStandard(t, text, want)
		}
		requireRoundTrip(t, text, random)
	})
}

// requireRoundTrip takes a name and data from the text, writes them and everything read of the text, and reads it all back.
func requireRoundTrip(t *testing.T, text []byte, random *rand.Rand) {
	cut := random.IntN(len(text) + 1)
	name, data := text[:cut], text[cut:]
	lineEnd := regexp.MustCompile("\r\n|\r|\n")
	wantName := lineEnd.Split(string(name), 2)[0]
	wantData := lineEnd.ReplaceAllString(string(data), "\n")

	written := Append(nil, name, bytes.Clone(data))
	got, err := readAll(bytes.NewReader(written), bound)
	require.Equal(t, io.EOF, err)
	if data == nil && wantName == "" {
		require.Empty(t, got)
		return
	}
	require.Len(t, got, 1)
	require.Equal(t, wantName, string(got[0].name))
	require.Equal(t, wantData, string(got[0].data))
	require.Equal(t, string(written), got[0].raw)
	require.True(t, got[0].clean)
}

type nameAndData struct {
	name, data string
	hasData    bool
}

// requireEventsOfTheStandard parses the whole text line by line with the standard's own steps, and its two exceptions that
// Reader documents.
func requireEventsOfTheStandard(t *testing.T, text []byte, got []copied) {
	whole := strings.TrimPrefix(string(text), "\uFEFF")
	lines := regexp.MustCompile("\r\n|\r|\n").Split(whole, -1)
	var want []nameAndData
	var event nameAndData
	var data []string
	for i, line := range lines {
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			event.name = value
		case "data":
			data = append(data, value)
		}
		last := i == len(lines)-1
		if line == "" || last {
			event.data, event.hasData = strings.Join(data, "\n"), len(data) > 0
			if event.data != "" || !last && (event.hasData || event.name != "") {
				want = append(want, event)
			}
			event, data = nameAndData{}, nil
		}
	}
	var shown []nameAndData
	for _, e := range got {
		shown = append(shown, nameAndData{string(e.name), string(e.data), e.data != nil})
	}
	require.Equal(t, want, shown)
}

// A fuzzer's texts seldom fill a buffer. These make it move, grow and shrink in every state.
func TestStreamsOfMixedEventsAreReadAlikeHoweverTheyAreSplit(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		ends := []string{"\n", "\n", "\r\n", "\r"}
		fields := []string{"data: ", "data:", "data", "event: ", "event", "id: ", ": ", ":", "", "", ""}
		var text []byte
		for len(text) < 100_000 {
			text = append(text, fields[random.IntN(len(fields))]...)
			if len(text) > 0 && text[len(text)-1] == ' ' {
				text = append(text, strings.Repeat("é", random.IntN(1<<random.IntN(13)))...)
			}
			text = append(text, ends[random.IntN(len(ends))]...)
		}
		events, err := requireHoweverSplit(t, text, bound)
		require.Equal(t, io.EOF, err)
		requireEventsOfTheStandard(t, text, events)
		for _, piece := range []int{10, 1000, 5000, 100_000} {
			got, err := readAll(&splitReader{text, random, piece}, bound)
			require.Equal(t, io.EOF, err)
			require.Equal(t, events, got)
		}
	}
}
