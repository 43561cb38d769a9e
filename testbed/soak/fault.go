package main

// shape is what kind of answer a fault can happen to.
type shape uint8

const (
	anyShape shape = iota
	streams
	wholes
)

// lane is which channels a call goes through.
type lane string

const (
	patient   lane = "patient"   // clocks far longer than a healthy call takes on a busy machine
	hasty     lane = "hasty"     // clocks of a second
	rude      lane = "rude"      // HTTP/2 connections that break under calls that nobody did anything to
	refused   lane = "refused"   // nobody listens there
	untrusted lane = "untrusted" // its certificate is from an authority that nobody knows
)

// promise is what a client gets whose call goes to the faulty channel only.
type promise uint8

const (
	anything   promise = iota
	answered           // all of a good answer
	unanswered         // an error, or a stream that is visibly cut: never something that looks like an answer
)

// group is a part of the mix.
type group uint8

const (
	healthy group = iota
	leaving       // the client does not stay for the end
	faulty
)

// fault is something that is done to the relay.
type fault struct {
	name   string
	class  string // in faults.md; empty: a healthy call
	group  group
	weight float64 // within its group
	shape  shape
	lane   lane // empty: patient
	http1  bool // there is no such thing over HTTP/2
	http2  bool // or over HTTP/1.1
	act    func(*stage)
	early  bool // it is done before the request has been read
	client manner
	answer promise
	// alone: another position than that of the only channel makes no sense, for no channel is asked.
	alone bool
}

// faults is the mix. The groups' shares are in mix.go.
var faults = []fault{
	{name: "healthy", group: healthy, weight: 96, act: good, answer: answered},
	{name: "healthy: stream longer than every clock", class: "F8", group: healthy, weight: 1, shape: streams, lane: hasty, act: longStream, answer: answered},
	{name: "healthy: CRLF, comments, BOM, split runes", class: "F6", group: healthy, weight: 3, shape: streams, act: oddButGood, answer: answered},
	{name: "healthy: a prompt over 64 KiB", group: healthy, weight: 2, client: sendsMuch, act: good, answer: answered},
	{name: "healthy: ends without a terminator, with its end reason", class: "F14", group: healthy, weight: 2, shape: streams, act: endsUnterminated, answer: answered},
	{name: "healthy: on a connection that dies once it is used again", class: "F20", group: healthy, weight: 2, http1: true, act: diesWhenReused, answer: answered},
	{name: "healthy: a byte order mark before a whole answer", class: "F6", group: healthy, weight: 1, shape: wholes, act: markedWhole, answer: answered},

	{name: "client leaves in its own body", class: "F1", group: leaving, weight: 8, client: leavesInBody, alone: true, act: good},
	{name: "client leaves before the header", class: "F1", group: leaving, weight: 22, client: leavesWhenTold, act: heard},
	{name: "client leaves before the first event", class: "F1", group: leaving, weight: 20, client: leavesWhenTold, act: headerOnly},
	{name: "client leaves a stream that goes on", class: "F1", group: leaving, weight: 20, shape: streams, client: leavesMidStream, act: endlessStream},
	{name: "client leaves a stream that is silent", class: "F1", group: leaving, weight: 15, shape: streams, client: leavesMidStream, act: streamThenHeard},
	{name: "client leaves in half of an answer", class: "F1", group: leaving, weight: 10, shape: wholes, client: leavesWhenTold, act: halfAnswer},
	{name: "client leaves while writing to it blocks", class: "F1", group: leaving, weight: 3, shape: streams, client: leavesBlocked, act: flood},
	{name: "client leaves a healthy stream", class: "F1", group: leaving, weight: 5, shape: streams, client: leavesMidStream, act: longStream},
	{name: "client leaves, having sent a line end behind its body", class: "F1", group: leaving, weight: 15, client: leavesBehindItsBody, act: heard},
	{name: "client half-closes and waits", class: "F22", group: leaving, weight: 5, client: halfCloses, act: good},

	{name: "error, body empty", class: "F2", group: faulty, weight: 15, act: errorEmpty, answer: unanswered},
	{name: "error, proper", class: "F2", group: faulty, weight: 40, act: errorProper, answer: unanswered},
	{name: "error, body of 1 MiB", class: "F2", group: faulty, weight: 6, act: errorLarge, answer: unanswered},
	{name: "error, body endless", class: "F2", group: faulty, weight: 12, act: errorEndless, answer: unanswered},
	{name: "error, body reset half-way", class: "F2", group: faulty, weight: 20, act: errorReset, answer: unanswered},
	{name: "error, body said and then silent", class: "F2", group: faulty, weight: 10, act: errorSilent, answer: unanswered},

	{name: "answer: no JSON", class: "F3", group: faulty, weight: 15, act: noJSON, answer: unanswered},
	{name: "answer: JSON that is cut", class: "F3", group: faulty, weight: 15, act: cutJSON, answer: unanswered},
	{name: "answer: a web page", class: "F3", group: faulty, weight: 15, act: webPage, answer: unanswered},
	{name: "answer: empty", class: "F3", group: faulty, weight: 10, act: emptyAnswer, answer: unanswered},
	{name: "answer: JSON instead of a stream", class: "F3", group: faulty, weight: 10, shape: streams, act: notAStream, answer: unanswered},
	{name: "answer: gzip that is broken", class: "F3", group: faulty, weight: 10, act: brokenGzip, answer: unanswered},
	{name: "answer: a decompression bomb", class: "F3", group: faulty, weight: 0.2, shape: streams, act: bomb, answer: unanswered},
	{name: "answer: malformed chunks", class: "F3", group: faulty, weight: 15, http1: true, act: malformedChunk, answer: unanswered},
	{name: "answer: shorter than its length", class: "F3", group: faulty, weight: 15, shape: wholes, http1: true, act: shorterThanSaid, answer: unanswered},

	{name: "answer: 101 Switching Protocols", class: "F1", group: faulty, weight: 15, http1: true, act: switchingProtocols, answer: unanswered},
	{name: "answer: a length that overflows", class: "F3", group: faulty, weight: 5, http1: true, shape: wholes, act: endlessLength, answer: unanswered},

	{name: "line of 70 KB", class: "F6", group: faulty, weight: 10, shape: streams, act: line70K, answer: answered},
	{name: "line of 1 MiB", class: "F6", group: faulty, weight: 2, shape: streams, act: line1M, answer: answered},
	{name: "line of 17 MiB, over the bound", class: "F6", group: faulty, weight: 0.2, shape: streams, act: line17M, answer: unanswered},
	{name: "no newline at all", class: "F6", group: faulty, weight: 5, shape: streams, act: noNewline, answer: unanswered},
	{name: "client stops reading", class: "F7", group: faulty, weight: 3, shape: streams, client: stopsReading, act: flood},

	{name: "silent before the header", class: "F8", group: faulty, weight: 20, lane: hasty, act: heard, answer: unanswered},
	{name: "silent before the first event", class: "F8", group: faulty, weight: 20, lane: hasty, act: headerOnly, answer: unanswered},
	{name: "silent in the middle", class: "F8", group: faulty, weight: 20, lane: hasty, act: silentHalfWay, answer: unanswered},

	{name: "connection refused", class: "F10", group: faulty, weight: 20, lane: refused, act: good, answer: unanswered},
	{name: "certificate not trusted", class: "F10", group: faulty, weight: 5, lane: untrusted, act: good, answer: unanswered},
	{name: "reset before the header", class: "F10", group: faulty, weight: 25, act: resetAtOnce, answer: unanswered},
	{name: "reset in the middle", class: "F10", group: faulty, weight: 30, act: resetHalfWay, answer: unanswered},
	{name: "GOAWAY, or a connection that is closed", class: "F10", group: faulty, weight: 10, act: goodbye, answer: answered},
	{name: "HTTP/2 connection lost with all its streams", class: "F10", group: faulty, weight: 10, http2: true, lane: rude, act: dropConnection},

	{name: "early refusal of a body that is still being sent", class: "F20", group: faulty, weight: 10, client: sendsMuch, early: true, act: earlyRefusal, answer: unanswered},
	{name: "moderation, a price, a web page with 403", class: "F11", group: faulty, weight: 15, act: aboutThePrompt, answer: unanswered},

	{name: "429 with Retry-After", class: "F11", group: faulty, weight: 25, act: limited, answer: unanswered},
	{name: "401, 403", class: "F11", group: faulty, weight: 20, act: keyRefused, answer: unanswered},
	{name: "400, context length, content filter", class: "F11", group: faulty, weight: 25, act: badRequest, answer: unanswered},

	{name: "error event before the first word", class: "F14", group: faulty, weight: 15, shape: streams, act: errorEventFirst, answer: unanswered},
	{name: "error event in the middle", class: "F14", group: faulty, weight: 15, shape: streams, act: errorEventMid, answer: unanswered},
	{name: "error inside a 200, in every spelling", class: "F14", group: faulty, weight: 20, act: errorSpelled, answer: unanswered},
	{name: "a bad word as end reason", class: "F14", group: faulty, weight: 10, act: badEndReason, answer: unanswered},
	{name: "a preamble, then an error", class: "F18", group: faulty, weight: 15, shape: streams, act: preambleThenError, answer: unanswered},
	{name: "a preamble, then silence", class: "F18", group: faulty, weight: 10, shape: streams, lane: hasty, act: preambleThenSilence, answer: unanswered},
	{name: "a preamble, then nothing", class: "F18", group: faulty, weight: 10, shape: streams, act: preambleThenEnd, answer: unanswered},
	{name: "comments and pings for ever", class: "F19", group: faulty, weight: 10, shape: streams, lane: hasty, act: pingsForEver, answer: unanswered},
	{name: "single bytes for ever", class: "F19", group: faulty, weight: 10, shape: streams, lane: hasty, act: bytesForEver, answer: unanswered},
	{name: "no terminator", class: "F14", group: faulty, weight: 25, shape: streams, act: noTerminator, answer: unanswered},
	{name: "cut in the middle of an event", class: "F14", group: faulty, weight: 15, shape: streams, act: cutEvent, answer: unanswered},

	{name: "no such key", class: "F15", group: faulty, weight: 8, client: strangersKey, alone: true, act: good, answer: unanswered},
	{name: "a model that nobody has heard of", class: "F15", group: faulty, weight: 8, client: strangeModel, alone: true, act: good, answer: unanswered},
	{name: "request over the bound", class: "F16", group: faulty, weight: 2, client: tooMuch, alone: true, act: good, answer: unanswered},
	{name: "request that spells stream in two ways", class: "F15", group: faulty, weight: 4, client: spellsTwice, alone: true, act: good, answer: unanswered},
	{name: "request nested too deeply", class: "F16", group: faulty, weight: 4, client: tooDeep, alone: true, act: good, answer: unanswered},
}

// manner is how a client behaves.
type manner uint8

const (
	listens         manner = iota // to the end
	leavesInBody                  // having sent half of its request
	leavesWhenTold                // by the upstream
	leavesMidStream               // having read a part
	leavesBlocked                 // having read nothing for a while
	stopsReading                  // and stays
	strangersKey
	strangeModel
	tooMuch
	tooDeep
	sendsMuch           // a prompt over 64 KiB
	leavesBehindItsBody // when told, having sent a CR LF behind its body
	halfCloses          // its end of the connection, and waits
	spellsTwice
)
