package format

import "one-api/relay/llm"

// SizeOf guesses how many bytes a conversation takes in a wire format, so that its body is made in one piece.
func SizeOf(r *llm.Request) int {
	n := 512 + sizeOfAll(r.Instructions)
	for i := range r.Turns {
		n += sizeOfAll(r.Turns[i].Parts)
	}
	for i := range r.Tools {
		t := &r.Tools[i]
		n += len(t.Schema) + len(t.Description) + len(t.Name) + 96
	}
	return n
}

func sizeOfAll(parts []llm.Part) (n int) {
	for i := range parts {
		p := &parts[i]
		n += len(p.Text) + len(p.Text)/16 + len(p.Input) + len(p.Input)/4 + len(p.Signature) + len(p.ID) + len(p.Name) + len(p.Cache) + 128
		if p.Media != nil {
			n += len(p.Media.Data) + len(p.Media.URL) + len(p.Media.Text)
		}
		n += sizeOfAll(p.Parts)
	}
	return n
}
