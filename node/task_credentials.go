package node

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/edge/aws"
	"github.com/cairn-discovery/cairn/edge/aws/sts"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/worker/runner"
	"github.com/cairn-discovery/cairn/worker/runner/endpoint"
)

// taskSession is how long credentials of a task are valid, if its role allows it. They
// are renewed after half of that.
const taskSession = int64(6 * time.Hour / time.Second)

// newTaskEndpoint returns what serves metadata and credentials in tasks.
func (w *wiring) newTaskEndpoint(driver runner.Driver) (*endpoint.Server, error) {
	cfg := endpoint.Config{
		Replica: w.rep, Rules: w.currentRules, Driver: driver, Open: w.cfg.Auth.Mode == config.AuthOpen,
		Subnets: w.taskSubnets(), Logger: w.log.With("part", "endpoint"),
	}
	switch {
	case cfg.Open:
		cfg.Issue = w.openCredentials
	case w.sealKey != nil:
		sessions := sts.NewSessions(w.sealKey)
		cfg.Issue = func(account command.AccountID, role, name string) (*endpoint.Credentials, error) {
			return w.roleCredentials(sessions, account, role, name)
		}
	default:
		w.log.Warn("tasks get no credentials, because there is no seal key: give auth.seal_key_file")
	}
	return endpoint.New(cfg)
}

// taskSubnets returns the subnets of this node as their tasks see them.
func (w *wiring) taskSubnets() []endpoint.Subnet {
	c := &w.cfg.Runner
	var all []endpoint.Subnet
	for _, s := range append(slices.Clone(c.Subnets), c.DefaultSubnet) {
		if !s.CIDR.IsValid() {
			continue
		}
		n := endpoint.Subnet{
			VPC: s.VPC, IPv4: s.CIDR.Prefix, IPv6: s.CIDRIPv6.Prefix, Gateway: s.CIDR.Masked().Addr().Next(),
			DNS: addrsOf(c.DNS), Search: c.Search,
		}
		if n.VPC == "" {
			n.VPC = vpcOf(w.cfg.VPCs, n.Gateway)
		}
		if len(n.DNS) == 0 {
			n.DNS = []netip.Addr{n.Gateway}
		}
		all = append(all, n)
	}
	return all
}

// vpcOf returns the VPC with the longest prefix that contains an address, or "".
func vpcOf(vpcs []config.VPC, a netip.Addr) string {
	id, bits := "", -1
	for _, v := range vpcs {
		for _, p := range v.CIDRs {
			if p.Contains(a) && p.Bits() > bits {
				id, bits = v.ID, p.Bits()
			}
		}
	}
	return id
}

// tasksPrincipal is the service that a role must trust to be the role of a task.
const tasksPrincipal = "ecs-tasks.amazonaws.com"

// roleCredentials makes a session of the role of a task, whose name is that of the
// session. The role was named by somebody who may pass it to tasks; it must belong to the
// account and trust tasksPrincipal.
func (n *Node) roleCredentials(sessions *sts.Sessions, account command.AccountID, arn, name string) (*endpoint.Credentials, error) {
	role, ok := n.directory.current().Principal(arn)
	if !ok || role.Kind != identity.RoleKind || role.Account != string(account) || !trustsTasks(role) {
		//lint:ignore ST1005 the text is that of AWS
		return nil, fmt.Errorf("ECS was unable to assume the role '%s' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this role.", arn)
	}
	now := time.Now().Unix()
	s := &identity.Session{Role: role.ARN, RoleID: role.ID, Name: name, Issued: now, Expires: now + min(taskSession, role.MaxSession)}
	token, err := sessions.Issue(s)
	if err != nil {
		return nil, err
	}
	return &endpoint.Credentials{AccessKeyID: s.AccessKeyID, SecretAccessKey: s.Secret, Token: token, Expires: time.Unix(s.Expires, 0)}, nil
}

// trustsTasks reports whether the trust policy of a role lets tasks of its own account
// assume it.
func trustsTasks(role *identity.Principal) bool {
	return role.Trust.EvaluateTrust(access.Caller{Service: tasksPrincipal}, &access.Request{
		Action: "sts:AssumeRole", Resources: []access.Resource{{ARN: role.ARN, Tags: role}},
		Context: access.MapContext{"aws:sourceaccount": {role.Account}},
	}).Allowed
}

// openCredentials makes credentials for the mode in which nobody checks them: SDKs
// sign every request. The key decides the account, so a task of an account other than
// the default one gets a key of the configuration.
func (n *Node) openCredentials(account command.AccountID, _, _ string) (*endpoint.Credentials, error) {
	var raw [10 + 30]byte
	rand.Read(raw[:]) // never fails
	c := &endpoint.Credentials{
		AccessKeyID:     "ASIA" + base32.StdEncoding.EncodeToString(raw[:10]),
		SecretAccessKey: base64.StdEncoding.EncodeToString(raw[10:]), Token: "open",
		Expires: time.Now().Add(time.Duration(taskSession) * time.Second),
	}
	if account == aws.DefaultAccount {
		return c, nil
	}
	for key, of := range *n.accounts.Load() {
		if of == string(account) {
			c.AccessKeyID, c.Token = key, ""
			return c, nil
		}
	}
	return nil, errors.New("account " + string(account) + " has no access key in the configuration")
}
