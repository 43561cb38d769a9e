package telemetry

//go:generate go run ./internal/metricsdoc

// This file is the list of everything that is exported: names, units, kinds, bounds, attributes. Instruments are made from
// it, telemetry/METRICS.md is generated from it, and the tests walk it. Names follow OpenTelemetry's semantic conventions
// if one exists (GenAI, which is still in development: genai.go; HTTP; process; Go runtime); the rest is under "relay.".

// Kind is an instrument's kind.
type Kind string

// The kinds.
const (
	Counter       Kind = "counter"
	Histogram     Kind = "histogram"
	Gauge         Kind = "gauge"
	UpDownCounter Kind = "updowncounter"
)

// Source is who records an instrument.
type Source string

// The sources.
const (
	FromRequest Source = "request" // once a client's request
	FromAttempt Source = "attempt" // once an attempt at a channel
	FromState   Source = "state"   // read from atomics when metrics are collected
	FromRuntime Source = "runtime" // read from the Go runtime when metrics are collected
	FromEvent   Source = "event"   // when it happens
)

// Instrument is one metric.
type Instrument struct {
	Name        string
	Kind        Kind
	Unit        string // UCUM; empty means none
	Attributes  []string
	Bounds      []float64 // histograms
	Source      Source
	Description string
	// Question is what somebody looks at the metric for.
	Question string
	// Cardinality is the most series that there can be, in terms of the configuration.
	Cardinality string
}

// Instrument names.
const (
	HTTPDuration       = "http.server.request.duration"
	HTTPActive         = "http.server.active_requests"
	RequestDuration    = "gen_ai.server.request.duration"
	RequestFirstToken  = "gen_ai.server.time_to_first_token"
	RequestOverhead    = "relay.request.overhead"
	RequestAttempts    = "relay.request.attempts"
	RequestsRejected   = "relay.requests.rejected"
	RequestsUnpriced   = "relay.requests.unpriced"
	LimitsRefused      = "relay.limits.refused"
	BudgetUsed         = "relay.budget.used"
	Tokens             = "relay.tokens"
	Cost               = "relay.cost"
	OperationDuration  = "gen_ai.client.operation.duration"
	FirstChunk         = "gen_ai.client.operation.time_to_first_chunk"
	PerOutputChunk     = "gen_ai.client.operation.time_per_output_chunk"
	TokenUsage         = "gen_ai.client.token.usage"
	TokensCached       = "relay.channel.tokens.cached"
	TokensReasoning    = "relay.channel.tokens.reasoning"
	ChannelAttempts    = "relay.channel.attempts"
	ChannelRetries     = "relay.channel.retries"
	ChannelResumes     = "relay.channel.resumes"
	ChannelUnknownEnds = "relay.channel.unknown_end_reasons"
	ChannelInFlight    = "relay.channel.in_flight"
	ChannelOpenBodies  = "relay.channel.open_bodies"
	ChannelOldest      = "relay.channel.oldest_in_flight"
	ChannelGoroutines  = "relay.channel.goroutines"
	ChannelLeaked      = "relay.channel.leaked_bodies"
	ChannelState       = "relay.channel.state"
	ChannelKeys        = "relay.channel.keys"
	OpenConnections    = "http.client.open_connections"
	ClientConnections  = "relay.client.connections"
	GoroutinesExpected = "relay.goroutines.expected"
	GoroutinesStray    = "relay.goroutines.unexplained"
	SpoolSize          = "relay.spool.size"
	SpoolFiles         = "relay.spool.files"
	FormatsDropped     = "relay.formats.dropped"
	StateDropped       = "relay.state.dropped"
	ConfigReloads      = "relay.config.reloads"
	ConfigLastSuccess  = "relay.config.last_success"
	LedgerQueue        = "relay.ledger.queue"
	LedgerAge          = "relay.ledger.age"
	LedgerSpilled      = "relay.ledger.spilled"
	LedgerReplayed     = "relay.ledger.replayed"
	LedgerLost         = "relay.ledger.lost"
	LedgerBalance      = "relay.ledger.balance"
	TelemetryFolded    = "relay.telemetry.folded"
	TelemetryFailed    = "relay.telemetry.export_failures"
	BuildInfo          = "relay.build_info"
	FileDescriptors    = "process.unix.file_descriptor.count"
	GoScheduleDuration = "go.schedule.duration"
	GoGCPause          = "go.memory.gc.pause.duration"
	GoGCCycles         = "go.memory.gc.cycles"
	GoCPUTime          = "go.cpu.time"
)

var (
	httpBounds     = []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 320, 600}
	durationBounds = []float64{.01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68, 655.36}
	tokenBounds    = []float64{1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864}
	chunkBounds    = []float64{.01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92}
	runtimeBounds  = []float64{1e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, .001, .0025, .005, .01, .025, .05, .1, .25, 1}
)

var (
	perChannel      = []string{AttrChannel, AttrProvider}
	perOperation    = []string{AttrChannel, AttrProvider, AttrOperation}
	perChannelModel = []string{AttrChannel, AttrProvider, AttrOperation, AttrModel}
	perAttempt      = []string{AttrChannel, AttrProvider, AttrOperation, AttrModel, AttrOutcome, AttrErrorType}
)

// ofClients is what a client of the relay experiences: by route and requested model, never by channel.
var ofClients = []Instrument{
	{
		Name: HTTPDuration, Kind: Histogram, Unit: "s", Bounds: httpBounds, Source: FromRequest,
		Attributes:  []string{AttrMethod, AttrScheme, AttrRoute, AttrStatus, AttrErrorType},
		Description: "Duration of HTTP requests to the relay, to the last byte of the answer.",
		Question:    "How long do clients wait, and which status do they get?", Cardinality: "routes (20) × statuses and error types that happen (20 each): 500 is a lot; what matches no route is one route",
	},
	{
		Name: HTTPActive, Kind: UpDownCounter, Unit: "{request}", Source: FromState, Attributes: []string{AttrMethod, AttrScheme},
		Description: "HTTP requests that are being served.",
		Question:    "How busy is the relay now?", Cardinality: "methods, 10",
	},
	{
		Name: RequestDuration, Kind: Histogram, Unit: "s", Bounds: durationBounds, Source: FromRequest,
		Attributes:  []string{AttrOperation, AttrModel, AttrErrorType, AttrOutcome},
		Description: "Duration of a client's call, with all its attempts, and how it ended for the client.",
		Question:    "Do clients get their answers? A stream that breaks after its 200 counts as the failure that it is.",
		Cardinality: "(models that the configuration names, + at most METRICS_MAX_MODEL_LABELS that it does not, + 1) × operations (19) × endings (16, and one more for each status that upstreams send, 32 at most)",
	},
	{
		Name: RequestFirstToken, Kind: Histogram, Unit: "s", Source: FromRequest,
		Bounds:      []float64{.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 60},
		Attributes:  []string{AttrOperation, AttrModel},
		Description: "Time from a client's request to the first content of its stream: text, reasoning, a piece of a tool call.",
		Question:    "How long do people look at an empty screen?", Cardinality: "(models that the configuration names, + at most METRICS_MAX_MODEL_LABELS that it does not, + 1) × operations that stream (2)",
	},
	{
		Name: RequestOverhead, Kind: Histogram, Unit: "s", Source: FromRequest,
		Bounds:      []float64{.000025, .00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25},
		Attributes:  []string{AttrRoute},
		Description: "Time spent in the relay itself: waiting for upstreams and for the client is taken out.",
		Question:    "Is the relay slow, or is it the upstream?", Cardinality: "relayed routes, 4",
	},
	{
		Name: RequestAttempts, Kind: Histogram, Unit: "{attempt}", Bounds: []float64{1, 2, 3, 4, 5, 8}, Source: FromRequest,
		Attributes:  []string{AttrRoute, AttrOutcome},
		Description: "Attempts that a client's call took.",
		Question:    "How often does the first channel not do?", Cardinality: "relayed routes × outcomes, 64",
	},
	{
		Name: RequestsRejected, Kind: Counter, Unit: "{request}", Source: FromRequest, Attributes: []string{AttrReason},
		Description: "Requests that were turned away before anything was attempted.",
		Question:    "Who is turned away, and why: key, model, limit, body, no channel?", Cardinality: "reasons, 5",
	},
	{
		Name: LimitsRefused, Kind: Counter, Unit: "{request}", Source: FromRequest, Attributes: []string{AttrLimit},
		Description: "Calls that were refused because they were over a limit or a budget, or had no price.",
		Question:    "Which limit refuses clients?", Cardinality: "limits, 5",
	},
	{
		Name: BudgetUsed, Kind: Gauge, Unit: "1", Source: FromState, Attributes: []string{AttrScope, AttrName},
		Description: "How much of a budget has been spent, in parts of it.",
		Question:    "Whose budget is nearly spent?", Cardinality: "budgets of the configuration",
	},
}

// ofChannels is what each channel does, beside what genai.go has: one record an attempt, failed, cancelled and truncated ones too.
var ofChannels = []Instrument{
	{
		Name: TokensCached, Kind: Counter, Unit: "{token}", Source: FromAttempt, Attributes: perChannelModel,
		Description: "Input tokens that the provider read from its prompt cache.",
		Question:    "Does prompt caching work on this channel?", Cardinality: "pairs of channel and model × operations",
	},
	{
		Name: TokensReasoning, Kind: Counter, Unit: "{token}", Source: FromAttempt, Attributes: perChannelModel,
		Description: "Output tokens that the model spent on reasoning.",
		Question:    "How much of the output does nobody read?", Cardinality: "pairs of channel and model × operations",
	},
	{
		Name: Tokens, Kind: Counter, Unit: "{token}", Source: FromAttempt, Attributes: append([]string{AttrTokenType, AttrSource}, perChannel...),
		Description: "Tokens by class and by who counted them. The classes do not overlap, but for reasoning, which is a part of output.",
		Question:    "How much of what is billed has nobody but the relay counted?", Cardinality: "channels × 9",
	},
	{
		Name: Cost, Kind: Counter, Unit: "{USD}", Source: FromAttempt, Attributes: perChannelModel,
		Description: "What attempts cost, in US dollars. The ledger has it by token.",
		Question:    "Which channel and which model costs how much?", Cardinality: "pairs of channel and model × operations",
	},
	{
		Name: RequestsUnpriced, Kind: Counter, Unit: "{request}", Source: FromAttempt, Attributes: perChannelModel,
		Description: "Attempts that cost something of which nobody knows how much.",
		Question:    "Which models need a price?", Cardinality: "pairs of channel and model × operations",
	},
	{
		Name: ChannelAttempts, Kind: Counter, Unit: "{attempt}", Source: FromAttempt, Attributes: perAttempt,
		Description: "Attempts at a channel, by how they ended.",
		Question:    "Which channel fails, and how?", Cardinality: "as gen_ai.client.operation.duration",
	},
	{
		Name: ChannelRetries, Kind: Counter, Unit: "{retry}", Source: FromAttempt, Attributes: append([]string{AttrReason}, perChannel...),
		Description: "Attempts at a channel that were made because another one had failed, by why that one had.",
		Question:    "Who carries the load of whom?", Cardinality: "channels × reasons (15)",
	},
	{
		Name: ChannelResumes, Kind: Counter, Unit: "{stream}", Source: FromAttempt, Attributes: append([]string{AttrReason, AttrOutcome}, perChannel...),
		Description: "Streams that broke off at another channel and whose rest this one was asked for, by why they had and how that ended.",
		Question:    "Are broken streams rescued (channel option resume), and by whom?", Cardinality: "channels × reasons (8) × outcomes (15)",
	},
	{
		Name: ChannelUnknownEnds, Kind: Counter, Unit: "{answer}", Source: FromAttempt, Attributes: perChannel,
		Description: "Answers that completed with an end reason (finish_reason, stop_reason) that the relay does not know. The log has each word once.",
		Question:    "Has a provider a new word for an end, which may be one for a failure?", Cardinality: "channels",
	},
	{
		Name: FormatsDropped, Kind: Counter, Unit: "{request}", Source: FromAttempt, Attributes: []string{AttrFrom, AttrTo, AttrFeature},
		Description: "Requests of which a conversion from one format to another left something out although it costs money or changes the answer (docs/formats.md).",
		Question:    "Do clients ask for what their channels cannot be told?", Cardinality: "pairs of formats × features (47)",
	},
	{
		Name: StateDropped, Kind: Counter, Unit: "{request}", Source: FromAttempt, Attributes: []string{AttrChannel},
		Description: "Requests that were sent without the reasoning of their earlier turns, because their upstream does not read what another provider has thought, signed or encrypted.",
		Question:    "Do conversations move between providers, and lose what only their first one can read?", Cardinality: "channels",
	},
	{
		Name: ChannelInFlight, Kind: Gauge, Unit: "{request}", Source: FromState, Attributes: perChannel,
		Description: "Attempts at a channel that are open.",
		Question:    "Which channel holds the calls?", Cardinality: "channels",
	},
	{
		Name: ChannelOpenBodies, Kind: Gauge, Unit: "{body}", Source: FromState, Attributes: perChannel,
		Description: "Upstream answers that are open.",
		Question:    "Is anything left open?", Cardinality: "channels",
	},
	{
		Name: ChannelOldest, Kind: Gauge, Unit: "s", Source: FromState, Attributes: perChannel,
		Description: "Age of the oldest attempt that is open.",
		Question:    "Does a channel hang? The first thing to look at.", Cardinality: "channels",
	},
	{
		Name: ChannelGoroutines, Kind: Gauge, Unit: "{goroutine}", Source: FromState, Attributes: perChannel,
		Description: "Goroutines that work for a channel. Sampled while the level is not normal, and when somebody asks.",
		Question:    "Whose goroutines are they?", Cardinality: "channels",
	},
	{
		Name: ChannelLeaked, Kind: Counter, Unit: "{body}", Source: FromState, Attributes: perChannel,
		Description: "Answers that were closed by the safety net. Anything but 0 is a bug in the relay.",
		Question:    "Does the relay leak?", Cardinality: "channels",
	},
	{
		Name: ChannelState, Kind: Gauge, Source: FromState, Attributes: append([]string{AttrChannelState}, perChannel...),
		Description: "1 for the state that a channel is in, 0 for the others.",
		Question:    "Is a channel out?", Cardinality: "channels × 4",
	},
	{
		Name: ChannelKeys, Kind: Gauge, Unit: "{key}", Source: FromState, Attributes: append([]string{AttrState}, perChannel...),
		Description: "A channel's keys by what can be done with them.",
		Question:    "Are keys limited or refused?", Cardinality: "channels × 3",
	},
	{
		Name: OpenConnections, Kind: UpDownCounter, Unit: "{connection}", Source: FromState, Attributes: append([]string{AttrConnectionState}, perChannel...),
		Description: "Connections to a channel's upstream.",
		Question:    "Are connections used again, and do they stay bounded?", Cardinality: "channels × 2",
	},
}

// ofRelay is the relay about itself.
var ofRelay = []Instrument{
	{
		Name: ClientConnections, Kind: Gauge, Unit: "{connection}", Source: FromState, Attributes: []string{AttrConnectionState},
		Description: "Connections of clients. Each has a goroutine, also an idle one: without a request that is being served.",
		Question:    "How many of the goroutines are no trouble at all?", Cardinality: "2",
	},
	{
		Name: GoroutinesExpected, Kind: Gauge, Unit: "{goroutine}", Source: FromState,
		Description: "Goroutines that the open connections and calls account for.",
		Question:    "How many goroutines should there be?", Cardinality: "1",
	},
	{
		Name: GoroutinesStray, Kind: Gauge, Unit: "{goroutine}", Source: FromState,
		Description: "Goroutines that nothing accounts for.",
		Question:    "Is there a slow leak, long before any threshold?", Cardinality: "1",
	},
	{
		Name: SpoolSize, Kind: Gauge, Unit: "By", Source: FromState,
		Description: "Bytes on disk of request bodies that are too large for memory, bounded by MAX_SPOOL_MB.",
		Question:    "Do uploads fill the disk, or come near to being refused?", Cardinality: "1",
	},
	{
		Name: SpoolFiles, Kind: Gauge, Unit: "{file}", Source: FromState,
		Description: "Request bodies on disk. Each goes with the end of its call.",
		Question:    "Is an upload still there whose call has ended?", Cardinality: "1",
	},
	{
		Name: ConfigReloads, Kind: Counter, Unit: "{reload}", Source: FromEvent, Attributes: []string{AttrResult},
		Description: "Reloads of the configuration, by result.",
		Question:    "Was the file that I just saved refused?", Cardinality: "2",
	},
	{
		Name: ConfigLastSuccess, Kind: Gauge, Unit: "s", Source: FromState,
		Description: "When the configuration was last loaded, as Unix time.",
		Question:    "Since when does this configuration hold?", Cardinality: "1",
	},
	{
		Name: LedgerQueue, Kind: Gauge, Unit: "{row}", Source: FromState,
		Description: "Rows of the ledger that its database has not taken yet.",
		Question:    "Does the database keep up?", Cardinality: "1",
	},
	{
		Name: LedgerAge, Kind: Gauge, Unit: "s", Source: FromState,
		Description: "How long the oldest of them has waited.",
		Question:    "Since when does the database take nothing?", Cardinality: "1",
	},
	{
		Name: LedgerSpilled, Kind: Counter, Unit: "{row}", Source: FromState,
		Description: "Rows of the ledger that were put into its file, because the database did not take them at once.",
		Question:    "Is the database slow or away?", Cardinality: "1",
	},
	{
		Name: LedgerReplayed, Kind: Counter, Unit: "{row}", Source: FromState,
		Description: "Rows of that file that the database has taken since.",
		Question:    "Does it catch up?", Cardinality: "1",
	},
	{
		Name: LedgerLost, Kind: Counter, Unit: "{row}", Source: FromState,
		Description: "Rows of the ledger for which there was no place: neither database nor disk nor memory took them, or a kill cut them off.",
		Question:    "Is what was spent more than the ledger says?", Cardinality: "1",
	},
	{
		Name: LedgerBalance, Kind: Gauge, Source: FromState, Attributes: []string{AttrBalance},
		Description: "By how much the ledger's books differ: rows against daily sums (rows), daily sums against what tokens have spent (spent), what " +
			"is reserved against the calls that are open (reserved). 0, or a bug.",
		Question: "Can the figures be believed?", Cardinality: "3",
	},
	{
		Name: TelemetryFolded, Kind: Counter, Unit: "{measurement}", Source: FromEvent,
		Description: "Measurements whose model was folded into " + OtherModel + ", because there are too many.",
		Question:    "Are models hidden behind " + OtherModel + "?", Cardinality: "1",
	},
	{
		Name: TelemetryFailed, Kind: Counter, Unit: "{failure}", Source: FromEvent, Attributes: []string{AttrSignal, AttrFailure},
		Description: "Exports of metrics, traces or logs that failed: passing (tried again), permanent (refused for good, or no such signal there), partial (a part was refused).",
		Question:    "Did the collector miss something, and does that pass?", Cardinality: "signals (3) × 3",
	},
	{
		Name: BuildInfo, Kind: Gauge, Source: FromState, Attributes: []string{AttrVersion, AttrGoVersion},
		Description: "1, with what was built.",
		Question:    "Which version runs?", Cardinality: "1",
	},
}

// ofRuntime is the process and the Go runtime: from contrib/instrumentation/runtime, and what it leaves out.
var ofRuntime = []Instrument{
	{
		Name: FileDescriptors, Kind: UpDownCounter, Unit: "{file_descriptor}", Source: FromRuntime,
		Description: "Open file descriptors of the process.",
		Question:    "Do connections pile up?", Cardinality: "1",
	},

	runtimeInstrument("go.goroutine.count", UpDownCounter, "{goroutine}", "Goroutines, about ten of the runtime's own included, which relay.goroutines.* leave out.", "How many goroutines are there?"),
	runtimeInstrument("go.memory.used", UpDownCounter, "By", "Memory used by the Go runtime.", "How much memory is used, for what?", AttrMemoryType),
	runtimeInstrument("go.memory.limit", UpDownCounter, "By", "GOMEMLIMIT, where it is set.", "How much memory may be used?"),
	runtimeInstrument("go.memory.allocated", Counter, "By", "Memory allocated to the heap.", "How fast is garbage made?"),
	runtimeInstrument("go.memory.allocations", Counter, "{allocation}", "Allocations on the heap.", "How fast is garbage made?"),
	runtimeInstrument("go.memory.gc.goal", UpDownCounter, "By", "Heap size target of the current cycle.", "When does the collector run next?"),
	runtimeInstrument("go.processor.limit", UpDownCounter, "{thread}", "GOMAXPROCS.", "How many cores may be used?"),
	runtimeInstrument("go.config.gogc", UpDownCounter, "%", "GOGC. Where nobody has set it, the relay raises it while the heap is small.", "How is the collector tuned?"),
	runtimeHistogram(GoScheduleDuration, "Time that goroutines were ready and had to wait for a processor.", "Is the process short of CPU?"),
	runtimeHistogram(GoGCPause, "Time that the world stood still for the collector.", "Does the collector stop the traffic?"),
	runtimeInstrument(GoGCCycles, Counter, "{gc_cycle}", "Completed collections.", "How often does the collector run?"),
	runtimeInstrument(GoCPUTime, Counter, "s", "CPU time, as the runtime estimates it.", "What is CPU spent on?", AttrCPUState),
}

func runtimeInstrument(name string, kind Kind, unit, description, question string, attributes ...string) Instrument {
	cardinality := "1"
	if len(attributes) > 0 {
		cardinality = "4"
	}
	return Instrument{
		Name: name, Kind: kind, Unit: unit, Attributes: attributes, Source: FromRuntime,
		Description: description, Question: question, Cardinality: cardinality,
	}
}

func runtimeHistogram(name, description, question string) Instrument {
	return Instrument{
		Name: name, Kind: Histogram, Unit: "s", Bounds: runtimeBounds, Source: FromRuntime,
		Description: description, Question: question, Cardinality: "1",
	}
}
