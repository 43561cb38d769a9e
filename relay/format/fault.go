package format

// Flaw is what is wrong with an answer.
type Flaw uint8

// The flaws.
const (
	IsMalformed Flaw = iota // it is not what the format says
	IsTruncated             // it ends too early
	IsError                 // it is an error that the provider reports
	EndsBadly               // it ends with a word for a failure
)

// Fault is what is wrong with an answer, before anybody has judged what that means.
type Fault struct {
	Flaw   Flaw
	Detail string // of what is malformed or cut, for the operator; the word of a bad end
	Body   []byte // what reports the error: JSON, if the provider can write it
}

func (f *Fault) Error() string {
	switch f.Flaw {
	case IsError:
		return "the answer is an error"
	case EndsBadly:
		return "the answer ends with " + f.Detail
	case IsMalformed, IsTruncated:
	}
	return f.Detail
}

// Malformed is the fault of an answer that is not what its format says.
func Malformed(detail string) *Fault { return &Fault{Flaw: IsMalformed, Detail: detail} }

// Truncated is the fault of an answer that ends too early.
func Truncated(detail string) *Fault { return &Fault{Flaw: IsTruncated, Detail: detail} }

// Reported is the fault of an answer, or an event of one, that is an error.
func Reported(body []byte) *Fault { return &Fault{Flaw: IsError, Body: body} }

// BadEnd is the fault of an answer that ends with a word for a failure (wire.EndedBadly).
func BadEnd(word string) *Fault { return &Fault{Flaw: EndsBadly, Detail: word} }
