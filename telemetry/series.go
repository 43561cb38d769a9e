package telemetry

import (
	"net/http"

	"go.opentelemetry.io/otel/attribute"
)

// cells holds the series of one instrument, or of several that belong together, by what distinguishes them. Reading takes no lock and
// allocates nothing.
type cells[K comparable, C any] struct {
	make func(K) *C
	table[K, *C]
}

func (s *cells[K, C]) get(key K) *C {
	if c, ok := s.table.get(key); ok {
		return c
	}
	c, _ := s.add(key, 0, func() *C { return s.make(key) })
	return c
}

func (s *cells[K, C]) each(visit func(*C)) {
	for _, e := range s.all() {
		visit(e.value)
	}
}

type httpKey struct {
	method, route, errorType string
	status                   int
}

type requestKey struct{ operation, model, outcome, errorType string }

type operationModel struct{ operation, model string }

type routeOutcome struct{ route, outcome string }

type exportFailure struct{ signal, failure string }

func exportFailureAttributes(k exportFailure) []attribute.KeyValue {
	return attributesOf(AttrSignal, k.signal, AttrFailure, k.failure)
}

// attributesOf makes attributes of pairs of key and value.
func attributesOf(pairs ...string) []attribute.KeyValue {
	attributes := make([]attribute.KeyValue, 0, len(pairs)/2+1)
	for i := 0; i+1 < len(pairs); i += 2 {
		attributes = append(attributes, text(pairs[i], pairs[i+1]))
	}
	return attributes
}

func text(key, value string) attribute.KeyValue { return attribute.String(key, value) }

// withError adds error.type if there was an error: the conventions leave it out if there was none.
func withError(attributes []attribute.KeyValue, errorType string) []attribute.KeyValue {
	if errorType == "" {
		return attributes
	}
	return append(attributes, text(AttrErrorType, errorType))
}

func httpAttributes(k httpKey) []attribute.KeyValue {
	attributes := attributesOf(AttrMethod, k.method, AttrScheme, "http")
	if k.route != "" {
		attributes = append(attributes, text(AttrRoute, k.route))
	}
	if k.status != 0 {
		attributes = append(attributes, attribute.Int(AttrStatus, k.status))
	}
	return withError(attributes, k.errorType)
}

func requestAttributes(k requestKey) []attribute.KeyValue {
	return withError(attributesOf(AttrOperation, k.operation, AttrModel, k.model, AttrOutcome, k.outcome), k.errorType)
}

func operationModelAttributes(k operationModel) []attribute.KeyValue {
	return attributesOf(AttrOperation, k.operation, AttrModel, k.model)
}

// methods are the HTTP methods that are told apart; the place of one is its index in the counts of active requests.
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
