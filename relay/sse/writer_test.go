package sse

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEventsAreWrittenInCanonicalForm(t *testing.T) {
	for _, c := range []struct {
		name, data []byte
		want       string
	}{
		{nil, []byte("x"), "data: x\n\n"},
		{[]byte{}, []byte("x"), "data: x\n\n"},
		{[]byte("delta"), []byte("x"), "event: delta\ndata: x\n\n"},
		{[]byte("ping"), nil, "event: ping\n\n"},
		{nil, []byte{}, "data: \n\n"},
		{nil, []byte(" x "), "data:  x \n\n"},
		{nil, []byte("a\nb\n"), "data: a\ndata: b\ndata: \n\n"},
		{nil, []byte("a\rb\r\nc\n\rd"), "data: a\ndata: b\ndata: c\ndata: \ndata: d\n\n"},
		{nil, []byte("\r\n"), "data: \ndata: \n\n"},
		{nil, nil, "\n"},
	} {
		assert.Equal(t, c.want, string(Append(nil, c.name, c.data)))
		assert.Equal(t, "before"+c.want, string(Append([]byte("before"), c.name, c.data)))
		assert.Equal(t, c.want, string(Event{Name: c.name, Data: c.data, Raw: []byte("raw")}.AppendTo(nil)))
	}
}

func TestNeitherNameNorDataCanSmuggleInAField(t *testing.T) {
	for _, end := range []string{"\n", "\r", "\r\n", "\n\n", "\r\r"} {
		text := Append(nil, []byte("name"+end+"data: evil"), []byte("x"+end+"event: evil"))
		got, err := readAll(bytes.NewReader(text), bound)
		require.Equal(t, io.EOF, err)
		require.Len(t, got, 1)
		assert.Equal(t, "name", string(got[0].name))
		assert.Contains(t, string(got[0].data), "\nevent: evil")
	}
}

func TestAnEventThatIsNotCleanIsCleanOnceWrittenAgain(t *testing.T) {
	const text = "\uFEFF: ping\r\n\r\nid: 7\r\nevent: delta\r\n: ping\r\ndata:a\r\ndata: b\r\n\r\ndata: [DONE]"
	dirty, err := readAll(bytes.NewReader([]byte(text)), bound)
	require.Equal(t, io.EOF, err)
	var out []byte
	for _, event := range dirty {
		assert.False(t, event.clean)
		out = Event{Name: event.name, Data: event.data}.AppendTo(out)
	}
	assert.Equal(t, "event: delta\ndata: a\ndata: b\n\ndata: [DONE]\n\n", string(out))
}

func TestAppendAllocatesNothingWhereThereIsRoom(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	name, data, lines := []byte("delta"), []byte(`{"a":1}`), []byte("a\nb\r\nc")
	dst := make([]byte, 0, len("event: delta\ndata: {\"a\":1}\n\ndata: a\ndata: b\ndata: c\n\n"))
	var out []byte
	assert.Zero(t, testing.AllocsPerRun(100, func() { out = Append(Append(dst, name, data), nil, lines) }))
	assert.Len(t, out, cap(dst))
	assert.Equal(t, 1.0, testing.AllocsPerRun(100, func() { out = Append(nil, name, data) }), "one line of data is one allocation")
}
