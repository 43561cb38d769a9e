package standin

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Gemini imitates Google's Gemini API (https://ai.google.dev/api, types as in google.golang.org/genai). Its model is of the third
// generation, which wants the signatures of its calls back.
type Gemini struct{}

// Type is Dialect's.
func (Gemini) Type() string { return "gemini" }

// Model is Dialect's.
func (Gemini) Model() string { return "gemini-3-flash-preview" }

// What every answer has in it.
const (
	GeminiAnswering = "gemini-3-flash-preview-001"
	GeminiAnswerID  = "mAitaLmkHPPlz7IPvtfUqQ4"
	GeminiSignature = "CiQB0e2Kb3nMFhWqXb+0/QeJ3rJ3lSZ3dQ=="
	// GeminiThoughts is how many tokens are thought, beside what is said, where there is a thought.
	GeminiThoughts = 5
)

// geminiVerbs are what can be asked of a model, and the members of the request.
var geminiVerbs = map[string]string{
	"generateContent": geminiMembers, "streamGenerateContent": geminiMembers, "countTokens": "contents generateContentRequest",
	"embedContent": "model content taskType title outputDimensionality", "batchEmbedContents": "requests",
}

const geminiMembers = "model systemInstruction contents tools toolConfig safetySettings generationConfig cachedContent serviceTier store"

// Refuse is Dialect's.
func (d Gemini) Refuse(r *http.Request, body map[string]any) *Refusal {
	rest, ok := strings.CutPrefix(r.URL.Path, "/v1beta/models")
	switch key := r.Header.Get("X-Goog-Api-Key"); {
	case key == "" && r.URL.Query().Get("key") == "":
		return &Refusal{Status: 403, Kind: "PERMISSION_DENIED", Message: "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API."}
	case key != Key:
		return &Refusal{Status: 400, Kind: "INVALID_ARGUMENT", Code: "API_KEY_INVALID", Message: "API key not valid. Please pass a valid API key."}
	case !ok:
		return &Refusal{Status: 404, Kind: "NOT_FOUND", Message: "Requested entity was not found."}
	case r.Method == http.MethodGet:
		return nil
	case r.Header.Get("Content-Type") != "application/json":
		return geminiWrong("Invalid JSON payload received. Unexpected token.")
	}
	at := strings.LastIndexByte(rest, ':')
	if at < 1 {
		return &Refusal{Status: 404, Kind: "NOT_FOUND", Message: "Requested entity was not found."}
	}
	model, verb := rest[1:at], rest[at+1:]
	members, known := geminiVerbs[verb]
	switch {
	case !known || model != d.Model() && !strings.Contains(model, "embedding"):
		return &Refusal{Status: 404, Kind: "NOT_FOUND", Message: "models/" + model + " is not found for API version v1beta, or is not supported for " + verb + ". Call ListModels to see the list of available models and their supported methods."}
	case verb == "streamGenerateContent" && r.URL.Query().Get("alt") != "sse": // it would be one list, which nobody here reads
		return geminiWrong("alt: this imitation streams events only.")
	}
	return refuseGemini(verb, members, model, body)
}

func refuseGemini(verb, members, model string, body map[string]any) *Refusal {
	if refused := geminiStranger(body, members, ""); refused != nil {
		return refused
	}
	switch verb {
	case "countTokens":
		if inner := jsonObject(geminiMember(body, "generateContentRequest")); inner != nil {
			if body["contents"] != nil {
				return geminiWrong("Only one of contents and generate_content_request may be set.")
			}
			return geminiRequest(inner, model)
		}
		return geminiContents(geminiMember(body, "contents"), false)
	case "embedContent":
		return geminiParts(jsonObject(body["content"]), "content")
	case "batchEmbedContents":
		for i, one := range jsonObjects(body["requests"]) {
			at := fmt.Sprintf("requests[%d]", i)
			if refused := geminiStranger(one, geminiVerbs["embedContent"], " at '"+at+"'"); refused != nil {
				return refused
			}
			if one["model"] != "models/"+model {
				return geminiWrong("* BatchEmbedContentsRequest." + at + ".model: must match the model in the request's path")
			}
			if refused := geminiParts(jsonObject(one["content"]), at+".content"); refused != nil {
				return refused
			}
		}
		return nil
	}
	return geminiRequest(body, model)
}

func geminiWrong(message string) *Refusal {
	return &Refusal{Status: 400, Kind: "INVALID_ARGUMENT", Message: message}
}

// snake is a name as a protocol buffer has it, which its JSON may have too.
func snake(name string) string {
	var b strings.Builder
	for _, r := range name {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// geminiMember is a member under either of its names.
func geminiMember(m map[string]any, name string) any {
	if v, ok := m[name]; ok {
		return v
	}
	return m[snake(name)]
}

// geminiStranger refuses a member that is not among the known ones, in whichever of its two spellings.
func geminiStranger(m map[string]any, known, where string) *Refusal {
	for name := range m {
		if !slices.ContainsFunc(strings.Fields(known), func(k string) bool { return k == name || snake(k) == name }) {
			return geminiWrong(fmt.Sprintf("Invalid JSON payload received. Unknown name %q%s: Cannot find field.", name, where))
		}
	}
	return nil
}

func geminiRequest(body map[string]any, model string) *Refusal {
	if refused := geminiStranger(body, geminiMembers, ""); refused != nil {
		return refused
	}
	if system := jsonObject(geminiMember(body, "systemInstruction")); system != nil {
		if refused := geminiParts(system, "system_instruction"); refused != nil {
			return refused
		}
	}
	if refused := geminiContents(body["contents"], strings.HasPrefix(model, "gemini-3")); refused != nil {
		return refused
	}
	if refused := geminiTools(body); refused != nil {
		return refused
	}
	return geminiGeneration(jsonObject(geminiMember(body, "generationConfig")), strings.HasPrefix(model, "gemini-3"))
}

// geminiPartMembers are what parts are made of: exactly one of those in front.
const (
	geminiData        = "text inlineData fileData functionCall functionResponse executableCode codeExecutionResult toolCall toolResponse"
	geminiPartMembers = geminiData + " thought thoughtSignature videoMetadata mediaResolution partMetadata"
)

var geminiInner = map[string]string{
	"inlineData": "mimeType data displayName", "fileData": "mimeType fileUri displayName", "functionCall": "id name args", "functionResponse": "id name response parts willContinue scheduling",
}

func geminiParts(content map[string]any, at string) *Refusal {
	if refused := geminiStranger(content, "role parts", " at '"+at+"'"); refused != nil {
		return refused
	}
	parts := jsonObjects(content["parts"])
	if len(parts) == 0 {
		return geminiWrong("* GenerateContentRequest." + at + ".parts: contents.parts must not be empty.")
	}
	for i, part := range parts {
		at := fmt.Sprintf("%s.parts[%d]", at, i)
		if refused := geminiStranger(part, geminiPartMembers, " at '"+at+"'"); refused != nil {
			return refused
		}
		n := 0
		for _, name := range strings.Fields(geminiData) {
			value := geminiMember(part, name)
			if value == nil {
				continue
			}
			n++
			if refused := geminiStranger(jsonObject(value), geminiInner[name], " at '"+at+"."+snake(name)+"'"); geminiInner[name] != "" && refused != nil {
				return refused
			}
		}
		if n != 1 {
			return geminiWrong("* GenerateContentRequest." + at + ".data: required oneof field 'data' must have one initialized field")
		}
		if blob := jsonObject(geminiMember(part, "inlineData")); blob != nil {
			data, err := base64.StdEncoding.DecodeString(jsonText(blob["data"]))
			if err != nil || len(data) == 0 || jsonText(geminiMember(blob, "mimeType")) == "" {
				return geminiWrong("Unable to process input image. Please retry or report in https://developers.generativeai.google/guide/troubleshooting")
			}
		}
		if answer := jsonObject(geminiMember(part, "functionResponse")); answer != nil && jsonObject(answer["response"]) == nil {
			return geminiWrong("Invalid value at '" + at + ".function_response.response' (type.googleapis.com/google.protobuf.Struct)")
		}
	}
	return nil
}

// geminiContents checks the roles, what each content is made of, that functions answer the calls before them, and that the calls of the
// current turn are signed.
func geminiContents(value any, signed bool) *Refusal { //nolint:cyclop // a list of what the provider refuses, in the order in which it does
	contents := jsonObjects(value)
	if one := jsonObject(value); one != nil {
		contents = []map[string]any{one}
	}
	if len(contents) == 0 {
		return geminiWrong("* GenerateContentRequest.contents: contents is not specified")
	}
	var owed []string // names of functions that were called in the last content
	turn := 0         // where the current turn begins
	for i, content := range contents {
		at, role := fmt.Sprintf("contents[%d]", i), jsonText(content["role"])
		if refused := geminiParts(content, at); refused != nil {
			return refused
		}
		var calls, answers []string
		for _, part := range jsonObjects(content["parts"]) {
			if call := jsonObject(geminiMember(part, "functionCall")); call != nil {
				calls = append(calls, jsonText(call["name"]))
			}
			if answer := jsonObject(geminiMember(part, "functionResponse")); answer != nil {
				answers = append(answers, jsonText(answer["name"]))
			}
		}
		switch {
		case role != "" && role != "user" && role != "model" && role != "function":
			return geminiWrong("Please use a valid role: user, model.")
		case len(calls) > 0 && (role != "model" || i == 0 || jsonText(contents[i-1]["role"]) == "model"):
			return geminiWrong("Please ensure that function call turn comes immediately after a user turn or after a function response turn.")
		case len(answers) != len(owed):
			return geminiWrong("Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.")
		case !sameWords(answers, owed):
			return geminiWrong("Please ensure that function response turn comes immediately after a function call turn.")
		case role != "model" && len(answers) == 0:
			turn = i
		}
		owed = calls
	}
	if len(owed) > 0 || len(contents) == 1 && contents[0]["role"] == "model" {
		return geminiWrong("Please ensure that single turn requests end with a user role or the role field is empty.")
	}
	if !signed {
		return nil
	}
	return geminiSigned(contents[turn:])
}

func sameWords(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// geminiSigned looks for the signature of the first call of each step.
func geminiSigned(contents []map[string]any) *Refusal {
	for i, content := range contents {
		for j, part := range jsonObjects(content["parts"]) {
			call := jsonObject(geminiMember(part, "functionCall"))
			if call == nil {
				continue
			}
			switch jsonText(geminiMember(part, "thoughtSignature")) {
			case GeminiSignature, "skip_thought_signature_validator", "context_engineering_is_the_way_to_go":
			case "":
				return geminiWrong(fmt.Sprintf("Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance. "+
					"Additional data, function call `default_api:%s` , position %d. Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details.", jsonText(call["name"]), i+j+1))
			default:
				return geminiWrong("Thought signature is not valid.")
			}
			break
		}
	}
	return nil
}

// geminiSchema are the members of a schema as the API has it, which is not JSON's.
const geminiSchema = "type format title description nullable enum items minItems maxItems properties required propertyOrdering anyOf minimum maximum minLength maxLength minProperties maxProperties pattern default example"

func geminiSchemaWrong(value any, at string) *Refusal {
	schema := jsonObject(value)
	if refused := geminiStranger(schema, geminiSchema, " at '"+at+"'"); refused != nil {
		return refused
	}
	for name, inner := range jsonObject(schema["properties"]) {
		if refused := geminiSchemaWrong(inner, at+".properties['"+name+"']"); refused != nil {
			return refused
		}
	}
	if schema["items"] != nil {
		return geminiSchemaWrong(schema["items"], at+".items")
	}
	if _, ok := schema["type"].(string); schema != nil && !ok && schema["anyOf"] == nil {
		return geminiWrong("Proto field is not repeating, cannot start list, or the type is missing at '" + at + "'")
	}
	return nil
}

const geminiTool = "functionDeclarations googleSearch googleSearchRetrieval codeExecution urlContext googleMaps fileSearch computerUse mcpServers"

func geminiTools(body map[string]any) *Refusal { //nolint:cyclop // a list of what the provider refuses, in the order in which it does
	declared := map[string]bool{}
	for i, tool := range jsonObjects(body["tools"]) {
		at := fmt.Sprintf("tools[%d]", i)
		if refused := geminiStranger(tool, geminiTool, " at '"+at+"'"); refused != nil {
			return refused
		}
		for j, f := range jsonObjects(geminiMember(tool, "functionDeclarations")) {
			at := fmt.Sprintf("%s.function_declarations[%d]", at, j)
			if refused := geminiStranger(f, "name description parameters parametersJsonSchema response responseJsonSchema behavior", " at '"+at+"'"); refused != nil {
				return refused
			}
			name, parameters := jsonText(f["name"]), f["parameters"]
			switch {
			case name == "" || len(name) > 64 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-") != "":
				return geminiWrong("* GenerateContentRequest." + at + ".name: Invalid function name. Must start with a letter or an underscore.")
			case parameters != nil && geminiMember(f, "parametersJsonSchema") != nil:
				return geminiWrong("* GenerateContentRequest." + at + ": only one of parameters and parameters_json_schema may be set")
			case declared[name]:
				return geminiWrong("Duplicate function declaration found: " + name)
			case parameters != nil:
				if refused := geminiSchemaWrong(parameters, at+".parameters"); refused != nil {
					return refused
				}
			}
			declared[name] = true
		}
	}
	config := jsonObject(geminiMember(body, "toolConfig"))
	if refused := geminiStranger(config, "functionCallingConfig retrievalConfig includeServerSideToolInvocations", " at 'tool_config'"); refused != nil {
		return refused
	}
	calling := jsonObject(geminiMember(config, "functionCallingConfig"))
	mode := jsonText(calling["mode"])
	allowed, _ := geminiMember(calling, "allowedFunctionNames").([]any)
	switch {
	case geminiStranger(calling, "mode allowedFunctionNames", "") != nil:
		return geminiStranger(calling, "mode allowedFunctionNames", " at 'tool_config.function_calling_config'")
	case !strings.Contains(" AUTO ANY NONE VALIDATED  ", " "+mode+" "):
		return geminiWrong("Invalid value at 'tool_config.function_calling_config.mode'")
	case mode == "ANY" && len(declared) == 0:
		return geminiWrong("Function calling config is set without function_declarations.")
	case len(allowed) > 0 && mode != "ANY" && mode != "VALIDATED":
		return geminiWrong("Allowed function names should only be set when function calling mode is ANY.")
	}
	for _, name := range allowed {
		if !declared[jsonText(name)] {
			return geminiWrong("allowed_function_names contains a function that is not declared: " + jsonText(name))
		}
	}
	return nil
}

const geminiConfig = "temperature topP topK candidateCount maxOutputTokens stopSequences seed presencePenalty frequencyPenalty responseMimeType responseSchema responseJsonSchema " +
	"responseLogprobs logprobs responseModalities speechConfig imageConfig mediaResolution thinkingConfig enableEnhancedCivicAnswers"

func geminiGeneration(config map[string]any, third bool) *Refusal {
	if refused := geminiStranger(config, geminiConfig, " at 'generation_config'"); refused != nil {
		return refused
	}
	thinking := jsonObject(geminiMember(config, "thinkingConfig"))
	if refused := geminiStranger(thinking, "includeThoughts thinkingBudget thinkingLevel", " at 'generation_config.thinking_config'"); refused != nil {
		return refused
	}
	level, budget := jsonText(geminiMember(thinking, "thinkingLevel")), geminiMember(thinking, "thinkingBudget")
	stops, _ := geminiMember(config, "stopSequences").([]any)
	temperature, _ := config["temperature"].(float64)
	schema, plain := geminiMember(config, "responseSchema"), geminiMember(config, "responseJsonSchema")
	switch {
	case level != "" && budget != nil:
		return geminiWrong("You can only set one of thinking budget and thinking level.")
	case level != "" && (!third || !strings.Contains(" MINIMAL LOW MEDIUM HIGH ", " "+level+" ")):
		return geminiWrong("Thinking level is not supported for this model.")
	case len(stops) > 5:
		return geminiWrong("Unable to submit request because it has too many stop sequences. It must have at most 5.")
	case temperature < 0 || temperature > 2:
		return geminiWrong("* GenerateContentRequest.generation_config.temperature: temperature must be in the range [0.0, 2.0].")
	case schema != nil && plain != nil:
		return geminiWrong("Only one of response_schema and response_json_schema may be set.")
	case (schema != nil || plain != nil) && geminiMember(config, "responseMimeType") != "application/json":
		return geminiWrong("For controlled generation of only JSON output, response_mime_type has to be application/json.")
	case schema != nil:
		return geminiSchemaWrong(schema, "generation_config.response_schema")
	}
	return nil
}

// ErrorBody is Dialect's.
func (Gemini) ErrorBody(r *Refusal) string {
	details := ""
	if r.Code != "" {
		details = fmt.Sprintf(`,"details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":%q,"domain":"googleapis.com","metadata":{"service":"generativelanguage.googleapis.com"}},`+
			`{"@type":"type.googleapis.com/google.rpc.LocalizedMessage","locale":"en-US","message":%s}]`, r.Code, quoted(r.Message))
	}
	return fmt.Sprintf("{\n  \"error\": {\"code\": %d,\"message\": %s,\"status\": %q%s}\n}\n", r.Status, quoted(r.Message), r.Kind, details)
}
