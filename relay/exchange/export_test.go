package exchange

// Conversion is what converting a text is taken to need, for the tests that hold the adaptors against it.
var Conversion = conversion
