package config

import (
	"encoding/json"
	"encoding/pem"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"one-api/relay/provider"
)

// CredentialKind is what a Google credentials file may be (the channel option credentials_type).
type CredentialKind string

// The kinds. All but the first can name any address, to which something secret is sent: the operator has to say that it is meant.
const (
	ServiceAccount  CredentialKind = "service_account"
	AuthorizedUser  CredentialKind = "authorized_user"
	ExternalAccount CredentialKind = "external_account"
	Impersonated    CredentialKind = "impersonated_service_account"
)

const (
	vertexHost   = "aiplatform.googleapis.com"
	metadataHost = "metadata.google.internal"
)

var (
	projectForm  = regexp.MustCompile(`^[a-z0-9][a-z0-9.:-]{0,98}$`)
	locationForm = regexp.MustCompile(`^[a-z]+(-[a-z]+[0-9]+)?$`)
	zoneForm     = regexp.MustCompile(`^([a-z]+-[a-z]+[0-9]+)-[a-z]$`)
)

func projectProblem(s scalar) string {
	if !projectForm.MatchString(s.text) {
		return "must be the id of a project, such as my-project-123 (neither its title nor projects/…)"
	}
	return ""
}

func locationProblem(s scalar) string {
	if zone := zoneForm.FindStringSubmatch(s.text); zone != nil {
		return "is a zone: the region is " + zone[1]
	}
	if regionForm.MatchString(s.text) {
		return "must be global, us, eu or a region such as europe-west4: this is how AWS writes its own " + s.got()
	}
	if !locationForm.MatchString(s.text) {
		return "must be global, us, eu or a region such as europe-west4 " + s.got()
	}
	return ""
}

// vertex finds where Vertex AI is asked, and by whom.
func (l *loader) vertex(c *channelDraft, at place) {
	c.Official = true
	c.Location = c.location.text
	if c.Location == "" {
		c.Location = "global"
	}
	if len(c.keys.items) > 0 { // express mode (https://cloud.google.com/vertex-ai/generative-ai/docs/start/express-mode/overview)
		c.Form = provider.VertexExpress
		if c.project.text != "" || c.credentialsFile.text != "" {
			l.report(c.keys.items[0].place, "is for express mode, in which there is neither project nor credentials_file: leave those "+
				"out, or the keys")
		}
	} else {
		l.googleCredential(c, at)
		if c.Project == "" && !c.project.spoilt() && c.credentialsFile.text == "" && !c.keys.spoilt {
			l.missing(at, "project", "missing: the id of the project whose Vertex AI is asked")
		}
	}
	l.vertexAddress(c)
}

// spoilt reports whether something was given that is wrong.
func (s scalar) spoilt() bool { return s.text == "" && s.line > 0 }

// vertexAddress is that of a location, or of whatever stands in its place.
func (l *loader) vertexAddress(c *channelDraft) {
	host := c.Location + "-" + vertexHost
	switch c.Location {
	case "global":
		host = vertexHost
	case "us", "eu":
		host = "aiplatform." + c.Location + ".rep.googleapis.com"
	}
	base := &url.URL{Scheme: "https", Host: host, Path: "/v1"}
	if c.baseURL != nil {
		c.Timeouts.StreamHeader = 0
		s, ok := l.scalar(*c.baseURL)
		if !ok {
			return
		}
		u, message := plainURL(s.text)
		switch {
		case message != "":
		case strings.Contains(u.Path, "/projects/"):
			message = "names a project and a location: give those as project and location, and of base_url the host alone, if it is not Google's own"
		case strings.Contains(u.Path, "/publishers/"):
			message = "is the address of a model: leave out what follows the host"
		default:
			path := strings.TrimRight(u.EscapedPath(), "/")
			if !isVersioned(path) {
				path += "/v1"
			}
			message = l.elsewhereLocated(c, u.Hostname())
			if u, err := url.Parse((&url.URL{Scheme: u.Scheme, Host: u.Host}).String() + path); err == nil { // its parts came from one
				base = u
			}
		}
		if message != "" {
			l.report(s.place, "%s", message)
			return
		}
	}
	if c.Form == "" {
		base = base.JoinPath("projects", c.Project, "locations", c.Location)
	}
	c.BaseURL = base
}

// locatedHost is an address of Google's own for one location.
var locatedHost = regexp.MustCompile(`^([a-z]+-[a-z]+[0-9]+)-aiplatform\.googleapis\.com$|^aiplatform\.(us|eu)\.rep\.googleapis\.com$`)

// elsewhereLocated takes the location from a host that is one location's own, or says that it is not the one that is given.
func (l *loader) elsewhereLocated(c *channelDraft, host string) string {
	found := locatedHost.FindStringSubmatch(strings.ToLower(host))
	if found == nil {
		return ""
	}
	switch there := found[1] + found[2]; {
	case c.location.line == 0:
		c.Location = there
	case c.location.text != "" && c.Location != there:
		return "is that of the location " + there + ", and location says " + c.Location + ": leave one of them out"
	}
	return ""
}

// googleCredential reads who asks: an account's file, or whoever the machine is.
func (l *loader) googleCredential(c *channelDraft, at place) {
	c.Project = c.project.text
	if c.credentialsFile.text == "" {
		if c.credentialsType != ServiceAccount {
			l.missing(at, "credentials_file", "missing: credentials_type is what it may be")
			return
		}
		c.Credential.Google = Google{MetadataHost: l.metadataHost()}
		return
	}
	g, message := l.googleFile(c)
	if message != "" {
		l.report(c.credentialsFile.place, "%s", message)
		return
	}
	c.Credential.Google = Google{JSON: g.text, Kind: g.Type}
	if c.Project == "" {
		c.Project = g.ProjectID
	}
	if c.Project == "" && !c.project.spoilt() {
		l.missing(at, "project", "missing, and the credentials_file names none: the id of the project whose Vertex AI is asked")
	}
	if c.Project != "" && !projectForm.MatchString(c.Project) {
		l.report(c.credentialsFile.place, "names a project by what is none: give project")
	}
	if _, given := c.Headers["X-Goog-User-Project"]; g.QuotaProject != "" && !given {
		if c.Headers == nil {
			c.Headers = map[string]string{}
		}
		c.Headers["X-Goog-User-Project"] = g.QuotaProject
	}
}

// googleFile is a credentials file, as far as it matters here.
type googleFile struct {
	text         string
	Type         string          `json:"type"`
	ProjectID    string          `json:"project_id"`
	QuotaProject string          `json:"quota_project_id"`
	Email        string          `json:"client_email"`
	PrivateKey   string          `json:"private_key"`
	Installed    json.RawMessage `json:"installed"`
	Web          json.RawMessage `json:"web"`
}

// googleFile reads the file. What is wrong with it is said without its name, which may be a misplaced secret.
func (l *loader) googleFile(c *channelDraft) (g googleFile, message string) {
	path := c.credentialsFile.text
	if message := blemish(path); message != "" {
		return g, message
	}
	if strings.HasPrefix(strings.TrimSpace(path), "{") {
		return g, "is the path of a file, and this is what stands in one: write it to a file that only the relay can read"
	}
	if strings.HasPrefix(path, "AIza") {
		return g, "is the path of a file, and this is an API key: those are given as keys, with which neither project nor location is needed"
	}
	if !filepath.IsAbs(path) && c.credentialsFile.file != environmentFile {
		path = filepath.Join(filepath.Dir(l.file), path)
	}
	l.files = append(l.files, path)
	data, err := l.env.readFile(path)
	switch {
	case err != nil && (strings.HasPrefix(c.credentialsFile.text, "~") || strings.HasPrefix(c.credentialsFile.text, "$")):
		return g, "cannot read the file: ~ and $NAME are a shell's, so write the whole path, or ${NAME}"
	case err != nil:
		return g, "cannot read the file: " + reason(err)
	case len(data) > maxSecretSize:
		return g, "names a file that is too large for one: a credentials file is JSON of a few lines"
	case json.Unmarshal(data, &g) != nil:
		return g, "names a file that is no JSON: Google's console makes one under IAM > Service accounts > Keys"
	}
	if l.onDisk && readableByOthers(path) {
		l.warn(c.credentialsFile.place, "others on this machine can read the file: chmod 600 it")
	}
	g.text = string(data)
	return g, g.problem(c.credentialsType)
}

// problem is what is wrong with a file that may be of one kind.
func (g *googleFile) problem(kind CredentialKind) string {
	switch {
	case g.Installed != nil || g.Web != nil:
		return "names the file of an OAuth client, which is no account: Google's console makes a service account's under " +
			"IAM > Service accounts > Keys"
	case g.Type == "":
		return "names a file that does not say its type: it is no credentials file of Google's"
	case g.Type != string(kind):
		for _, other := range []CredentialKind{ServiceAccount, AuthorizedUser, ExternalAccount, Impersonated} {
			if g.Type == string(other) {
				return "names a file of the type " + g.Type + ", which is not what credentials_type allows (" + string(kind) + "). Such a file may " +
					"have secrets sent to any address that it names: if you know where it is from, say credentials_type: " + g.Type
			}
		}
		return "names a file of a type that is not supported here"
	case kind != ServiceAccount:
		return ""
	case g.Email == "" || g.PrivateKey == "":
		return "names a service account's file without client_email or private_key: download it anew"
	}
	if block, _ := pem.Decode([]byte(g.PrivateKey)); block == nil {
		return "names a service account's file whose private_key is none (its line breaks are \\n): download it anew"
	}
	return ""
}

// metadataHost is where the machine's metadata server is, as Google's own libraries have it.
func (l *loader) metadataHost() string {
	s := l.fromEnvironment("GCE_METADATA_HOST")
	if s.text == "" {
		return metadataHost
	}
	if u, err := url.Parse("http://" + s.text); err != nil || u.Host != s.text {
		l.report(s.place, "must be a host, or a host and a port")
	}
	return s.text
}

// IsLoopback reports whether a host, with or without a port, is this machine.
func IsLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}
