// Package ginmode keeps GIN_MODE from gin, which panics while the program is being initialised if it does not know the mode, before
// anybody could say what is wrong. It has to be initialised before gin, and is: Go initialises, of all packages whose imports are
// ready, the one with the lowest path (The Go Programming Language Specification, "Program initialization"). This one imports os
// alone; gin imports html/template, and so path/filepath, which comes after os and after this one.
package ginmode

import "os"

const name = "GIN_MODE"

var given, set = take()

// take reads GIN_MODE and hides it. Nothing else in the process reads it.
func take() (string, bool) {
	value, ok := os.LookupEnv(name)
	if ok {
		_ = os.Unsetenv(name) // fails for names that cannot be
	}
	return value, ok
}

// LookupEnv is os.LookupEnv with GIN_MODE as it was given.
func LookupEnv(variable string) (string, bool) {
	if variable == name && set {
		return given, true
	}
	return os.LookupEnv(variable)
}
