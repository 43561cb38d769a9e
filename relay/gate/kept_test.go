package gate

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatARequestRefersToIsFoundWhereverItStands(t *testing.T) {
	all, stores := references([]byte(`{"previous_response_id":"resp_1","previous\u005fresponse_id":"resp_2","conversation":{"id":"conv_1"},"store":false,"input":[
		{"type":"item_reference","id":"msg_1"},{"type":"message","id":"msg_2","role":"user","content":[{"type":"input_file","file_id":"file_1"},{"type":"input_text","text":"item_reference"}]},
		{"type":"reasoning","id":"rs_1","summary":[]},{"type":"reasoning","id":"rs_oneapi_3_0","summary":[]},{"type":"reasoning","id":"rs_2","summary":[],"encrypted_content":"E"},
		{"type":"function_call_output","call_id":"c","output":[{"type":"input_image","file_id":"file_2"}]},
		{"type":"computer_call_output","call_id":"c","output":{"type":"computer_screenshot","file_id":"file_3"}}],
		"tools":[{"type":"code_interpreter","container":{"type":"auto","file_ids":["file_4"]}},{"type":"code_interpreter","container":"cntr_1"},{"type":"image_generation","input_image_mask":{"file_id":"file_5"}},
		{"type":"function","name":"f","parameters":{"file_id":"x"}}]}`))
	var ids []string
	for _, r := range all {
		ids = append(ids, r.id)
	}
	require.ElementsMatch(t, []string{"resp_1", "resp_2", "conv_1", "file_1", "msg_1", "rs_1", "file_2", "file_3", "file_4", "file_5"}, ids)
	require.False(t, stores)
	all, stores = references([]byte(`{"previous_response_id":null,"conversation":"conv_2","input":"a"}`))
	require.Equal(t, []reference{{"conversation", "conv_2"}}, all)
	require.True(t, stores)
}
