package sdk

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"
	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
	"one-api/testbed/standin"
)

const create = `{"type":"response.create","model":"m","store":false,"input":"Hi!"}`

// TestOpenAIsSDKIsServedOverAWebsocketByEveryProvider makes a turn with a tool, of which the second half is only what is new: the
// provider behind knows nothing of the first, and is strict about what it is sent.
func TestOpenAIsSDKIsServedOverAWebsocketByEveryProvider(t *testing.T) {
	for name, behind := range behindResponses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, server := imitating(t, behind.dialect, behind.options, standin.Answer{
				Text: []string{"I ", "look."}, Calls: []standin.Call{{ID: "call_1", Name: "get_weather", Arguments: []string{`{"city":`, `"Paris"}`}}},
			}, standin.Answer{Text: []string{"Fine."}})
			client := sdktest.OpenAIClient(r)
			conn, err := client.Responses.Connect(context.Background(), responses.ResponseConnectionOptions{})
			require.NoError(t, err)
			defer conn.Close()
			tools := []responses.ToolUnionParam{responses.ToolParamOfFunction("get_weather", map[string]any{"type": "object", "properties": map[string]any{}}, false)}
			require.NoError(t, conn.Create(context.Background(), responses.ResponsesClientEventResponseCreateParam{
				Model: "m", Store: param.NewOpt(false), Tools: tools, Input: responses.ResponsesClientEventResponseCreateInputUnionParam{OfString: param.NewOpt("Weather?")},
			}))
			text, first := saidOver(t, conn)
			require.Equal(t, "I look.", text)
			require.EqualValues(t, standin.Input, first.Usage.InputTokens)
			require.NoError(t, conn.Create(context.Background(), responses.ResponsesClientEventResponseCreateParam{
				Model: "m", Store: param.NewOpt(false), Tools: tools, PreviousResponseID: param.NewOpt(first.ID),
				Input: responses.ResponsesClientEventResponseCreateInputUnionParam{OfResponse: &responses.ResponseInputParam{
					{OfFunctionCallOutput: &responses.ResponseInputItemFunctionCallOutputParam{CallID: param.NewOpt("call_1"),
						Output: responses.ResponseInputItemFunctionCallOutputOutputUnionParam{OfString: param.NewOpt("sunny")}}},
				}},
			}))
			text, _ = saidOver(t, conn)
			require.Equal(t, "Fine.", text)
			require.Empty(t, server.Refused())
			require.Equal(t, []string{"completed", "completed"}, r.Outcomes(2))
			require.Equal(t, behind.usage, r.Attempt(0).Usage)
			require.NoError(t, conn.Close())
			requireNoSockets(r)
			r.RequireQuiet(harness.AmongOthers)
		})
	}
}

// saidOver is the text of one response, and the response.
func saidOver(t *testing.T, conn *responses.ResponseConnection) (text string, whole responses.Response) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	for {
		event, err := conn.Recv(ctx)
		require.NoError(t, err)
		switch e := event.AsAny().(type) {
		case responses.ResponsesServerEventResponseTextWsDelta:
			text += e.Delta
		case responses.ResponsesServerEventResponseWsCompleted:
			return text, e.Response
		case responses.ResponsesServerEventResponseWsError:
			require.FailNow(t, "an error", event.RawJSON())
		case responses.ResponsesServerEventResponseWsFailed:
			require.FailNow(t, "a failure", event.RawJSON())
		}
	}
}

func TestAWebsocketIsRefusedOverHTTPBeforeItIsOne(t *testing.T) {
	r := harness.StartRelay(t, "channels: [{name: a, type: openai, base_url: 'http://127.0.0.1:9', models: [m]}]\n")
	upgrade := map[string]string{"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
	for name, c := range map[string]struct {
		header map[string]string
		status int
		code   any
	}{
		"a plain GET":             {map[string]string{"Upgrade": "", "Connection": ""}, http.StatusUpgradeRequired, nil},
		"no key":                  {map[string]string{"Authorization": ""}, http.StatusUnauthorized, "invalid_api_key"},
		"a wrong key":             {map[string]string{"Authorization": "Bearer sk-wrong"}, http.StatusUnauthorized, "invalid_api_key"},
		"a wrong key of a page's": {map[string]string{"Authorization": "", "Sec-WebSocket-Protocol": "realtime, openai-insecure-api-key.sk-wrong"}, http.StatusUnauthorized, "invalid_api_key"},
		"an old protocol":         {map[string]string{"Sec-WebSocket-Version": "8"}, http.StatusUpgradeRequired, nil},
		"no Connection: Upgrade":  {map[string]string{"Connection": "close"}, http.StatusBadRequest, nil},
		"no nonce":                {map[string]string{"Sec-WebSocket-Key": ""}, http.StatusBadRequest, nil},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequest(http.MethodGet, r.URL+"/v1/responses", nil)
			require.NoError(t, err)
			request.Header.Set("Authorization", "Bearer "+harness.Key)
			for _, headers := range []map[string]string{upgrade, c.header} {
				for name, value := range headers {
					if request.Header.Del(name); value != "" {
						request.Header.Set(name, value)
					}
				}
			}
			response, err := r.Client.Do(request)
			require.NoError(t, err)
			defer response.Body.Close()
			require.Equal(t, c.status, response.StatusCode)
			require.NotEmpty(t, response.Header.Get("X-Oneapi-Request-Id"))
			if c.status == http.StatusUpgradeRequired {
				require.Equal(t, "websocket", response.Header.Get("Upgrade"), "a 426 says to what (RFC 9110, section 15.5.22)")
			}
			answer := harness.ReadAll(t, response)
			require.Equal(t, c.code, harness.ErrorOf(t, answer)["code"], answer)
			require.NotContains(t, r.Log.String(), "sk-wrong")
		})
	}
	requireNoSockets(r)
}

func TestAPagesKeyOpensAWebsocket(t *testing.T) {
	r, _ := imitating(t, standin.OpenAI{}, "", standin.Answer{Text: []string{"a"}})
	conn, response, err := dials(r, "/v1/responses", http.Header{"Authorization": {"Bearer none"}, "Origin": {"https://page.example"}}, "openai-insecure-api-key."+harness.Key)
	require.NoError(t, err)
	require.Empty(t, response.Header.Get("Sec-WebSocket-Protocol"), "a key is no protocol that is agreed on")
	c := &wsClient{t, conn}
	c.says(create)
	require.Equal(t, "completed", at(last(c.until("response.completed", "error", "response.failed")), "response", "status"))
	require.NoError(t, conn.Close(websocket.StatusNormalClosure, ""))
	require.NotContains(t, r.Log.String(), harness.Key)
}

func TestErrorsOnAWebsocketHaveTheirStatusAndCodeAndLeaveItOpen(t *testing.T) {
	r, _ := imitating(t, standin.OpenAI{}, "", standin.Answer{Text: []string{"a"}})
	c := connects(r, t, "/v1/responses")
	for name, ask := range map[string]struct {
		message string
		status  int
		code    any
	}{
		"no JSON":               {`{"type":`, 400, nil},
		"no type":               {`{"model":"m","input":"a"}`, 400, nil},
		"an unknown type":       {`{"type":"response.dance"}`, 400, nil},
		"no model":              {`{"type":"response.create","input":"a"}`, 400, nil},
		"an unknown model":      {`{"type":"response.create","model":"none","input":"a"}`, 404, "model_not_found"},
		"a model to prepare":    {`{"type":"response.create","model":"none","generate":false,"input":"a"}`, 404, "model_not_found"},
		"in the background":     {`{"type":"response.create","model":"m","background":true,"input":"a"}`, 400, nil},
		"a bad lane":            {`{"type":"response.create","model":"m","stream_id":"a b","input":"a"}`, 400, nil},
		"a response of nobody":  {`{"type":"response.create","model":"m","previous_response_id":"resp_1","input":"a"}`, 400, "previous_response_not_found"},
		"to prepare that":       {`{"type":"response.create","model":"m","generate":false,"previous_response_id":"resp_1","input":"a"}`, 400, "previous_response_not_found"},
		"what no format can do": {`{"type":"response.create","model":"m","input":"a","tools":[{"type":"web_search"}]}`, 400, nil},
	} {
		c.says(ask.message)
		event := c.hears()
		require.Equal(t, "error", event["type"], name)
		require.EqualValues(t, ask.status, event["status"], "%s: %v", name, event)
		require.Equal(t, ask.code, at(event, "error", "code"), "%s: %v", name, event)
		require.NotEmpty(t, at(event, "error", "message"), name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	require.NoError(t, c.conn.Write(ctx, websocket.MessageBinary, []byte(create)))
	require.EqualValues(t, 400, c.hears()["status"])
	c.says(`{"type":"response.processed","response_id":"resp_1"}`) // Codex's, which nobody answers
	c.says(`{"type":"response.steer","previous_response_id":"resp_1","input":"Stop!"}`)
	require.Equal(t, "steering_not_supported", at(c.hears(), "error", "code"))
	c.says(create)
	require.Equal(t, "completed", at(last(c.until("response.completed", "error")), "response", "status"), "the connection is good all the same")
}

func TestEventsRepeatTheLaneThatTheyBelongTo(t *testing.T) {
	r, _ := imitating(t, standin.Responses{}, ", api: responses", standin.Answer{Text: []string{"a"}})
	c := connects(r, t, "/v1/responses")
	c.says(`{"type":"response.create","stream_id":"one","model":"m","input":"a"}`)
	c.says(`{"type":"response.create","stream_id":"two","model":"m","input":"a"}`)
	for _, lane := range []string{"one", "two"} {
		for _, event := range c.until("response.completed", "error") {
			require.Equal(t, lane, event["stream_id"])
		}
	}
	c.says(`{"type":"response.create","stream_id":"three","model":"none","input":"a"}`)
	event := c.hears()
	require.Equal(t, "error", event["type"])
	require.Equal(t, "three", event["stream_id"])
}

func TestARequestCanBePreparedAndGoneOnFrom(t *testing.T) {
	r, server := imitating(t, standin.Anthropic{}, "", standin.Answer{Text: []string{"a"}})
	c := connects(r, t, "/v1/responses")
	c.says(`{"type":"response.create","model":"m","store":false,"generate":false,"instructions":"Be brief.","input":[{"type":"message","role":"user","content":"the first"}]}`)
	prepared := c.until("response.completed", "error")
	require.Len(t, prepared, 2, "response.created, and the end")
	require.Empty(t, server.Asked(), "nothing is asked of anybody")
	id := at(last(prepared), "response", "id").(string)
	c.says(fmt.Sprintf(`{"type":"response.create","model":"m","store":false,"instructions":"Be brief.","previous_response_id":%q,"input":[{"type":"message","role":"user","content":"the second"}]}`, id))
	require.Equal(t, "completed", at(last(c.until("response.completed", "error")), "response", "status"), server.Refused())
	sent := string(server.Asked()[0].Text)
	require.Contains(t, sent, "the first")
	require.Contains(t, sent, "the second")
	require.Contains(t, sent, "Be brief.")
}

func TestWhatAnUpstreamKeepsIsReferredToByItsID(t *testing.T) {
	r, server := imitating(t, standin.Responses{}, ", api: responses", standin.Answer{Text: []string{"a"}})
	c := connects(r, t, "/v1/responses")
	c.says(`{"type":"response.create","model":"m","input":"the first"}`)
	id := at(last(c.until("response.completed", "error")), "response", "id")
	c.says(fmt.Sprintf(`{"type":"response.create","model":"m","previous_response_id":%q,"input":"the second"}`, id))
	require.Equal(t, "completed", at(last(c.until("response.completed", "error")), "response", "status"), server.Refused())
	require.Equal(t, id, server.Asked()[1].Body["previous_response_id"])
	require.NotContains(t, string(server.Asked()[1].Text), "the first")
}

func TestTheGoroutinesOfWebsocketsAreExplained(t *testing.T) {
	u, finish := harness.HalfStream(t)
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	before := r.Server.ExpectedGoroutines()
	const idle, busy = 20, 10
	var clients []*wsClient
	for n := range idle + busy {
		c := connects(r, t, "/v1/responses")
		clients = append(clients, c)
		if n < busy {
			c.says(create)
			c.until("response.output_text.delta")
		}
	}
	r.Eventually("two goroutines of each, and no others, which are accounted for", func() bool {
		return r.Server.ExpectedGoroutines() == before+2*(idle+busy) &&
			goroutinesAt("turns.(*connection).serve(") == idle+busy && goroutinesAt("turns.(*connection).reads(") == idle+busy && goroutinesAt("github.com/coder/websocket.") == idle+busy
	})
	_, report := r.Get("/api/monitor/goroutines")
	for _, of := range report["by_channel"].([]any) {
		if of := of.(map[string]any); of["channel"] == "a" {
			require.EqualValues(t, busy, of["goroutines"], "one of each call that is under way")
		}
	}
	close(finish)
	for _, c := range clients {
		_ = c.conn.CloseNow()
	}
	requireNoSockets(r)
	r.RequireQuiet(harness.AmongOthers, u)
	r.Eventually("as many goroutines as before", func() bool { return r.Server.ExpectedGoroutines() == before })
}

// goroutinesAt is how many have a function on their stack, by a part of its name.
func goroutinesAt(function string) (n int) {
	stacks := make([]byte, 4<<20)
	for stack := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
		if strings.Contains(stack, function) {
			n++
		}
	}
	return n
}

func TestTheEndOfEachCallOnAWebsocketIsRecorded(t *testing.T) {
	r, _ := imitating(t, standin.OpenAI{}, "", standin.Answer{Text: []string{"a"}})
	c := connects(r, t, "/v1/responses")
	c.says(create)
	c.until("response.completed")
	c.says(`{"type":"response.create","model":"none","input":"a"}`)
	c.until("error")
	r.Eventually("ends", func() bool { return len(r.RequestEnds()) == 2 })
	for i, status := range []int{200, 404} {
		end := r.RequestEnd(i)
		require.Equal(t, wire.ResponsesCreate, end.Endpoint)
		require.Equal(t, "test", end.Token)
		require.Equal(t, status, end.Status)
	}
	require.NotEqual(t, r.RequestEnd(0).RequestID, r.RequestEnd(1).RequestID)
}
