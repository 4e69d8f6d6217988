package route53

import (
	"net/http"
	"testing"

	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

func TestErrorTexts(t *testing.T) {
	const start = `<ChangeResourceRecordSetsRequest xmlns="` + xmlNamespace + `"><ChangeBatch>`
	const end = `</ChangeBatch></ChangeResourceRecordSetsRequest>`
	for _, test := range []struct{ label, body, code, text string }{
		{"Z1", start + `<Changes><Change><Action>X</Action><ResourceRecordSet><Name>a</Name><Type>A</Type></ResourceRecordSet></Change></Changes>` + end, codeInvalidInput,
			"Invalid XML ; cvc-enumeration-valid: Value 'X' is not facet-valid with respect to enumeration '[CREATE, DELETE, UPSERT]'. It must be a value from the enumeration."},
		{"Z1", start + `<Changes><Change><Action>CREATE</Action></Change></Changes>` + end, codeInvalidInput,
			`Invalid XML ; cvc-complex-type.2.4.b: The content of element 'Change' is not complete. One of '{"` + xmlNamespace + `":ResourceRecordSet}' is expected.`},
		{"Z1", start + `<Changes/>` + end, codeInvalidInput,
			"Invalid XML ; cvc-minLength-valid: Value '[0 elements]' with length = '0' is not facet-valid with respect to minLength '1' for type 'Changes'."},
		{"Z1", start + `<Changes><Change><Action>CREATE</Action><ResourceRecordSet><Name>a</Name><Type>A</Type><Weight>-1</Weight></ResourceRecordSet></Change></Changes>` + end, codeInvalidInput,
			"Invalid XML ; cvc-minInclusive-valid: Value '-1' is not facet-valid with respect to minInclusive '0' for type 'ResourceRecordSetWeight'."},
		{"Z1", start + `<Changes><Change><Action>CREATE</Action><ResourceRecordSet><Name>a</Name><Type>A</Type><TTL>x</TTL></ResourceRecordSet></Change></Changes>` + end, codeInvalidInput,
			"Invalid XML ; The value is not a whole number of 64 bits (element ChangeBatch/Changes/Change/ResourceRecordSet/TTL)"},
		{"Z1", `<ChangeBatch/>`, codeMalformedInput, "ChangeBatch is not valid, expected ChangeResourceRecordSetsRequest"},
		{"Z1", `<`, codeMalformedInput, "Could not parse XML"},
		{"123456789012345678901234567890123", "", codeInvalidInput,
			"2 validation errors detected: Value '123456789012345678901234567890123' at 'hostedZoneId' failed to satisfy constraint: " +
				"Member must have length less than or equal to 32; Value null at 'changeBatch' failed to satisfy constraint: Member must not be null"},
	} {
		_, err := readChangeResourceRecordSets(&wire.Request{Labels: []string{test.label}, Body: []byte(test.body)})
		got := declaredError(nil, err)
		if got == nil || got.Code != test.code || got.Message != test.text || got.Status != http.StatusBadRequest {
			t.Errorf("%s\ngot  %v\nwant %s: %s", test.body, got, test.code, test.text)
		}
	}
}

// An element that is missing in the root element is reported with the name of the root.
func TestMissingElementOfRoot(t *testing.T) {
	_, err := readCreateHostedZone(&wire.Request{Body: []byte(`<CreateHostedZoneRequest xmlns="` + xmlNamespace + `"><Name>a.example</Name></CreateHostedZoneRequest>`)})
	const want = `Invalid XML ; cvc-complex-type.2.4.b: The content of element 'CreateHostedZoneRequest' is not complete. One of '{"` + xmlNamespace + `":CallerReference}' is expected.`
	got := declaredError(&service.Call{Operation: &service.Operation{Name: "CreateHostedZone"}}, err)
	if got == nil || got.Code != codeInvalidInput || got.Message != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// TestStrictNamespace: AWS refuses a body without the namespace.
func TestStrictNamespace(t *testing.T) {
	body := []byte(`<CreateHostedZoneRequest><Name>a</Name><CallerReference>r</CallerReference></CreateHostedZoneRequest>`)
	if _, err := readCreateHostedZone(&wire.Request{Body: body}); err != nil {
		t.Errorf("extended: %v", err)
	}
	_, err := readCreateHostedZone(&wire.Request{Body: body, Strict: true})
	const want = "Invalid XML ; cvc-elt.1: Cannot find the declaration of element 'CreateHostedZoneRequest'."
	if got := declaredError(nil, err); got == nil || got.Code != codeInvalidInput || got.Message != want {
		t.Errorf("strict: got %v", got)
	}
}

func TestIDsWithKind(t *testing.T) {
	for given, want := range map[string]string{
		"Z1": "Z1", "/hostedzone/Z1": "Z1", "/change/C1": "C1", "/hostedzone/": "", "hostedzone/Z1": "hostedzone/Z1", "/other/Z1": "/other/Z1",
	} {
		in, err := readListTagsForResource(&wire.Request{Labels: []string{"hostedzone", given}})
		if err != nil || *in.(*ListTagsForResourceRequest).ResourceId != want {
			t.Errorf("%s: got %v, %v", given, in, err)
		}
	}
}

func TestNormalizedName(t *testing.T) {
	for given, want := range map[string]string{
		"A.Example.COM.": "a.example.com", "a.example.com": "a.example.com", "*.a": `\052.a`, `\052.a.`: `\052.a`, `_x-1.b`: "_x-1.b",
		`a\056b.c`: `a\056b.c`, "é": `\303\251`, `a\`: `a\134`, `\101`: "a", ".": "",
	} {
		if got := normalizedName(given); got != want {
			t.Errorf("%s: got %s, want %s", given, got, want)
		}
	}
}
