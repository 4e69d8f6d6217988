package route53

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/dnssec"
	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/timestamp"
)

// The operations of DNSSEC. Keys are made under the seal key of the node; the ARN of a
// key in KMS is only remembered.

const (
	keyActive   = "ACTIVE"
	keyInactive = "INACTIVE"
)

func keyShape(z *hostedzone.HostedZone, k *hostedzone.SigningKey) *KeySigningKey {
	ds := k.Key.DSText(z.Apex)
	status := keyInactive
	if k.Active {
		status = keyActive
	}
	return &KeySigningKey{
		Name: k.Name, KmsArn: k.KMS, Flag: new(int64(dnssec.Flags)), SigningAlgorithmMnemonic: "ECDSAP256SHA256", SigningAlgorithmType: new(int64(dnssec.Algorithm)),
		DigestAlgorithmMnemonic: "SHA-256", DigestAlgorithmType: new(int64(dnssec.Digest)), KeyTag: new(int64(k.Key.Tag())), DigestValue: ds[strings.LastIndexByte(ds, ' ')+1:],
		PublicKey: base64.StdEncoding.EncodeToString(k.Key.Public[:]), DSRecord: ds, DNSKEYRecord: k.Key.DNSKEYText(), Status: status,
		CreatedDate: timestamp.Milliseconds(k.Key.Created), LastModifiedDate: timestamp.Milliseconds(k.Changed),
	}
}

// publicZone returns a zone that can be signed.
func (a *api) publicZone(c *service.Call, id *string) (*zoneView, error) {
	v, err := a.find(c, id)
	if err == nil && v.private {
		return nil, &hostedzone.Error{Code: hostedzone.InvalidArgument, Message: "Operation is unsupported for private hosted zones"}
	}
	return v, err
}

func (a *api) GetDNSSEC(_ context.Context, c *service.Call, in *GetDNSSECRequest) (*GetDNSSECResponse, error) {
	v, err := a.publicZone(c, in.HostedZoneId)
	if err != nil {
		return nil, err
	}
	out := &GetDNSSECResponse{Status: &DNSSECStatus{ServeSignature: "NOT_SIGNING"}, KeySigningKeys: []KeySigningKey{}}
	z := v.zone
	if v.ns != nil {
		z = namespaceKeys(c, v)
	}
	if z.Signing {
		out.Status.ServeSignature = "SIGNING"
	}
	for i := range z.SigningKeys {
		out.KeySigningKeys = append(out.KeySigningKeys, *keyShape(z, &z.SigningKeys[i]))
	}
	return out, nil
}

// namespaceKeys has the keys of a namespace's zone in the form of a hosted zone.
func namespaceKeys(c *service.Call, v *zoneView) *hostedzone.HostedZone {
	apex, _ := hostedzone.ParseName(v.name)
	z := &hostedzone.HostedZone{Apex: apex, Signing: len(v.ns.Keys) > 0}
	active := z.Signing && len(v.ns.Keys) > 0
	for i, key := range v.ns.Keys {
		z.SigningKeys = append(z.SigningKeys, hostedzone.SigningKey{
			Name: "cairn_" + strconv.Itoa(i+1), Active: active && v.ns.Keys.Active(c.Now.UnixMilli()) == &v.ns.Keys[i], Key: key, Changed: key.Created,
		})
	}
	return z
}

// signable returns a hosted zone whose keys can be changed here: those of a namespace are
// changed by its tag cairn.dnssec.
func (a *api) signable(c *service.Call, id *string) (*hostedzone.HostedZone, error) {
	v, err := a.publicZone(c, id)
	if err != nil {
		return nil, err
	}
	if v.ns != nil {
		return nil, v.managed(c)
	}
	return v.zone, nil
}

// changeSigning proposes a change of the signing of a zone.
func (a *api) changeSigning(ctx context.Context, c *service.Call, id *string, change func(*hostedzone.HostedZone, int64) error) (*hostedzone.HostedZone, *ChangeInfo, error) {
	z, err := a.signable(c, id)
	if err != nil {
		return nil, nil, err
	}
	reply, err := c.Propose(ctx, &hostedzone.SignZone{Zone: z.ID, Change: change})
	if err != nil {
		return nil, nil, err
	}
	return reply.Value.(*hostedzone.HostedZone), a.changeInfo(c, reply.ID, ""), nil
}

func (a *api) CreateKeySigningKey(ctx context.Context, c *service.Call, in *CreateKeySigningKeyRequest) (*CreateKeySigningKeyResponse, error) {
	if *in.Status != keyActive && *in.Status != keyInactive {
		return nil, &hostedzone.Error{Code: hostedzone.InvalidKeySigningKeyStatus, Message: fmt.Sprintf("The key-signing key (KSK) status %q must be ACTIVE or INACTIVE.", *in.Status)}
	}
	if _, err := a.signable(c, in.HostedZoneId); err != nil {
		return nil, err
	}
	if a.newKey == nil {
		return nil, &hostedzone.Error{Code: codeInvalidKMSArn, Message: "No key can be made: this node signs nothing."}
	}
	key, err := a.newKey()
	if err != nil {
		return nil, &hostedzone.Error{Code: codeInvalidKMSArn, Message: "No key can be made: " + err.Error()}
	}
	k := hostedzone.SigningKey{Name: *in.Name, KMS: *in.KeyManagementServiceArn, CallerReference: *in.CallerReference, Active: *in.Status == keyActive}
	z, info, err := a.changeSigning(ctx, c, in.HostedZoneId, hostedzone.AddKey(k, *key))
	if err != nil {
		return nil, err
	}
	return &CreateKeySigningKeyResponse{
		ChangeInfo: info, KeySigningKey: keyShape(z, &z.SigningKeys[len(z.SigningKeys)-1]), Location: a.location("keysigningkey/" + string(z.ID) + "/" + *in.Name),
	}, nil
}

// noKey returns the error of an operation that does not have NoSuchHostedZone.
func noKey(err error) error {
	if e, ok := errors.AsType[*hostedzone.Error](err); ok && e.Code == hostedzone.NoSuchHostedZone {
		return &hostedzone.Error{Code: hostedzone.NoSuchKeySigningKey, Message: e.Message}
	}
	return err
}

func (a *api) ActivateKeySigningKey(ctx context.Context, c *service.Call, in *ActivateKeySigningKeyRequest) (*ActivateKeySigningKeyResponse, error) {
	_, info, err := a.changeSigning(ctx, c, in.HostedZoneId, hostedzone.SetKeyActive(*in.Name, true))
	return &ActivateKeySigningKeyResponse{ChangeInfo: info}, noKey(err)
}

func (a *api) DeactivateKeySigningKey(ctx context.Context, c *service.Call, in *DeactivateKeySigningKeyRequest) (*DeactivateKeySigningKeyResponse, error) {
	_, info, err := a.changeSigning(ctx, c, in.HostedZoneId, hostedzone.SetKeyActive(*in.Name, false))
	return &DeactivateKeySigningKeyResponse{ChangeInfo: info}, noKey(err)
}

func (a *api) DeleteKeySigningKey(ctx context.Context, c *service.Call, in *DeleteKeySigningKeyRequest) (*DeleteKeySigningKeyResponse, error) {
	_, info, err := a.changeSigning(ctx, c, in.HostedZoneId, hostedzone.DeleteKey(*in.Name))
	return &DeleteKeySigningKeyResponse{ChangeInfo: info}, noKey(err)
}

func (a *api) EnableHostedZoneDNSSEC(ctx context.Context, c *service.Call, in *EnableHostedZoneDNSSECRequest) (*EnableHostedZoneDNSSECResponse, error) {
	_, info, err := a.changeSigning(ctx, c, in.HostedZoneId, hostedzone.SetSigning(true))
	return &EnableHostedZoneDNSSECResponse{ChangeInfo: info}, err
}

func (a *api) DisableHostedZoneDNSSEC(ctx context.Context, c *service.Call, in *DisableHostedZoneDNSSECRequest) (*DisableHostedZoneDNSSECResponse, error) {
	_, info, err := a.changeSigning(ctx, c, in.HostedZoneId, hostedzone.SetSigning(false))
	return &DisableHostedZoneDNSSECResponse{ChangeInfo: info}, err
}
