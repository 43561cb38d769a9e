package outcome

import (
	"net/http"
	"strings"

	"one-api/relay/complaint"
)

// typedByAmazon adds to an error the type that Amazon's services say in a header and not in the body:
// "ThrottlingException:http://internal.amazon.com/coral/…" (https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization).
func typedByAmazon(said *complaint.Complaint, header http.Header) *complaint.Complaint {
	kind, _, _ := strings.Cut(header.Get("X-Amzn-Errortype"), ":")
	if kind == "" || len(kind) > longestAmazonType {
		return said
	}
	if said == nil {
		said = &complaint.Complaint{}
	}
	if said.Type == "" {
		said.Type = kind
	}
	said.Own = true
	return said
}

// longestAmazonType is how many bytes such a type has at the most. Those that there are have forty.
const longestAmazonType = 100
