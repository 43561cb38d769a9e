package resume

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func replayed(sent, answer string, size int) (fresh string, err error) {
	r := &replay{sent: []byte(sent)}
	for from := 0; from < len(answer); from += size {
		piece, err := r.add(answer[from:min(from+size, len(answer))])
		if err != nil {
			return fresh, err
		}
		fresh += piece
	}
	return fresh, r.end()
}

func TestAnAnswerThatIsBegunAnewSaysOnlyWhatIsNew(t *testing.T) {
	for _, size := range []int{1, 3, 1000} {
		fresh, err := replayed("ho ho ho ", "ho ho ho ho!", size)
		require.NoError(t, err)
		assert.Equal(t, "ho!", fresh)
		fresh, err = replayed("", "All of it.", size)
		require.NoError(t, err)
		assert.Equal(t, "All of it.", fresh)
		fresh, err = replayed("All of it.", "All of it.", size)
		require.NoError(t, err)
		assert.Empty(t, fresh)
	}
}

func TestAnotherAnswerIsNeverPutBehindTheOneThatTheClientHas(t *testing.T) {
	for name, answer := range map[string]string{
		"it differs at once": "Twice upon", "it differs later": "Once upon the", "it differs in white space": "Once  upon a time",
		"it ends before": "Once up", "it says nothing": "",
	} {
		for _, size := range []int{1, 4, 1000} {
			fresh, err := replayed("Once upon a ", answer, size)
			assert.Error(t, err, name)
			assert.Empty(t, fresh, name)
		}
	}
}

func FuzzReplay(f *testing.F) {
	f.Add("Once upon a ", "Once upon a time", uint8(3))
	f.Fuzz(func(t *testing.T, sent, answer string, size uint8) {
		fresh, err := replayed(sent, answer, int(size)+1)
		assert.Equal(t, strings.HasPrefix(answer, sent), err == nil)
		if err == nil {
			assert.Equal(t, answer, sent+fresh)
		} else {
			assert.Empty(t, fresh, "nothing has been passed on by then")
		}
	})
}
