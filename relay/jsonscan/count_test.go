package jsonscan

import "testing"

func TestACountIsReadAsAWholeNumberWithAndWithoutAPointAndAsText(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "7": 7, "7.0": 7, "7.000": 7, "9223372036854775807": 1<<63 - 1, `"7"`: 7, `"7.0"`: 7, `"0"`: 0} {
		if n, ok := Count([]byte(text)); !ok || n != want {
			t.Errorf("%s is %d, %v", text, n, ok)
		}
	}
	for _, text := range []string{"", "-1", "-0.0", "7.5", ".0", "7.", "null", `""`, `"`, `"seven"`, `"7`, `7"`, `""7""`, `"7 "`, `"\u0037"`, "[7]", "1e3", "9223372036854775808", `" 7"`, "true", `"-7"`, `"+7"`} {
		if n, ok := Count([]byte(text)); ok {
			t.Errorf("%s is %d", text, n)
		}
	}
	if allocs := testing.AllocsPerRun(100, func() { Count([]byte("1234.0")) }); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
