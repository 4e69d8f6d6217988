package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// pauseImage is an image of the pause program, FROM scratch.
type pauseImage struct {
	name    string // with a tag that follows from the content
	archive []byte // as "docker save" writes it
}

// newPauseImage makes the image for an architecture.
func newPauseImage(arch string) (*pauseImage, error) {
	program, err := pauseProgram(arch)
	if err != nil {
		return nil, err
	}
	layer, err := tarFile(tarEntry{"pause", 0o755, program})
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(map[string]any{
		"architecture": arch,
		"os":           "linux",
		"created":      "2026-01-01T00:00:00Z",
		"config":       map[string]any{"Entrypoint": []string{"/pause"}, "Labels": map[string]string{labelPrefix + "image": "pause"}},
		"rootfs":       map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + digest(layer)}},
	})
	if err != nil {
		return nil, err
	}
	name := "cairn-pause:" + digest(config)[:12]
	manifest, err := json.Marshal([]map[string]any{{
		"Config": digest(config) + ".json", "RepoTags": []string{name}, "Layers": []string{"layer.tar"},
	}})
	if err != nil {
		return nil, err
	}
	archive, err := tarFile(
		tarEntry{digest(config) + ".json", 0o644, config},
		tarEntry{"layer.tar", 0o644, layer},
		tarEntry{"manifest.json", 0o644, manifest},
	)
	return &pauseImage{name: name, archive: archive}, err
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

type tarEntry struct {
	name string
	mode int64
	data []byte
}

// tarFile returns a tar archive. Its bytes follow from the entries alone.
func tarFile(entries ...tarEntry) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		if err := w.WriteHeader(&tar.Header{Name: e.name, Mode: e.mode, Size: int64(len(e.data))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(e.data); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

// ensurePauseImage gives the engine the image of the pause container if it does not
// have it, and returns its name. The caller holds preparing.
func (d *Driver) ensurePauseImage(ctx context.Context) (string, error) {
	f, err := d.engine.facts(ctx)
	if err != nil {
		return "", err
	}
	img, err := newPauseImage(f.arch)
	if err != nil {
		return "", err
	}
	if _, found, err := d.imageDigest(ctx, img.name); err != nil || found {
		return img.name, err
	}
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	r, err := d.engine.api().ImageLoad(ctx, bytes.NewReader(img.archive), client.ImageLoadWithQuiet(true))
	if err != nil {
		return "", fmt.Errorf("load the image of the pause container: %w", err)
	}
	defer r.Close()
	out, err := io.ReadAll(io.LimitReader(r, maxAnswer))
	if err != nil {
		return "", fmt.Errorf("load the image of the pause container: %w", err)
	}
	if _, found, err := d.imageDigest(ctx, img.name); err != nil || !found {
		return "", fmt.Errorf("load the image of the pause container: the engine says %.200q", out)
	}
	return img.name, nil
}

// removePauseImage deletes the image of the pause container if no container uses it.
// Another node on the same engine loads it again when it needs it.
func (d *Driver) removePauseImage(ctx context.Context) error {
	f, err := d.engine.facts(ctx)
	if err != nil {
		return err
	}
	img, err := newPauseImage(f.arch)
	if err != nil {
		return nil // an architecture without pause containers
	}
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	_, err = d.engine.api().ImageRemove(ctx, img.name, client.ImageRemoveOptions{})
	if cerrdefs.IsNotFound(err) || cerrdefs.IsConflict(err) {
		return nil
	}
	return err
}
