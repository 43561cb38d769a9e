package telemetry

// Attribute keys.
const (
	AttrChannel         = "relay.channel.name"
	AttrProvider        = "gen_ai.provider.name"
	AttrOperation       = "gen_ai.operation.name"
	AttrModel           = "gen_ai.request.model"
	AttrTokenType       = "gen_ai.token.type"
	AttrModality        = "gen_ai.token.modality"
	AttrSource          = "source"
	AttrLimit           = "limit"
	AttrScope           = "relay.budget.scope"
	AttrName            = "relay.budget.name"
	AttrOutcome         = "relay.outcome"
	AttrErrorType       = "error.type"
	AttrReason          = "reason"
	AttrFrom            = "from"
	AttrTo              = "to"
	AttrFeature         = "feature"
	AttrState           = "state"
	AttrChannelState    = "relay.channel.state"
	AttrConnectionState = "http.connection.state"
	AttrSignal          = "relay.telemetry.signal"
	AttrFailure         = "relay.telemetry.failure"
	AttrBalance         = "balance"
	AttrMethod          = "http.request.method"
	AttrScheme          = "url.scheme"
	AttrRoute           = "http.route"
	AttrStatus          = "http.response.status_code"
	AttrResult          = "result"
	AttrVersion         = "service.version"
	AttrGoVersion       = "process.runtime.version"
	AttrCPUState        = "go.cpu.state"
	AttrMemoryType      = "go.memory.type"
)

// Attribute keys that only spans have: what may take any number of values has no place in a metric.
const (
	AttrPath            = "url.path"
	AttrRequestID       = "relay.request.id"
	AttrAttempts        = "relay.request.attempts"
	AttrStream          = "gen_ai.request.stream"
	AttrFirstChunk      = "gen_ai.response.time_to_first_chunk" // seconds
	AttrResponseModel   = "gen_ai.response.model"
	AttrResponseID      = "gen_ai.response.id"
	AttrFinishReasons   = "gen_ai.response.finish_reasons"
	AttrInputTokens     = "gen_ai.usage.input_tokens"
	AttrOutputTokens    = "gen_ai.usage.output_tokens"
	AttrCachedTokens    = "gen_ai.usage.cache_read.input_tokens"
	AttrReasoningTokens = "gen_ai.usage.reasoning.output_tokens"
)

// firstChunkEvent is the one event of an attempt's span: its client got the first of the answer.
const firstChunkEvent = "relay.first_chunk"

// OtherModel stands for every model that is not told apart.
const OtherModel = "_other"
