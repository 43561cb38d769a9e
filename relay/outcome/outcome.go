// Package outcome is how attempts end: the closed list of outcomes and classes, the one table of what follows from each, and the
// failures and refusals that clients are told of. It does no I/O and knows nothing of channels.
package outcome

// Outcome is how an attempt ended: the closed list of relay.outcome.
type Outcome uint8

// The outcomes. Their order is that of the contract.
const (
	Completed Outcome = iota
	ClientGone
	ClientStalled
	UpstreamStatus
	ConnectFailed
	HeaderTimeout
	FirstTokenTimeout
	IdleTimeout
	UpstreamReset
	UpstreamTruncated
	UpstreamErrorEvent
	UpstreamMalformed
	TooLarge
	Rejected
	OperatorEnded
	Panic
	Shutdown

	Count // how many there are
)

var outcomeNames = [Count]string{
	Completed:          "completed",
	ClientGone:         "client_gone",
	ClientStalled:      "client_stalled",
	UpstreamStatus:     "upstream_status",
	ConnectFailed:      "connect_failed",
	HeaderTimeout:      "header_timeout",
	FirstTokenTimeout:  "first_token_timeout",
	IdleTimeout:        "idle_timeout",
	UpstreamReset:      "upstream_reset",
	UpstreamTruncated:  "upstream_truncated",
	UpstreamErrorEvent: "upstream_error_event",
	UpstreamMalformed:  "upstream_malformed",
	TooLarge:           "too_large",
	Rejected:           "rejected",
	OperatorEnded:      "operator_ended",
	Panic:              "panic",
	Shutdown:           "shutdown",
}

func (o Outcome) String() string { return outcomeNames[o] }

// Class is what a provider's error means, whatever its status: UpstreamStatus and UpstreamErrorEvent have one, and TooLarge may.
type Class uint8

// The classes.
const (
	// ClassNone is for outcomes that are not the provider's word.
	ClassNone Class = iota
	// ClassRequest is the client's fault: 400, 413, 422, context length, content filter. No channel would answer otherwise.
	ClassRequest
	// ClassElsewhere is a request this upstream cannot serve and another may, by what is in it: a model that it has not or may not
	// be asked for, a size, a price. Clients choose those, so it is held against nobody.
	ClassElsewhere
	// ClassMisplaced is an upstream that is not where the channel says, or not for the relay: a redirect, a path that there is
	// not, 405, a proxy's 407, a country that is not served. No client can bring it about.
	ClassMisplaced
	// ClassUnserved is a path that there is not, of an upstream whose other endpoints work: it does not have this one. Clients choose
	// which they ask, so it is held against nobody.
	ClassUnserved
	// ClassKeyRefused is a key that is unmistakably wrong, blocked or out of credit, or an account that is.
	ClassKeyRefused
	// ClassUnauthorized is a 401 of which it is not certain that it is about the key.
	ClassUnauthorized
	// ClassForbidden is a 402 or 403 that may be about the key, or about what was asked.
	ClassForbidden
	// ClassPage is a web page that refuses: the word of a CDN or a firewall, on the prompt or on the relay's address.
	ClassPage
	// ClassKeyLimited is a key over its rate: 429.
	ClassKeyLimited
	// ClassModelLimited is a limit of somebody behind a gateway, or of the gateway there: on one model. Its others are as good as ever,
	// and so is the key.
	ClassModelLimited
	// ClassBehind is somebody behind a gateway who refuses the gateway: its key or its account with him, which are nobody's here.
	ClassBehind
	// ClassServer is the provider's own trouble: 5xx, overloaded.
	ClassServer
	// ClassRelay is the relay's own trouble with an answer: other large bodies hold the memory for it (TooLarge).
	ClassRelay

	classes
)

// KeyAction is what an ending does to the key that was used.
type KeyAction uint8

// The key actions.
const (
	KeyKeeps   KeyAction = iota
	KeyRests             // refused: out for a long while
	KeyDoubted           // perhaps refused: out once enough requests of enough clients say so
	KeyCools             // limited: out for Retry-After
	KeyRevives           // it worked: what was held against it is forgotten
)

// Verdict is what follows from an ending.
type Verdict struct {
	MoveOn          bool      // another channel may be tried, as long as the client has seen nothing
	CountsAsFailure bool      // it counts against the channel's health
	CountsAsSuccess bool      // it proves the channel's health: the count of failures starts again
	CountsAsDoubt   bool      // it counts against the channel's health once enough requests of enough clients end so
	Key             KeyAction // what it does to the key
	// AnotherKey is where the same request may be answered with another key of the channel.
	AnotherKey bool
	// Precedence ranks failures when nothing is left: the client gets the most telling one, not the last.
	Precedence int
}

// verdicts is the one table of what moves on, what counts against a channel and what puts a key to rest.
var verdicts = [Count]Verdict{
	Completed:          {CountsAsSuccess: true, Key: KeyRevives},
	ClientGone:         {},
	ClientStalled:      {},
	ConnectFailed:      {MoveOn: true, CountsAsFailure: true, Precedence: 1},
	HeaderTimeout:      {MoveOn: true, CountsAsFailure: true, Precedence: 3},
	FirstTokenTimeout:  {MoveOn: true, CountsAsFailure: true, Precedence: 3},
	IdleTimeout:        {MoveOn: true, CountsAsFailure: true, Precedence: 3},
	UpstreamReset:      {MoveOn: true, CountsAsFailure: true, Precedence: 2},
	UpstreamTruncated:  {MoveOn: true, CountsAsFailure: true, Precedence: 2},
	UpstreamMalformed:  {MoveOn: true, CountsAsFailure: true, Precedence: 2},
	TooLarge:           {MoveOn: true, Precedence: 4}, // a request can ask for that much
	Rejected:           {MoveOn: true, Precedence: 4}, // another provider's format may have the words
	OperatorEnded:      {MoveOn: true, Precedence: 1}, // it is the channel that was ended; that a request was, its visit knows
	Panic:              {Precedence: 10},
	Shutdown:           {Precedence: 10},
	UpstreamStatus:     {}, // by class
	UpstreamErrorEvent: {}, // by class
}

// classVerdicts refines the table for the outcomes that are the provider's word.
var classVerdicts = [classes]Verdict{
	ClassNone:         {MoveOn: true, CountsAsFailure: true, Precedence: 2},
	ClassRequest:      {CountsAsSuccess: true, Precedence: 9},
	ClassElsewhere:    {MoveOn: true, Precedence: 6},
	ClassMisplaced:    {MoveOn: true, CountsAsFailure: true, Precedence: 2},
	ClassUnserved:     {MoveOn: true, Precedence: 2},
	ClassKeyRefused:   {MoveOn: true, CountsAsFailure: true, Key: KeyRests, AnotherKey: true, Precedence: 0},
	ClassUnauthorized: {MoveOn: true, Key: KeyDoubted, AnotherKey: true, Precedence: 0},
	ClassForbidden:    {MoveOn: true, Key: KeyDoubted, Precedence: 1},
	ClassPage:         {MoveOn: true, CountsAsDoubt: true, Precedence: 2},
	ClassKeyLimited:   {MoveOn: true, Key: KeyCools, AnotherKey: true, Precedence: 7},
	ClassModelLimited: {MoveOn: true, Precedence: 7},
	ClassBehind:       {MoveOn: true, Precedence: 1},
	ClassServer:       {MoveOn: true, CountsAsFailure: true, Precedence: 5},
	ClassRelay:        {MoveOn: true, Precedence: 4},
}

// Judge looks an ending up in the table.
func Judge(outcome Outcome, class Class) Verdict {
	if outcome == UpstreamStatus || outcome == UpstreamErrorEvent || class == ClassRelay {
		return classVerdicts[class]
	}
	return verdicts[outcome]
}
