package resume

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// continued is what a client has in the end, for a continuation that comes in pieces of some size.
func continued(sent, continuation string, size int, spaceHidden bool) (text string, anew bool) {
	o := newOverlap([]byte(sent), spaceHidden)
	out := []byte(sent)
	for from := 0; from < len(continuation); from += size {
		out = append(out, o.add([]byte(continuation[from:min(from+size, len(continuation))]))...)
	}
	out = append(out, o.rest()...)
	return string(out), o.beganAnew()
}

// slowlyContinued is the same by the plain way.
func slowlyContinued(sent, continuation string, size int, spaceHidden bool) (text string, anew bool) {
	o := newSlowOverlap([]byte(sent), spaceHidden)
	out := []byte(sent)
	for from := 0; from < len(continuation); from += size {
		out = append(out, o.add(continuation[from:min(from+size, len(continuation))])...)
	}
	out = append(out, o.rest()...)
	return string(out), o.beganAnew()
}

// TestTheFastSearchFindsWhatThePlainOneDoes tries texts of few letters, which have much in common with themselves.
func TestTheFastSearchFindsWhatThePlainOneDoes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	alphabets := []string{"a ", "ab ", "abc \n", "aé世 "}
	random := func(letters []rune, n int) string {
		var b strings.Builder
		for range n {
			b.WriteRune(letters[r.IntN(len(letters))])
		}
		return b.String()
	}
	for i := range 20_000 {
		letters := []rune(alphabets[i%len(alphabets)])
		sent := random(letters, r.IntN(60))
		if r.IntN(3) == 0 { // it says something several times
			sent = random(letters, r.IntN(9)) + strings.Repeat(random(letters, 1+r.IntN(6)), r.IntN(12))
		}
		continuation := random(letters, r.IntN(40))
		if r.IntN(2) == 0 { // it says again what had been said
			continuation = sent[r.IntN(len(sent)+1):] + continuation
		} else if r.IntN(2) == 0 {
			continuation = sent[:r.IntN(len(sent)+1)] + continuation
		}
		size, hidden := 1+r.IntN(9), r.IntN(3) == 0
		want, anewWanted := slowlyContinued(sent, continuation, size, hidden)
		text, anew := continued(sent, continuation, size, hidden)
		require.Equal(t, want, text, "%q after %q", continuation, sent)
		require.Equal(t, anewWanted, anew, "%q after %q", continuation, sent)
	}
}

// TestTheSearchTakesLinearTimeWhateverTheText: providers decide what is in both texts.
func TestTheSearchTakesLinearTimeWhateverTheText(t *testing.T) {
	for name, text := range map[string]func(n int) (sent, continuation string){
		"one letter": func(n int) (string, string) { return strings.Repeat("a", n), strings.Repeat("a", n) },
		"one letter, and another": func(n int) (string, string) {
			return strings.Repeat("a", n), strings.Repeat("a", n/2) + "b"
		},
		"one word": func(n int) (string, string) { return strings.Repeat("la ", n/3), strings.Repeat("la ", n/3) + "x" },
		"what fails at its end": func(n int) (string, string) {
			return strings.Repeat("a", n-1) + "c", strings.Repeat("a", n-2) + "b" + strings.Repeat("a", n)
		},
		"Fibonacci's words": func(n int) (string, string) {
			a, b := "a ", "b "
			for len(b) < n {
				a, b = b, b+a
			}
			return b, b[:len(b)/2] + "c"
		},
		"pieces that come back": func(n int) (string, string) {
			var b strings.Builder
			for i := 1; b.Len() < n; i++ {
				b.WriteString(strings.Repeat("a", i%1000) + " b")
			}
			return b.String(), b.String()[b.Len()/3:]
		},
	} {
		t.Run(name, func(t *testing.T) {
			// Far more than is remembered of an answer: in quadratic time this takes minutes.
			sent, continuation := text(2 << 20)
			began := time.Now()
			for _, size := range []int{1, 1000, len(continuation)} {
				o := newOverlap([]byte(sent), false)
				most := 0
				for from := 0; from < len(continuation); from += size {
					o.add([]byte(continuation[from:min(from+size, len(continuation))]))
					most = max(most, o.size())
				}
				o.rest()
				require.LessOrEqual(t, most, 13*len(sent), "bytes that are held meanwhile")
				require.Zero(t, o.size(), "and afterwards")
				require.Less(t, time.Since(began), 30*time.Second)
			}
		})
	}
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
	f.Add("abcabcabcabc abcabc", "abcabcabcabc abcabd", uint8(4), false)
	f.Add(strings.Repeat("la ", 40), strings.Repeat("la ", 17)+"lu", uint8(5), true)
	f.Add("a la la, a la ", "a la la, a la b", uint8(2), false)
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
		if len(sent) <= 2000 && len(continuation) <= 2000 {
			want, anewWanted := slowlyContinued(sent, continuation, int(size)+1, spaceHidden)
			assert.Equal(t, want, text)
			assert.Equal(t, anewWanted, anew)
		}
	})
}
