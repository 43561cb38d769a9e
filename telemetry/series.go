package telemetry

import (
	"maps"
	"net/http"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// options is an attribute set, ready for use: made once, passed on without allocating.
type options struct {
	record []metric.RecordOption
	add    []metric.AddOption
}

func optionsOf(attributes ...attribute.KeyValue) *options {
	set := metric.WithAttributeSet(attribute.NewSet(attributes...))
	return &options{record: []metric.RecordOption{set}, add: []metric.AddOption{set}}
}

// series is the attribute sets of one kind of record, by what tells them apart. Reading takes no lock and allocates nothing; a
// new combination, of which configuration and closed lists allow only so many, copies the map.
type series[K comparable] struct {
	known atomic.Pointer[map[K]*options]
	mu    sync.Mutex
}

func (s *series[K]) get(key K, attributes func(K) []attribute.KeyValue) *options {
	if known := s.known.Load(); known != nil {
		if o := (*known)[key]; o != nil {
			return o
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := map[K]*options{}
	if known := s.known.Load(); known != nil {
		if o := (*known)[key]; o != nil {
			return o
		}
		next = maps.Clone(*known)
	}
	o := optionsOf(attributes(key)...)
	next[key] = o
	s.known.Store(&next)
	return o
}

func text(key, value string) attribute.KeyValue { return attribute.String(key, value) }

// withError adds error.type where there was an error: the conventions leave it out where there was none.
func withError(attributes []attribute.KeyValue, errorType string) []attribute.KeyValue {
	if errorType == "" {
		return attributes
	}
	return append(attributes, text(AttrErrorType, errorType))
}

func httpAttributes(k httpKey) []attribute.KeyValue {
	attributes := []attribute.KeyValue{text(AttrMethod, k.method), text(AttrScheme, "http")}
	if k.route != "" {
		attributes = append(attributes, text(AttrRoute, k.route))
	}
	if k.status != 0 {
		attributes = append(attributes, attribute.Int(AttrStatus, k.status))
	}
	return withError(attributes, k.errorType)
}

func requestAttributes(k requestKey) []attribute.KeyValue {
	return withError([]attribute.KeyValue{text(AttrOperation, k.operation), text(AttrModel, k.model), text(AttrOutcome, k.outcome)}, k.errorType)
}

func callAttributes(k callKey) (attributes []attribute.KeyValue) {
	for _, a := range [...]struct{ key, value string }{
		{AttrRoute, k.route}, {AttrOutcome, k.outcome}, {AttrOperation, k.operation}, {AttrModel, k.model},
	} {
		if a.value != "" {
			attributes = append(attributes, text(a.key, a.value))
		}
	}
	return attributes
}

func reasonAttributes(reason string) []attribute.KeyValue {
	return []attribute.KeyValue{text(AttrReason, reason)}
}

func resultAttributes(result string) []attribute.KeyValue {
	return []attribute.KeyValue{text(AttrResult, result)}
}

// methods are those that are told apart; their place is their index in counts of active requests.
var methods = [...]string{
	http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodHead,
	http.MethodOptions, http.MethodPatch, http.MethodConnect, http.MethodTrace, "_OTHER",
}

// MethodIndex is the place of a method among those that are told apart.
func MethodIndex(method string) int {
	for i, m := range methods {
		if m == method {
			return i
		}
	}
	return len(methods) - 1
}

// Methods is how many methods are told apart.
const Methods = len(methods)

func knownMethod(method string) string { return methods[MethodIndex(method)] }
