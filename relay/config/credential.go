package config

// Credential is what a channel's tokens are fetched with, if it has no keys. The zero value is none.
type Credential struct {
	Entra  Entra
	Google Google
	AWS    AWS
}

// AWS is whatever the machine has for AWS: its environment, its shared files, its container or its instance.
type AWS struct{ Region string }

// Entra is an application of Microsoft's directory.
type Entra struct {
	Tenant, ClientID, ClientSecret string
	Authority                      string // such as https://login.microsoftonline.com
	Scope                          string // that a token is asked for
}

// Google is an account of Google's.
type Google struct {
	JSON string // a credentials file's content; "": the machine's metadata server is asked
	Kind string // of the file, as its member type has it
	// MetadataHost is where the metadata server is: a host, or a host and a port.
	MetadataHost string
}

// IsNone reports whether there is none.
func (c Credential) IsNone() bool { return c == Credential{} }
