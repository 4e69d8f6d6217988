package route53

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/edge/aws/awsxml"
	"github.com/cairn-discovery/cairn/edge/aws/constraint"
	"github.com/cairn-discovery/cairn/edge/aws/rest"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// codeMalformedInput is the code of a body that is not XML.
const codeMalformedInput = "MalformedInput"

// statuses are those of codes that are not 400.
var statuses = map[string]int{
	hostedzone.AccessDenied:               http.StatusForbidden,
	hostedzone.NotAuthorized:              http.StatusUnauthorized,
	hostedzone.NoSuchChange:               http.StatusNotFound,
	hostedzone.NoSuchHealthCheck:          http.StatusNotFound,
	hostedzone.NoSuchHostedZone:           http.StatusNotFound,
	hostedzone.NoSuchKeySigningKey:        http.StatusNotFound,
	hostedzone.VPCAssociationNotFound:     http.StatusNotFound,
	hostedzone.VPCAuthorizationNotFound:   http.StatusNotFound,
	codeNoSuchGeoLocation:                 http.StatusNotFound,
	hostedzone.HostedZoneAlreadyExists:    http.StatusConflict,
	hostedzone.HealthCheckAlreadyExists:   http.StatusConflict,
	hostedzone.HealthCheckVersionMismatch: http.StatusConflict,
	hostedzone.KeyExists:                  http.StatusConflict,
}

// declaredError returns the answer for an error that the API words itself.
func declaredError(c *service.Call, err error) *wire.Error {
	switch e := err.(type) {
	case *hostedzone.Error:
		status, ok := statuses[e.Code]
		if !ok {
			status = http.StatusBadRequest
		}
		return &wire.Error{Code: e.Code, Status: status, Message: e.Message}
	case *command.InvalidInput:
		return invalidInput(e.Message)
	case *constraint.Error:
		return invalidInput(violationText(e, root(c)))
	case *rest.Error:
		return invalidInput(e.Error())
	case *awsxml.Error:
		if e.NotXML {
			return &wire.Error{Code: codeMalformedInput, Status: http.StatusBadRequest, Message: e.Message}
		}
		return invalidInput("Invalid XML ; " + e.Error())
	}
	return nil
}

func invalidInput(message string) *wire.Error {
	return &wire.Error{Code: codeInvalidInput, Status: http.StatusBadRequest, Message: message}
}

// root is the root element of the body of a call.
func root(c *service.Call) string {
	if c == nil || c.Operation == nil {
		return "the request"
	}
	return c.Operation.Name + "Request"
}

// violationText words violated constraints. AWS checks bodies with Apache Xerces,
// which reports the first violation in its own words, and the rest of a request as
// its other APIs do.
func violationText(e *constraint.Error, root string) string {
	for i := range e.Shown {
		if !e.Shown[i].InBody {
			return e.Error()
		}
	}
	return "Invalid XML ; " + schemaText(&e.Shown[0], root)
}

// schemaText words a violation in a body as Xerces does; see XMLSchemaMessages.properties of
// that project.
func schemaText(v *constraint.Violation, root string) string {
	if v.Rule == constraint.Elements {
		v = v.Element
	}
	facet := func(kind, name string) string {
		return fmt.Sprintf("cvc-%s-valid: Value '%s' is not facet-valid with respect to %s '%s' for type '%s'.", kind, v.Value, name, v.Limit, v.Shape)
	}
	length := func(name string) string {
		return fmt.Sprintf("cvc-%s-valid: Value '%s' with length = '%d' is not facet-valid with respect to %s '%s' for type '%s'.",
			name, v.Value, v.Length, name, v.Limit, v.Shape)
	}
	switch v.Rule {
	case constraint.NotNull:
		return fmt.Sprintf(`cvc-complex-type.2.4.b: The content of element '%s' is not complete. One of '{"%s":%s}' is expected.`,
			upperFirst(cmp.Or(v.Parent, root)), xmlNamespace, upperFirst(v.Path[strings.LastIndexByte(v.Path, '.')+1:]))
	case constraint.MaxLength:
		return length("maxLength")
	case constraint.MinLength:
		return length("minLength")
	case constraint.PatternRule:
		return facet("pattern", "pattern")
	case constraint.MaxValue:
		return facet("maxInclusive", "maxInclusive")
	case constraint.MinValue:
		return facet("minInclusive", "minInclusive")
	case constraint.EnumRule:
		return fmt.Sprintf("cvc-enumeration-valid: Value '%s' is not facet-valid with respect to enumeration '%s'. It must be a value from the enumeration.",
			v.Value, v.Limit)
	}
	return v.String()
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
