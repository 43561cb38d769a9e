package exchange

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryShapeOfAListOfModelsIsRead(t *testing.T) {
	for body, want := range map[string][]string{
		`{"data":[{"id":"a"},{"id":"b"}],"rest":[`:               {"a", "b"},
		`{"object":"list","has_more":true,"data":[{"id":"a"}]}`:  {"a"},
		`{"models":[{"name":"models/a"},{"name":"b","id":"c"}]}`: {"a", "c"},
		`[{"id":"a","object":"model"}]`:                          {"a"},
		`{"data":[]}`:                                            {},
	} {
		names, err := listedNames(strings.NewReader(body))
		require.NoError(t, err, body)
		require.Equal(t, want, names, body)
	}
	for _, body := range []string{"", "null", "7", `{"data":null}`, `{"data":{}}`, `{"data":["a"]}`, `{"data":[{"id":7}]}`, `{}`, `{"data":[{"id":"a"}`, `{"a":`} {
		_, err := listedNames(strings.NewReader(body))
		require.Error(t, err, body)
	}
	names, err := listedNames(strings.NewReader(`[` + strings.Repeat(`{"id":"a"},`, 2*listingNames) + `{"id":"a"}]`))
	require.NoError(t, err)
	require.Len(t, names, listingNames)
}
