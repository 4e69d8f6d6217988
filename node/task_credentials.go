package node

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

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
		Logger: w.log.With("part", "endpoint"),
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

// roleCredentials makes a session of the role of a task. The role was named by somebody
// who may pass it to tasks.
func (n *Node) roleCredentials(sessions *sts.Sessions, account command.AccountID, arn, name string) (*endpoint.Credentials, error) {
	role, ok := n.directory.current().Principal(arn)
	if !ok || role.Kind != identity.RoleKind || role.Account != string(account) {
		return nil, fmt.Errorf("account %s has no role %s", account, arn)
	}
	now := time.Now().Unix()
	s := &identity.Session{Role: role.ARN, RoleID: role.ID, Name: name, Issued: now, Expires: now + min(taskSession, role.MaxSession)}
	token, err := sessions.Issue(s)
	if err != nil {
		return nil, err
	}
	return &endpoint.Credentials{AccessKeyID: s.AccessKeyID, SecretAccessKey: s.Secret, Token: token, Expires: time.Unix(s.Expires, 0)}, nil
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
