// Package odd has what people, templates and other programs put into environment variables, for tests: what is empty, out of range,
// of another type, of another variable, cut, doubled, in the wrong encoding, or secret.
package odd

import "strings"

// Secret is a part of every value that is secret.
const Secret = "ODD0123456789SECRET"

// Values is all of them.
var Values = []string{
	"", " ", "\t", "0", "-1", "1", "+5", "007", "1.5", "1e3", "1s", "1_000", "0x10", "2147483647", "2147483648", "99999999999999999999",
	"NaN", "-0.5", "0.5",
	"true", "TRUE", "True ", "yes", "on", "1 ", "none", "NONE", "null", "undefined", "${OTEL}", "$(hostname)", "*", "?", ",", ",,,", ";",
	"#", "otlp,otlp", "otlp,,console",
	"grpc", "GRPC", "http/json", "http", "gzip", "GZIP", "zstd", "always_on", "parentbased_jaeger_remote", "b3,,b3", "delta", "DELTA",
	"a=b", "a=b,c", "a=b;c=d", "=b", "a=", "a", "a=%", "a=%zz", "a=%E9", "a=%0A", "a=\u00fc", "\u00fc", "caf\xe9", "\xff\xfe", "a\tb",
	"a\nb", "a\rb", "a\u2028b", "\x1b[31mred", "\x7f",
	`"`, `""`, `"a`, `'x'`, `'`, `\`, "../../etc/passwd", "/etc/passwd", "/nonexistent/file", "file:///etc/passwd", "C:\\ca.pem",
	"http://", "https://", "://", "http://h:0", "http://h:65536", "http://h:port", "http://h:", "HTTP://LOCALHOST:4318",
	"http://127.0.0.1:4318/%zz", "http://[::1", "http://a b", "//h:1", ":4318",
	"localhost", "localhost:", "[::1]", "::", "0.0.0.0:9464", "unix:", "unix://", "dns:4317", "ftp://h",
	"Bearer sk-" + Secret, "authorization: Bearer sk-" + Secret, "authorization=Bearer%20sk-" + Secret,
	"http://u:sk-" + Secret + "@127.0.0.1:1/", "http://127.0.0.1:1/?k=sk-" + Secret,
	"-----BEGIN PRIVATE KEY-----" + Secret, "-----BEGIN PRIVATE KEY-----\n" + Secret + "\n-----END PRIVATE KEY-----", "sk-" + Secret,
	strings.Repeat("x", 2_000), strings.Repeat("a=b,", 1_000), strings.Repeat("sk-"+Secret+",", 100), strings.Repeat("\u00fc", 99) + "x",
}
