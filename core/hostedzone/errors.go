package hostedzone

import (
	"fmt"
	"strings"
)

// Error is a refusal with a code of the API of Route 53.
type Error struct{ Code, Message string }

func (e *Error) Error() string { return e.Message }

// Codes of the API.
const (
	AccessDenied                 = "AccessDenied"
	ConflictingDomainExists      = "ConflictingDomainExists"
	HealthCheckAlreadyExists     = "HealthCheckAlreadyExists"
	HealthCheckVersionMismatch   = "HealthCheckVersionMismatch"
	HostedZoneAlreadyExists      = "HostedZoneAlreadyExists"
	HostedZoneNotEmpty           = "HostedZoneNotEmpty"
	InvalidArgument              = "InvalidArgument"
	InvalidChangeBatch           = "InvalidChangeBatch"
	InvalidDomainName            = "InvalidDomainName"
	InvalidInput                 = "InvalidInput"
	InvalidKeySigningKeyName     = "InvalidKeySigningKeyName"
	InvalidKeySigningKeyStatus   = "InvalidKeySigningKeyStatus"
	InvalidKMSArn                = "InvalidKMSArn"
	InvalidVPCID                 = "InvalidVPCId"
	KeyInUse                     = "KeySigningKeyInParentDSRecord"
	KeyExists                    = "KeySigningKeyAlreadyExists"
	KeyInactive                  = "KeySigningKeyInUse"
	KeyMissing                   = "KeySigningKeyWithActiveStatusNotFound"
	LastVPCAssociation           = "LastVPCAssociation"
	NoSuchChange                 = "NoSuchChange"
	NoSuchHealthCheck            = "NoSuchHealthCheck"
	NoSuchHostedZone             = "NoSuchHostedZone"
	NoSuchKeySigningKey          = "NoSuchKeySigningKey"
	NotAuthorized                = "NotAuthorizedException"
	PublicZoneVPCAssociation     = "PublicZoneVPCAssociation"
	TooManyHealthChecks          = "TooManyHealthChecks"
	TooManyHostedZones           = "TooManyHostedZones"
	TooManyKeySigningKeys        = "TooManyKeySigningKeys"
	TooManyAuthorizations        = "TooManyVPCAssociationAuthorizations"
	VPCAssociationNotFound       = "VPCAssociationNotFound"
	VPCAuthorizationNotFound     = "VPCAssociationAuthorizationNotFound"
	LimitsExceeded               = "LimitsExceeded"
	HostedZonePartiallyDelegated = "HostedZonePartiallyDelegated"
)

func refuse(code, format string, args ...any) error {
	return &Error{code, fmt.Sprintf(format, args...)}
}

// batchError is the refusal of a batch with all that is wrong in it.
func batchError(messages []string) error {
	return &Error{InvalidChangeBatch, "[" + strings.Join(messages, ", ") + "]"}
}

// NoZone is the refusal of an id that no zone of the account has.
func NoZone(id ID) error { return refuse(NoSuchHostedZone, "No hosted zone found with ID: %s", id) }

// NoCheck is the refusal of an id that no health check of the account has.
func NoCheck(id string) error {
	return refuse(NoSuchHealthCheck, "A health check with id %s does not exist.", id)
}
