package resume

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// continued is what a client has in the end, for a continuation that comes in pieces of some size.
func continued(sent, continuation string, size int, spaceHidden bool) (text string, anew bool) {
	o := newOverlap([]byte(sent), spaceHidden)
	out := sent
	for from := 0; from < len(continuation); from += size {
		out += string(o.add(continuation[from:min(from+size, len(continuation))]))
	}
	out += string(o.rest())
	return out, o.beganAnew()
}

func TestAContinuationSaysNothingTwice(t *testing.T) {
	for _, c := range []struct {
		name, sent, continuation, want string
		spaceHidden                    bool
	}{
		{name: "nothing repeats", sent: "Once upon a ", continuation: "time there was", want: "Once upon a time there was"},
		{name: "the last words repeat", sent: "Once upon a time ", continuation: "a time there was", want: "Once upon a time there was"},
		{name: "all of it repeats", sent: "Once upon a time ", continuation: "Once upon a time there was", want: "Once upon a time there was"},
		{name: "all of it repeats, and that is all", sent: "Once upon a time", continuation: "Once upon a time", want: "Once upon a time"},
		{name: "the word that was cut is said whole", sent: "I like straw", continuation: "strawberries.", want: "I like strawberries."},
		{name: "the word that was cut goes on", sent: "I like straw", continuation: "berries.", want: "I like strawberries."},
		{name: "a letter in common is chance", sent: "hel", continuation: "lo", want: "hello"},
		{name: "the end of a word in common is chance", sent: "a banana", continuation: "nananana batman", want: "a banananananana batman"},
		{name: "the longest of several repetitions counts", sent: "red and blue and ", continuation: "blue and green", want: "red and blue and green"},
		{name: "only the beginning of the last words comes, so they are new", sent: "say hello world ", continuation: "hello moon", want: "say hello world hello moon"},
		{name: "what repeated before may repeat again", sent: "ho ho ho ho ", continuation: "ho ho ho ho!", want: "ho ho ho ho ho ho ho ho!"},
		{name: "a list goes on as it was", sent: "- item\n- item\n", continuation: "- item\n- done", want: "- item\n- item\n- item\n- done"},
		{name: "a sequence of tokens", sent: "tok37 tok38 tok39 ", continuation: "tok38 tok39 tok40 ", want: "tok37 tok38 tok39 tok40 "},
		{name: "one token", sent: "tok37 tok38 tok39 ", continuation: "tok39 tok40 ", want: "tok37 tok38 tok39 tok40 "},
		{name: "no words between spaces", sent: "你好,世界和", continuation: "世界和平", want: "你好,世界和平"},
		{name: "white space at the end that the upstream was not told of", sent: "a list:\n\n", continuation: "\n\n- one", want: "a list:\n\n- one", spaceHidden: true},
		{name: "white space that the upstream knew of", sent: "a line\n", continuation: "\nanother", want: "a line\n\nanother"},
		{name: "nothing was sent", continuation: "All of it.", want: "All of it."},
		{name: "nothing comes", sent: "All of it.", want: "All of it."},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, size := range []int{1, 2, 3, 7, 1000} {
				text, anew := continued(c.sent, c.continuation, size, c.spaceHidden)
				assert.Equal(t, c.want, text, "in pieces of %d", size)
				assert.False(t, anew)
			}
		})
	}
}

func TestAContinuationThatIsAnotherAnswerIsFoundOut(t *testing.T) {
	const sent = "The answer to your question is forty-two, because"
	for _, size := range []int{1, 5, 1000} {
		_, anew := continued(sent, "The answer to your question is easy: it is", size, false)
		assert.True(t, anew)
		_, anew = continued(sent, " the machine said so. The answer to your question is", size, false)
		assert.False(t, anew)
		_, anew = continued(strings.Repeat("la ", 30), strings.Repeat("la ", 10)+"lu", size, false)
		assert.False(t, anew, "text that repeats itself begins like everything that goes on with it")
	}
}

func FuzzOverlap(f *testing.F) {
	f.Add("Once upon a time ", "a time there was", uint8(3), false)
	f.Add("ho ho ho ", "ho ho ho", uint8(1), false)
	f.Add("a list:\n\n", "\n\n- one", uint8(2), true)
	f.Add("世界和", "世界和平", uint8(1), false)
	f.Fuzz(func(t *testing.T, sent, continuation string, size uint8, spaceHidden bool) {
		if len(sent) > 10_000 || len(continuation) > 10_000 {
			t.Skip()
		}
		text, anew := continued(sent, continuation, int(size)+1, spaceHidden)
		fresh, kept := strings.CutPrefix(text, sent)
		assert.True(t, kept, "what was sent cannot be taken back")
		repeated, whole := strings.CutSuffix(continuation, fresh)
		assert.True(t, whole, "all that is left out is at the beginning")
		assert.True(t, strings.HasSuffix(sent, repeated), "and it had been sent")
		for _, other := range []int{1, 4, 10_000} {
			again, anewAgain := continued(sent, continuation, other, spaceHidden)
			assert.Equal(t, text, again, "whatever the pieces")
			assert.Equal(t, anew, anewAgain)
		}
	})
}
