package form

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/textproto"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// read is the parts of a body that comes in pieces of so many bytes, all of whose values are wanted.
func read(t testing.TB, boundary string, body []byte, size int) (parts []Part, start int64, err error) {
	t.Helper()
	s, err := NewScanner(boundary, func(string) bool { return true }, func(p Part) { parts = append(parts, p) })
	if err != nil {
		return nil, 0, err
	}
	for rest := body; len(rest) > 0; {
		n := min(size, len(rest))
		if _, err := s.Write(rest[:n]); err != nil {
			return nil, 0, err
		}
		rest = rest[n:]
	}
	err = s.End()
	return parts, s.Start(), err
}

func TestAFieldIsFoundWhereverItStands(t *testing.T) {
	sound := bytes.Repeat([]byte("RIFF\r\n--b\r\n-"), 100_000)
	for _, order := range []string{"file model", "model file", "model", "file file model file"} {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		require.NoError(t, w.SetBoundary("bound"))
		for _, name := range strings.Fields(order) {
			if name == "file" {
				part, err := w.CreateFormFile("file", "größe \"1\".mp3")
				require.NoError(t, err)
				_, _ = part.Write(sound)
			} else {
				require.NoError(t, w.WriteField("model", "whisper-1"))
			}
		}
		require.NoError(t, w.Close())
		for _, size := range []int{7, 4096, 64 << 10, body.Len()} {
			parts, start, err := read(t, "bound", body.Bytes(), size)
			require.NoError(t, err)
			require.Zero(t, start)
			require.Len(t, parts, len(strings.Fields(order)))
			for i, name := range strings.Fields(order) {
				p := parts[i]
				require.Equal(t, name, p.Name)
				require.Equal(t, name == "file", p.File)
				content := body.Bytes()[p.From:p.To]
				if name == "model" {
					require.Equal(t, "whisper-1", string(p.Value))
					require.Equal(t, "whisper-1", string(content))
				} else {
					require.True(t, bytes.Equal(sound, content))
					require.True(t, p.Long)
				}
			}
		}
	}
}

func TestALargeBodyTakesNoMoreMemoryThanItsPieces(t *testing.T) {
	s, err := NewScanner("b", func(name string) bool { return name == "model" }, func(Part) {})
	require.NoError(t, err)
	piece := make([]byte, 64<<10)
	_, err = s.Write([]byte("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n"))
	require.NoError(t, err)
	_, err = s.Write(piece)
	require.NoError(t, err)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 1000 {
		_, err = s.Write(piece)
		require.NoError(t, err)
	}
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(256<<10))
}

func TestABodyThatServersReadDifferentlyIsRefused(t *testing.T) {
	const field = "Content-Disposition: form-data; name=\"model\"\r\n\r\nm"
	for name, tc := range map[string]struct{ boundary, body, says string }{
		"no boundary":             {"", "--\r\n" + field, "no usable boundary"},
		"a very long boundary":    {strings.Repeat("b", 300), "", "no usable boundary"},
		"another boundary":        {"b", "--c\r\n" + field + "\r\n--c--\r\n", "does not begin with the boundary"},
		"a preamble":              {"b", "x\r\n--b\r\n" + field + "\r\n--b--", "does not begin with the boundary"},
		"an epilogue":             {"b", "--b\r\n" + field + "\r\n--b--\r\n\r\n--b\r\n" + field, "behind the last boundary"},
		"nothing":                 {"b", "", "does not begin with the boundary"},
		"cut in a part":           {"b", "--b\r\n" + field, "ends in the middle of part 1"},
		"cut in a header":         {"b", "--b\r\n" + field + "\r\n--b\r\nContent-Dis", "ends in the middle of part 2"},
		"cut before the dashes":   {"b", "--b\r\n" + field + "\r\n--b", "ends in the middle of part 2"},
		"a bare LF":               {"b", "--b\n" + strings.ReplaceAll(field, "\r", "") + "\n--b--\n", "CR and LF"},
		"two names":               {"b", "--b\r\nContent-Disposition: form-data; name=\"file\"; name=\"model\"\r\n\r\nm\r\n--b--", "two names"},
		"a name with a charset":   {"b", "--b\r\nContent-Disposition: form-data; name*=utf-8''model\r\n\r\nm\r\n--b--", "name="},
		"two headers":             {"b", "--b\r\nContent-Disposition: form-data; name=\"file\"\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b--", "two Content-Disposition"},
		"a folded header":         {"b", "--b\r\nContent-Disposition: form-data;\r\n name=\"model\"\r\n\r\nm\r\n--b--", "begins with a space"},
		"an LF in a header":       {"b", "--b\r\nX: y\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b--", "has a CR, an LF"},
		"no header":               {"b", "--b\r\nnothing\r\n\r\nm\r\n--b--", "name: value"},
		"an attachment":           {"b", "--b\r\nContent-Disposition: attachment; name=\"model\"\r\n\r\nm\r\n--b--", "not form-data"},
		"an open quote":           {"b", "--b\r\nContent-Disposition: form-data; name=\"model\r\n\r\nm\r\n--b--", "quote"},
		"no empty line":           {"b", "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n--b--", "followed by a boundary at once"},
		"words behind a boundary": {"b", "--b\r\n" + field + "\r\n--b x\r\n\r\n--b--", "stands on the line"},
		"one dash":                {"b", "--b\r\n" + field + "\r\n--b-\r\n", "single dash"},
		"a huge header":           {"b", "--b\r\nX: " + strings.Repeat("y", 9000) + "\r\n\r\nm\r\n--b--", "larger than 8 KiB"},
		"many parts":              {"b", strings.Repeat("--b\r\n"+field+"\r\n", 1001) + "--b--", "more than 1000"},
	} {
		for _, size := range []int{1, 1 << 20} {
			_, _, err := read(t, tc.boundary, []byte(tc.body), size)
			require.Error(t, err, name)
			require.Contains(t, err.Error(), tc.says, name)
		}
	}
}

func TestWhatTheStandardAllowsIsRead(t *testing.T) {
	for name, body := range map[string]string{
		"empty lines around it":    "\r\n--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b--\r\n\r\n",
		"spaces behind a boundary": "--b \t\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b-- \r\n",
		"no line behind the last":  "--b\r\ncontent-disposition:form-data;name=model\r\n\r\nm\r\n--b--",
	} {
		for _, size := range []int{1, 3, 1 << 20} {
			parts, start, err := read(t, "b", []byte(body), size)
			require.NoError(t, err, name)
			require.Len(t, parts, 1, name)
			require.Equal(t, "model", parts[0].Name)
			require.Equal(t, "m", string(parts[0].Value))
			require.Equal(t, "m", body[parts[0].From:parts[0].To])
			require.Equal(t, strings.Index(body, "--b\r\n"), int(start)+strings.Index(body[start:], "--b\r\n"))
		}
	}
}

// FuzzScanner holds it against mime/multipart: what it takes, that reads in the same way, wherever it is split.
func FuzzScanner(f *testing.F) {
	for _, body := range []string{
		"--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b--\r\n", "--b--", "x\r\n--b\r\n\r\n\r\n--b--", "--b\r\n\r\n--b--",
		"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a;b\\\"c\"\r\nContent-Type: x\r\n\r\na\r\n--bc\r\n--\r\n\r\n--b \r\n\r\nx\r\n--b--\t\r\nend",
		"--b\r\nContent-Disposition: form-data; name=\"model\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=41\r\n--b--",
	} {
		f.Add([]byte(body), 3)
	}
	f.Fuzz(func(t *testing.T, body []byte, size int) {
		got, start, err := read(t, "b", body, max(1, size))
		again, startAgain, errAgain := read(t, "b", body, len(body)+1)
		require.Equal(t, err == nil, errAgain == nil, "%q: %v, %v", body, err, errAgain)
		if err != nil {
			var e *Error
			require.True(t, errors.As(err, &e))
			return
		}
		require.Equal(t, again, got)
		require.Equal(t, startAgain, start)
		require.True(t, bytes.HasPrefix(body[start:], []byte("--b")), "%q", body)
		theirs := multipart.NewReader(bytes.NewReader(body), "b")
		for i := 0; ; i++ {
			part, err := theirs.NextRawPart()
			if err == io.EOF {
				require.Len(t, got, i, "%q", body)
				return
			}
			var ours textproto.ProtocolError
			if errors.As(err, &ours) || err != nil && strings.Contains(err.Error(), "malformed MIME header") {
				return // a header's name or value of which only the field's own name is looked at here
			}
			require.NoError(t, err, "%q", body)
			require.Less(t, i, len(got), "%q", body)
			content, err := io.ReadAll(part)
			require.NoError(t, err)
			require.Equal(t, string(content), string(body[got[i].From:got[i].To]), "%q", body)
			if !got[i].Long {
				require.Equal(t, string(content), string(got[i].Value))
			}
			if name := part.FormName(); name == "model" || got[i].Name == "model" {
				require.Equal(t, name, got[i].Name, "%q", body)
			}
		}
	})
}
