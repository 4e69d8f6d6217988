package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"cairn/internal/atomicfile"
	"cairn/node"
)

const defaultAdmin = "http://127.0.0.1:8055"

func newBackup(p *program) *cobra.Command {
	var admin string
	var force bool
	cmd := &cobra.Command{
		Use:     "backup FILE [flags]",
		GroupID: groupNode,
		Short:   "Copy the registry of a running node into a file",
		Long: `Asks a running node, on its admin listener, for a consistent copy of the
registry and writes it to FILE. The node goes on serving; writes that come
later are not in the copy. FILE is complete, verified and durable when the
command succeeds, and not there at all when it fails.`,
		Example: `  cairn backup registry.backup
  cairn backup --force --admin http://127.0.0.1:8055 /var/backups/cairn.backup`,
		Args: cobra.ExactArgs(1),
		RunE: body(func(cmd *cobra.Command, args []string) error {
			base, err := baseURL(cmp.Or(admin, p.getenv("CAIRN_ADMIN"), defaultAdmin), "--admin")
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return p.backup(ctx, base, args[0], force)
		}),
	}
	cmd.Flags().StringVar(&admin, "admin", "", "`URL` of the node's admin listener (default $CAIRN_ADMIN, or "+defaultAdmin+")")
	cmd.Flags().BoolVar(&force, "force", false, "replace FILE if it is there")
	return cmd
}

func (p *program) backup(ctx context.Context, admin, path string, force bool) error {
	var revision, records uint64
	err := atomicfile.Write(path, force, func(f *os.File) error {
		if err := download(ctx, admin+"/backup", f); err != nil {
			return err
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		var err error
		revision, records, err = node.VerifyBackup(bufio.NewReader(f))
		return err
	})
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s is there already; --force replaces it", path)
	case err != nil:
		return fmt.Errorf("backup: %w", err)
	}
	_, err = fmt.Fprintf(p.stdout, "%s: %d records at revision %d\n", path, records, revision)
	return err
}

// download copies what a URL answers. It goes past any proxy: HTTP_PROXY may
// well be the node's API itself, as docs/sdk-endpoints.md suggests for some
// clients.
func download(ctx context.Context, url string, w io.Writer) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	transport := &http.Transport{ResponseHeaderTimeout: time.Minute}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(request)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("no node answers at %s: name its admin listener with --admin", url)
	}
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(response.Body, 1024))
		return fmt.Errorf("%s answers %s: %s", url, response.Status, strings.TrimSpace(string(why)))
	}
	if _, err := io.Copy(w, response.Body); err != nil {
		return fmt.Errorf("read %s: %w", url, err)
	}
	return nil
}
