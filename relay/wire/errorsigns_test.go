package wire

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/jsonscan"
)

func signsIn(t *testing.T, object string) (s ErrorSigns) {
	t.Helper()
	require.NoError(t, jsonscan.Object([]byte(object), func(m jsonscan.Member) { s.Note(m) }), object)
	return s
}

func TestAnErrorIsSeenInEverySpelling(t *testing.T) {
	for _, object := range []string{
		`{"error":{"message":"m"}}`, `{"error":"m"}`, `{"error":[{"message":"m"}]}`, `{"error":true}`,
		`{"object":"error","message":"m","code":400}`, `{"type":"error"}`,
		`{"base_resp":{"status_code":1002,"status_msg":"rate limit"}}`, `{"base_resp":{"status_msg":"x","status_code":"2013"}}`,
	} {
		assert.True(t, signsIn(t, object).IsError(false), object)
		assert.True(t, signsIn(t, object).IsError(true), "beside an answer: %s", object)
	}
	for _, object := range []string{
		`{"error":""}`, `{"error":{}}`, `{"error":[]}`,
		`{"detail":"queue full"}`, `{"detail":[{"loc":["body"],"msg":"m"}]}`, `{"detail":{"error":"m"}}`,
		`{"msg":"no"}`, `{"message":"no"}`, `{"error_msg":"no","error_code":17}`, `{"errmsg":"no"}`, `{"errors":[{"message":"m"}]}`,
		`{"code":"429"}`, `{"code":429}`, `{"code":"InvalidParameter"}`, `{"code":-1}`, `{"status":503,"title":"x"}`, `{"status":"503"}`,
		`{"status":"error"}`, `{"status":"Failed"}`, `{"statusCode":500}`, `{"success":false}`, `{"fault":{"faultstring":"m"}}`, `{"err":"x"}`,
	} {
		assert.True(t, signsIn(t, object).IsError(false), object)
		assert.False(t, signsIn(t, object).IsError(true), "beside an answer: %s", object)
	}
	for _, object := range []string{
		`{}`, `{"error":null}`, `{"error":false}`, `{"error":0}`, `{"object":"chat.completion.chunk"}`, `{"type":"ping"}`,
		`{"base_resp":{"status_code":0,"status_msg":"success"}}`, `{"base_resp":null}`, `{"base_resp":7}`,
		`{"code":0,"message":"Success","sid":"x"}`, `{"code":"0","msg":"ok"}`, `{"code":200,"message":"fine"}`, `{"success":true,"message":"fine"}`,
		`{"code":null,"msg":null,"message":"","detail":null,"errors":[],"status":null}`, `{"status":"in_progress"}`, `{"status":102}`,
		`{"message":{"role":"assistant"}}`, `{"code":{}}`, `{"code":""}`, `{"code":true}`,
	} {
		assert.False(t, signsIn(t, object).IsError(false), object)
	}
}

func TestLookingForAnErrorAllocatesNothing(t *testing.T) {
	object := []byte(`{"error":null,"base_resp":{"status_code":0},"code":"InvalidParameter","status":"error","message":"m","success":true}`)
	var s ErrorSigns
	note := s.Note
	assert.Zero(t, testing.AllocsPerRun(100, func() { _ = jsonscan.Object(object, note) }))
}
