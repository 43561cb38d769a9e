package openai

// callTracker tells which tool call a piece of one belongs to. Chat completions number them; some servers leave the number out,
// repeat id and name in every piece, or leave the id out. Anthropic's blocks come one after the other, so a piece of a call that
// is already closed cannot be passed on.
type callTracker struct {
	count    int
	ids      toolIDs
	index    *int   // of the current call; nil: it has none
	id       string // of the current call, as the upstream gave it
	indexes  map[int]bool
	upstream map[string]bool // the ids that the upstream has given
}

// Bounds of what a stream can make the tracker remember. An answer has a few calls, and an id a few dozen bytes.
const (
	maxCalls  = 1024
	longestID = 512
)

// place decides whether a piece begins a call (fresh) or belongs to the current one. open tells whether the current one is
// still open. problem is empty, or says why the piece belongs nowhere.
func (t *callTracker) place(call *toolCall, open bool) (fresh bool, problem string) {
	if call.Index != nil {
		switch {
		case open && t.index != nil && *t.index == *call.Index:
			return false, ""
		case t.indexes[*call.Index]:
			return false, "a piece of a tool call that is already closed"
		}
	} else {
		switch {
		case open && (call.ID == "" || call.ID == t.id):
			return false, ""
		case call.ID != "" && t.upstream[call.ID], call.ID == "" && call.Function.Name == "":
			return false, "a piece of a tool call that is already closed"
		}
	}
	switch {
	case t.count == maxCalls:
		return false, "more tool calls than an answer may have"
	case len(call.ID) > longestID:
		return false, "a tool call whose id is too long"
	}
	t.begin(call)
	return true, ""
}

func (t *callTracker) begin(call *toolCall) {
	if t.indexes == nil {
		t.indexes, t.upstream = make(map[int]bool), make(map[string]bool)
	}
	t.count++
	t.index, t.id = call.Index, call.ID
	if call.Index != nil {
		t.indexes[*call.Index] = true
	}
	t.upstream[call.ID] = true
}

// assign is the id of the call that has just begun.
func (t *callTracker) assign(id string) string { return t.ids.assign(id, t.count-1) }
