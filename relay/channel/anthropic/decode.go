package anthropic

import (
	"encoding/json"
	"errors"
	"strings"

	"one-api/relay/wire"
)

// decodeError says which field of a request has the wrong type, in the words of the API and not of Go. at is the path of what
// was decoded, empty for the whole body.
func decodeError(at string, err error) *wire.Error {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return wire.BadRequest(at, "the request is not valid JSON: "+err.Error())
	}
	field := at
	for name := range strings.SplitSeq(wrong.Field, ".") {
		// The path of a field of an embedded struct contains the struct's name. The API's own names are in lower case.
		if name == "" || name[0] >= 'A' && name[0] <= 'Z' {
			continue
		}
		if field != "" {
			field += "."
		}
		field += name
	}
	subject := field
	if subject == "" {
		subject = "the request"
	}
	return wire.BadRequest(field, subject+" must be "+wire.TypeName(wrong.Type)+", not "+valueName(wrong.Value))
}

// valueName is "string", "object", …, or "number 1.5", whose digits are left out where they are many.
func valueName(value string) string {
	if len(value) <= 40 {
		return value
	}
	name, _, _ := strings.Cut(value, " ")
	return name
}
