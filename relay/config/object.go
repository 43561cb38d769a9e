package config

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// object is a mapping with known keys, as data: the decoder reads by it, and the schema and docs/configuration.md are made from it.
// T is what it is read into.
type object[T any] struct {
	name   string // what the schema calls it
	title  string // its heading in the documentation
	about  string // a paragraph of Markdown
	keys   []key[T]
	rules  schema            // what the schema has to say of several keys at once
	others map[string]string // what other programs call its keys, with what is said to that; nil: nothing
}

// objects is all of them, the file first.
var objects = []interface {
	called() string
	names() []string
	schema() schema
}{fileObject, channelObject, entraObject, timeoutsObject, tokenObject, groupObject, ownerObject, limitsObject, budgetObject, priceObject}

// key is one key of an object. A new one is an entry here, and whoever reads the member that its form leads to.
type key[T any] struct {
	name     string
	form     form[T]
	fallback string // YAML: what is read if the file gives nothing; "": nothing is
	unset    string // Markdown: what that comes to, if it is no value of its own
	about    string // Markdown, one line
	// missing is what is said if a key that has to be there is not; nil: it may be left out.
	missing func(*loader) string
}

// form is what a key may hold, and where it goes.
type form[T any] struct {
	words  string   // what it is, for the documentation
	object string   // the title of the object that it is, or has in a list; "": none
	inside []string // the keys of the object that it is
	accept []schema
	read   func(l *loader, v value, to *T)
}

// into reads a value of a kind into a member, unless something is wrong with it.
func into[T, V any](k kind[V], member func(*T) *V) form[T] {
	return form[T]{words: k.words, accept: k.accept, read: func(l *loader, v value, to *T) {
		if read, ok := k.read(l, v); ok {
			*member(to) = read
		}
	}}
}

// also does something more if the key is given.
func (f form[T]) also(do func(*T)) form[T] {
	read := f.read
	f.read = func(l *loader, v value, to *T) {
		read(l, v, to)
		do(to)
	}
	return f
}

// nested reads an object into a member, over what that holds already.
func nested[T, M any](o *object[M], member func(*T) *M) form[T] {
	return form[T]{words: "a mapping", object: o.title, inside: o.names(), accept: []schema{o.reference()},
		read: func(l *loader, v value, to *T) { readObject(l, o, v, member(to)) }}
}

// listed is a list of objects, which is read later.
func listed[T, M any](o *object[M], words string, least int, member func(*T) **value) form[T] {
	f := into(raw(words, schema{"type": "array", "minItems": least, "items": o.reference()}), member)
	f.object = o.title
	return f
}

// readObject reads the keys that are given, and reports those that are missing and those that there are not. A key without a value
// counts as left out.
func readObject[T any](l *loader, o *object[T], v value, to *T) {
	given := l.fields(v, o.names(), func(name string) string { return o.meant(name, l.unasked()) })
	for i := range o.keys {
		k := &o.keys[i]
		if member, is := given[k.name]; is {
			k.form.read(l, member, to)
		} else if k.missing != nil {
			l.missing(v.place, k.name, k.missing(l))
		}
	}
}

// meant helps with a key that the object does not have: it has one inside of another, or one that is spelt nearly so. unasked are keys
// that have no place here.
func (o *object[T]) meant(name string, unasked []string) string {
	for i := range o.keys {
		if k := &o.keys[i]; slices.Contains(k.form.inside, name) {
			return "did you mean " + k.name + "." + name + "?"
		}
	}
	if says, is := o.others[strings.ToLower(name)]; is {
		return says
	}
	return suggestion(name, slices.DeleteFunc(o.names(), func(name string) bool { return slices.Contains(unasked, name) }))
}

// missing reports that a mapping lacks a key.
func (d *decoder) missing(mapping place, key, message string) {
	mapping.key = member(mapping.key, key)
	d.report(mapping, "%s", message)
}

// isMissing is the plainest of what is said of a missing key.
func isMissing(*loader) string { return "missing" }

// called is what the schema calls it.
func (o *object[T]) called() string { return o.name }

// names is the keys' names, in the order of the table.
func (o *object[T]) names() []string {
	names := make([]string, len(o.keys))
	for i := range o.keys {
		names[i] = o.keys[i].name
	}
	return names
}

// defaults is an object of which the file gives nothing.
func (o *object[T]) defaults() (values T) {
	l := &loader{decoder: decoder{env: Source{Env: noVariables}.environment()}}
	for i := range o.keys {
		if k := &o.keys[i]; k.fallback != "" {
			var node yaml.Node
			if yaml.Unmarshal([]byte(k.fallback), &node) == nil { // a test reads them all
				k.form.read(l, l.value(node.Content[0], k.name), &values)
			}
		}
	}
	return values
}

func noVariables(string) (string, bool) { return "", false }
