package docker

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/distribution/reference"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/image"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"
)

const (
	// pullIdle is how long a pull may make no progress.
	pullIdle = 5 * time.Minute
	// maxAuthFile bounds the file of credentials.
	maxAuthFile = 1 << 20

	pullPrefix = "CannotPullContainerError: "
)

// Pull makes an image available as the policy says and returns its digest. The digest
// is empty for an image that was never in a registry.
func (d *Driver) Pull(ctx context.Context, name string) (string, error) {
	digest, err := d.pull(ctx, name)
	if err != nil {
		return "", fmt.Errorf(pullPrefix+"%w", d.engine.explain(err))
	}
	return digest, nil
}

func (d *Driver) pull(ctx context.Context, name string) (string, error) {
	ref, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return "", fmt.Errorf("image %q: %w", name, err)
	}
	if d.cfg.PullPolicy != pullAlways {
		digest, found, err := d.imageDigest(ctx, name)
		if err != nil {
			return "", err
		}
		switch {
		case found && (d.cfg.PullPolicy != pullOnce || d.wasPulled(name)):
			return digest, nil
		case d.cfg.PullPolicy == pullNever:
			return "", fmt.Errorf("image %q is not on this node, and the pull policy is %q", name, pullNever)
		}
	}
	if err := d.download(ctx, ref); err != nil {
		return "", err
	}
	d.mu.Lock()
	d.pulled[name] = true
	d.mu.Unlock()
	digest, found, err := d.imageDigest(ctx, name)
	if err == nil && !found {
		err = fmt.Errorf("image %q was pulled and is not there", name)
	}
	return digest, err
}

func (d *Driver) wasPulled(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pulled[name]
}

// imageDigest returns the digest of an image and whether the engine has the image.
func (d *Driver) imageDigest(ctx context.Context, name string) (digest string, found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := d.engine.api().ImageInspect(ctx, name)
	switch {
	case cerrdefs.IsNotFound(err):
		return "", false, nil
	case err != nil:
		return "", false, err
	}
	return repoDigest(&r.InspectResponse), true, nil
}

// repoDigest returns the digest under which an image is known in registries. An image
// that was loaded from a file has none.
func repoDigest(i *image.InspectResponse) string {
	for _, d := range i.RepoDigests {
		if _, digest, ok := strings.Cut(d, "@"); ok {
			return digest
		}
	}
	return ""
}

// download pulls an image. It gives up when there is no progress.
func (d *Driver) download(ctx context.Context, ref reference.Named) error {
	auth, err := d.registryAuth(reference.Domain(ref))
	if err != nil {
		return err
	}
	stalled := errors.New("the pull made no progress for " + pullIdle.String())
	ctx, cancel := context.WithCancelCause(streamContext(ctx))
	defer cancel(nil)
	idle := time.AfterFunc(pullIdle, func() { cancel(stalled) })
	defer idle.Stop()
	resp, err := d.engine.api().ImagePull(ctx, ref.String(), client.ImagePullOptions{RegistryAuth: auth})
	if err == nil {
		for m, e := range resp.JSONMessages(ctx) {
			idle.Reset(pullIdle)
			if err = e; err == nil && m.Error != nil {
				err = m.Error
			}
			if err != nil {
				break
			}
		}
		resp.Close()
	}
	if cause := context.Cause(ctx); errors.Is(cause, stalled) {
		return cause
	}
	return err
}

// registryAuth returns the credentials for a registry in the form of the engine's API,
// or "" if there are none.
func (d *Driver) registryAuth(domain string) (string, error) {
	if d.cfg.AuthFile == "" {
		return "", nil
	}
	f, err := os.Open(d.cfg.AuthFile)
	if err != nil {
		return "", errors.New("the file of credentials for registries cannot be opened")
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxAuthFile))
	if err != nil {
		return "", errors.New("the file of credentials for registries cannot be read")
	}
	auth, err := parseAuth(b, domain)
	if err != nil || auth == nil {
		return "", err
	}
	return authconfig.Encode(*auth)
}

// parseAuth returns the credentials of a registry from the text of Docker's
// config.json, or nil if it has none. Errors do not contain parts of the text.
func parseAuth(text []byte, domain string) (*registry.AuthConfig, error) {
	var file struct {
		Auths map[string]struct {
			Auth          string `json:"auth"`
			IdentityToken string `json:"identitytoken"`
		} `json:"auths"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, errors.New("the file of credentials for registries is not JSON in the form of Docker's config.json")
	}
	keys := []string{domain, "https://" + domain}
	if domain == "docker.io" {
		keys = append(keys, "https://index.docker.io/v1/")
	}
	for _, k := range keys {
		e, ok := file.Auths[k]
		if !ok {
			continue
		}
		plain, err := base64.StdEncoding.DecodeString(e.Auth)
		user, password, found := strings.Cut(string(plain), ":")
		if err != nil || !found {
			return nil, fmt.Errorf("the credentials for registry %q are not base64 of user:password", domain)
		}
		return &registry.AuthConfig{Username: user, Password: password, IdentityToken: e.IdentityToken, ServerAddress: k}, nil
	}
	return nil, nil
}
