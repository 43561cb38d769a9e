package gate

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"

	"one-api/relay/jsonscan"
	"one-api/relay/made"
	"one-api/relay/outcome"
	"one-api/relay/wire"
)

// What an upstream keeps of earlier requests belongs to the account that all tokens share. It is served to the token that made it, by the
// channel that has it; of what nobody is known to have made it is said that it does not exist.

// reference is an id of something that an upstream keeps, and where a request names it.
type reference struct{ param, id string }

// references finds what a request of the Responses API refers to, and whether what comes of it is to be kept. A member that stands there
// twice refers to both: nobody knows which of them the upstream takes.
func references(body []byte) (all []reference, stores bool) {
	stores = true
	add := func(param string, value []byte) {
		if id, ok := jsonscan.String(value); ok && id != "" {
			all = append(all, reference{param, id})
		}
	}
	_ = jsonscan.Object(body, func(m jsonscan.Member) { // it has been read before
		switch name := string(m.Key); name {
		case "previous_response_id":
			add(name, m.Value)
		case "conversation":
			add(name, m.Value)
			jsonscan.Members(m.Value, func(in jsonscan.Member) {
				if string(in.Key) == "id" {
					add(name+".id", in.Value)
				}
			})
		case "store":
			stores = stores && string(m.Value) != "false"
		case "input":
			jsonscan.Elements(m.Value, func(item []byte) { inItem(item, add) })
		case "tools":
			jsonscan.Elements(m.Value, func(tool []byte) { inTool(tool, add) })
		}
	})
	return all, stores
}

// inItem finds what an item of the input refers to: another item, reasoning of which it has nothing but the id, or files. Reasoning that
// has come by way of a conversion is all there, whether its maker signs it or not.
func inItem(item []byte, add func(param string, value []byte)) {
	var ids [][]byte
	refers, reasons, sealed := false, false, false
	jsonscan.Members(item, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "type":
			kind, _ := jsonscan.String(m.Value)
			refers, reasons = refers || kind == "item_reference", reasons || kind == "reasoning"
		case "id":
			ids = append(ids, m.Value)
		case "encrypted_content":
			sealed = len(m.Value) > 2 && m.Value[0] == '"'
		case "content", "output":
			if !jsonscan.Elements(m.Value, func(part []byte) { isFile(part, "input.content.file_id", add) }) {
				isFile(m.Value, "input.output.file_id", add) // a picture of a screen
			}
		}
	})
	for _, id := range ids {
		if refers || reasons && !sealed && !bytes.Contains(id, []byte(wire.OwnMark)) {
			add("input.id", id)
		}
	}
}

// isFile finds what file an object names.
func isFile(value []byte, param string, add func(param string, value []byte)) {
	jsonscan.Members(value, func(m jsonscan.Member) {
		if string(m.Key) == "file_id" {
			add(param, m.Value)
		}
	})
}

// inTool finds the files that a tool is given: those of a container that is made for it, and the mask of a picture.
func inTool(tool []byte, add func(param string, value []byte)) {
	jsonscan.Members(tool, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "container":
			jsonscan.Members(m.Value, func(m jsonscan.Member) {
				if string(m.Key) == "file_ids" {
					jsonscan.Elements(m.Value, func(id []byte) { add("tools.container.file_ids", id) })
				}
			})
		case "input_image_mask":
			isFile(m.Value, "tools.input_image_mask.file_id", add)
		}
	})
}

// bind holds a request to the channel that has what it refers to.
func (a *Admission) bind(kept *made.Keeper) *outcome.Refusal {
	if a.End.Endpoint.Format() != wire.Responses || a.End.Endpoint.ByID() {
		return nil
	}
	all, stores := references(a.Asked.Body)
	a.Asked.Stores = stores
	for _, r := range all {
		by, known := kept.Of(r.id)
		switch {
		case known && by.Token == a.Key.Name:
		case a.Key.ForeignIDs:
			continue // it is the upstream's to say
		default:
			return refuseReference(r)
		}
		c := a.Directory.Channels.Get(by.Channel)
		switch {
		case c == nil:
			return refuseReference(r) // it has gone, and what it had with it
		case a.Select.Only != nil && a.Select.Only != c:
			return refuseParam(r.param, "`"+r.param+"` refers to what another provider keeps than the rest of the request does: send the "+
				"conversation itself as `input`.")
		}
		a.Select.Only = c
	}
	return nil
}

// find finds out, of a request that names in its path what an upstream keeps, where that is.
func (a *Admission) find(kept *made.Keeper) *outcome.Refusal {
	before, after, _ := strings.Cut(a.End.Endpoint.Path(), ":id")
	id := strings.TrimSuffix(strings.TrimPrefix(a.R.URL.Path, before), after)
	by, known := kept.Of(id)
	if !known || by.Token != a.Key.Name {
		return refuseReference(reference{"id", id})
	}
	c := a.Directory.Channels.Get(by.Channel)
	if c == nil {
		return refuseReference(reference{"id", id})
	}
	a.Select.Only, a.Asked.Model = c, by.Model
	path := before + url.PathEscape(id) + after
	a.Asked.Path = &path
	a.Asked.Endpoint = a.End.Endpoint
	a.Asked.Stream = a.End.Endpoint.Streams() && a.R.URL.Query().Get("stream") == "true"
	return nil
}

func refuseReference(r reference) *outcome.Refusal {
	code := "not_found"
	what := "Item with id "
	if r.param == "previous_response_id" {
		code, what = "previous_response_not_found", "Previous response with id "
	}
	return &outcome.Refusal{Reason: outcome.BadBody, Err: &wire.Error{
		Status: http.StatusNotFound, Type: "invalid_request_error", Code: code, Param: r.param, Message: what + quoteID(r.id) + " not found.",
	}}
}

// quoteID is a client's id in an error.
func quoteID(id string) string { return "'" + wire.Clip(id, 100) + "'" }
