package media

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/format"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// flawOf is what an inspector says is wrong; -1: nothing.
func flawOf(t *testing.T, err error) int {
	t.Helper()
	if err == nil {
		return -1
	}
	var fault *format.Fault
	require.ErrorAs(t, err, &fault)
	return int(fault.Flaw)
}

// passed is what an inspector says of an answer that passes by in pieces of so many bytes.
func passed(f *format.Format, answer string, size int) (wire.Usage, error) {
	t := f.Inspect(1)
	w := t.(format.Watcher)
	for len(answer) > 0 {
		n := min(size, len(answer))
		w.See([]byte(answer[:n]))
		answer = answer[n:]
	}
	err := w.Seen()
	return t.Usage(), err
}

func TestTheCostOfAnAnswerIsReadWholeAndInPassing(t *testing.T) {
	picture := strings.Repeat("QUJD", 50_000)
	for name, tc := range map[string]struct {
		of     *format.Format
		answer string
		want   wire.Usage
	}{
		"images": {Images, `{"created":1,"data":[{"b64_json":"` + picture + `"}],"usage":{"input_tokens":20,"input_tokens_details":{"text_tokens":12,"image_tokens":8},"output_tokens":272,"total_tokens":292}}`,
			wire.Usage{Uncached: 12, ImageIn: 8, ImageOut: 272}},
		"images, with words": {Images, `{"data":[{}],"usage":{"input_tokens":20,"output_tokens":272,"output_tokens_details":{"text_tokens":72,"image_tokens":200}}}`,
			wire.Usage{Uncached: 20, Text: 72, ImageOut: 200}},
		"a transcription": {Audio, `{"text":"a","usage":{"type":"tokens","input_tokens":14,"input_token_details":{"text_tokens":4,"audio_tokens":10},"output_tokens":45,"total_tokens":59}}`,
			wire.Usage{Uncached: 4, AudioIn: 10, Text: 45}},
		"by seconds":         {Audio, `{"text":"a","usage":{"type":"duration","seconds":7}}`, wire.Usage{Seconds: 7}},
		"by its length":      {Audio, `{"text":"a","duration":"6.5","segments":[]}`, wire.Usage{Seconds: 6.5}},
		"both":               {Audio, `{"duration":6.5,"text":"a","usage":{"type":"duration","seconds":7}}`, wire.Usage{Seconds: 7}},
		"no number":          {Audio, `{"text":"a","duration":"NaN"}`, wire.Usage{}},
		"rerank":             {Rerank, `{"results":[],"usage":{"total_tokens":38}}`, wire.Usage{Uncached: 38}},
		"rerank, in units":   {Rerank, `{"results":[],"meta":{"billed_units":{"search_units":2},"tokens":{"input_tokens":9}}}`, wire.Usage{SearchUnits: 2, Uncached: 9}},
		"a contradiction":    {Images, `{"data":[],"usage":{"input_tokens":3,"input_tokens_details":{"image_tokens":8}}}`, wire.Usage{ImageIn: 8, Doubtful: true}},
		"none":               {Moderations, `{"id":"m","results":[{}]}`, wire.Usage{}},
		"nothing but a text": {Images, `{"data":[{"x":"\"usage\":{\"input_tokens\":9}"}]}`, wire.Usage{}},
	} {
		whole := tc.of.Inspect(1)
		out, err := whole.Whole([]byte(tc.answer))
		require.NoError(t, err, name)
		require.Equal(t, tc.answer, string(out))
		require.Equal(t, tc.want, whole.Usage(), name)
		for _, size := range []int{1, 1000, 1 << 20} {
			u, err := passed(tc.of, tc.answer, size)
			require.NoError(t, err, name)
			require.Equal(t, tc.want, u, name)
		}
	}
}

func TestWhatIsNoAnswerIsToldWholeAndInPassing(t *testing.T) {
	for answer, want := range map[string]struct{ whole, passing int }{
		`{"data":[{"b64_json":"QUJD`:                {int(format.IsTruncated), int(format.IsTruncated)},
		`{"data":[{}]`:                              {int(format.IsTruncated), int(format.IsTruncated)},
		`{"data":[{}]}}`:                            {int(format.IsMalformed), int(format.IsMalformed)},
		`{"error":{"message":"x"}}`:                 {int(format.IsError), int(format.IsError)},
		`{"error":null,"data":[]}`:                  {-1, -1},
		`{"error":{"message":"x"},"data":null}`:     {int(format.IsError), -1},
		`{"base_resp":{"status_code":1004}}`:        {int(format.IsError), -1},
		`{"created":1}`:                             {int(format.IsMalformed), -1},
		`{"code":20015,"message":"no","data":null}`: {int(format.IsError), -1},
	} {
		_, err := Images.Inspect(1).Whole([]byte(answer))
		require.Equal(t, want.whole, flawOf(t, err), answer)
		_, err = passed(Images, answer, 5)
		require.Equal(t, want.passing, flawOf(t, err), answer)
	}
	_, err := passed(Audio, "\xFF\xFB{", 2)
	require.NoError(t, err, "sound is as it is")
}

// heard feeds a stream to an inspector, and says how it ended.
func heard(t *testing.T, choices int, events string) (done bool, u wire.Usage, err error) {
	t.Helper()
	inspector := Images.Inspect(choices)
	err = sse.Each([]byte(events), 1<<20, func(event sse.Event) error {
		step, err := inspector.Event(event)
		require.True(t, done == false || err != nil || len(step.Out) == 0)
		done = done || step.Done
		if err == nil && len(step.Out) > 0 {
			require.Equal(t, string(event.Raw), string(step.Out))
		}
		return err
	})
	if err == nil && !done {
		_, err = inspector.End()
	}
	return done, inspector.Usage(), err
}

func TestAStreamIsCompleteWithTheLastPartOfEachAnswer(t *testing.T) {
	const partial = "event: image_generation.partial_image\ndata: {\"type\":\"image_generation.partial_image\",\"b64_json\":\"QQ==\"}\n\n"
	const completed = "event: image_generation.completed\ndata: {\"type\":\"image_generation.completed\",\"b64_json\":\"QQ==\",\"usage\":{\"input_tokens\":5,\"output_tokens\":7}}\n\n"
	for name, tc := range map[string]struct {
		choices int
		events  string
		flaw    int
		out     int64
	}{
		"one":                    {0, partial + completed, -1, 7},
		"two":                    {2, partial + completed + partial + completed, -1, 14},
		"one of two":             {2, partial + completed + partial, int(format.IsTruncated), 7},
		"none":                   {1, partial, int(format.IsTruncated), 0},
		"nothing":                {1, ": ping\n\n", int(format.IsTruncated), 0},
		"another's kinds":        {1, "data: {\"b64_json\":\"QQ==\",\"index\":0}\n\n", -1, 0},
		"with a terminator":      {1, "data: {\"b64_json\":\"QQ==\",\"index\":0}\n\ndata: [DONE]\n\n", -1, 0},
		"a terminator alone":     {1, "data: [DONE]\n\n", int(format.IsMalformed), 0},
		"an error by its name":   {1, partial + "event: error\ndata: {\"type\":\"error\",\"error\":{\"message\":\"x\"}}\n\n", int(format.IsError), 0},
		"an error in an event":   {1, "data: {\"error\":{\"message\":\"x\"}}\n\n", int(format.IsError), 0},
		"no JSON":                {1, "data: {\"b64_json\":\n\n", int(format.IsMalformed), 0},
		"a kind nobody knows of": {1, "data: {\"type\":\"image_generation.thinking\",\"b64_json\":\"\"}\n\n" + completed, -1, 7},
	} {
		_, u, err := heard(t, tc.choices, tc.events)
		require.Equal(t, tc.flaw, flawOf(t, err), name)
		require.Equal(t, tc.out, u.ImageOut, name)
	}
}

func FuzzInspector(f *testing.F) {
	f.Add([]byte(`{"data":[],"usage":{"input_tokens":1}}`), 3)
	f.Add([]byte(`{"text":"a","duration":1.5}`), 1)
	f.Fuzz(func(t *testing.T, answer []byte, size int) {
		for _, of := range []*format.Format{Images, Audio, Moderations, Rerank} {
			whole := of.Inspect(1)
			_, err := whole.Whole(answer)
			u, passing := passed(of, string(answer), max(1, size))
			if err == nil {
				require.NoError(t, passing)
				if !strings.ContainsRune(string(answer), '\\') && len(answer) < 4000 && strings.Count(string(answer), `"usage"`) < 2 && strings.Count(string(answer), `"meta"`) < 2 {
					require.Equal(t, whole.Usage(), u)
				}
			}
			var fault *format.Fault
			if errors.As(err, &fault) && fault.Flaw == format.IsTruncated && len(answer) > 0 && strings.TrimLeft(string(answer), " \t\r\n") != "" {
				require.Error(t, passing, "%q", answer)
			}
		}
	})
}
