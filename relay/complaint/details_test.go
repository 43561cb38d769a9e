package complaint

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOfAnErrorsDetailsTheNamesArePassedOn(t *testing.T) {
	for details, want := range map[string]string{
		`{"error_code":"thread_not_found"}`: `{"error_code":"thread_not_found"}`,
		`{"error_code":"thread_unsupported_request","unsupported":["thinking","cache_control","https://inner.example/x",7]}`: `{"error_code":"thread_unsupported_request","unsupported":["thinking","cache_control"]}`,
		`{"error_code":"see https://inner.example"}`: "", `{"error_code":7}`: "", `null`: "", `["thread_not_found"]`: "", `{"account":"acct_1"}`: "",
		`{"error_code":"x","unsupported":[],"account":"acct_1"}`: `{"error_code":"x"}`,
	} {
		c := Read([]byte(`{"type":"error","error":{"details":` + details + `,"type":"invalid_request_error","message":"m"},"request_id":"r"}`))
		require.NotNil(t, c, details)
		require.Equal(t, want, c.Details, details)
		require.Equal(t, "m", c.Message)
	}
}
