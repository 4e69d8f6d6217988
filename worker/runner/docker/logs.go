package docker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/moby/moby/client"

	"github.com/cairn-discovery/cairn/worker/runner"
)

// Logs returns the output of a container, from the engine while the container exists,
// and from the file it was copied to afterwards.
func (d *Driver) Logs(ctx context.Context, taskID, name string, o runner.LogOptions) (io.ReadCloser, error) {
	c, err := d.find(ctx, taskID, name)
	if err != nil {
		return nil, d.engine.explain(err)
	}
	if c == nil {
		return d.copiedLogs(ctx, taskID, name, o)
	}
	tail := ""
	if o.Tail > 0 {
		tail = strconv.Itoa(o.Tail)
	}
	ctx, cancel := context.WithCancel(ctx)
	stream, tty, err := d.openLogs(ctx, c.ID, client.ContainerLogsOptions{Follow: o.Follow, Tail: tail})
	if err != nil {
		cancel()
		return nil, fmt.Errorf("output of container %s: %w", name, d.engine.explain(err))
	}
	if tty {
		return &closeBoth{stream, cancel}, nil
	}
	r, w := io.Pipe()
	go func() { // ends when the stream or the reader ends
		defer stream.Close()
		frames := bufio.NewReader(stream)
		for {
			data, err := nextFrame(frames)
			if err == nil {
				_, err = w.Write(data)
			}
			if err != nil {
				w.CloseWithError(err)
				return
			}
		}
	}()
	return &closeBoth{r, cancel}, nil
}

// closeBoth is a reader whose Close also ends its source.
type closeBoth struct {
	io.ReadCloser
	cancel func()
}

func (c *closeBoth) Close() error {
	c.cancel()
	return c.ReadCloser.Close()
}

// openLogs opens the output of a container on the engine. With tty it is plain,
// otherwise it is in frames.
func (d *Driver) openLogs(ctx context.Context, id string, o client.ContainerLogsOptions) (stream io.ReadCloser, tty bool, err error) {
	c, err := d.inspect(ctx, id)
	if err != nil {
		return nil, false, err
	}
	o.ShowStdout, o.ShowStderr = true, true
	stream, err = d.engine.api().ContainerLogs(streamContext(ctx), id, o)
	return stream, c.Config.Tty, err
}

const (
	frameHeader = 8
	// maxFrame bounds a piece of output. The engine splits lines at 16 KiB.
	maxFrame = 1 << 20
)

// nextFrame returns the content of the next frame of an output stream of the engine:
// one byte for the kind of stream, three zero bytes, the length in four bytes, content.
func nextFrame(r *bufio.Reader) ([]byte, error) {
	var h [frameHeader]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(h[4:])
	if h[0] > 3 || h[1] != 0 || h[2] != 0 || h[3] != 0 || n > maxFrame {
		return nil, errors.New("the output stream of the Docker Engine is not in frames")
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	return data, nil
}

// entry is a piece of output: a line, or a part of a long one.
type entry struct {
	time time.Time
	data []byte
}

// nextEntry reads a piece of output that the engine has marked with its time.
func nextEntry(r *bufio.Reader, tty bool) (entry, error) {
	var line []byte
	var err error
	if tty {
		line, err = r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) || errors.Is(err, io.EOF) && len(line) > 0 {
			err = nil
		}
	} else {
		line, err = nextFrame(r)
	}
	if err != nil {
		return entry{}, err
	}
	stamp, rest, found := bytes.Cut(line, []byte(" "))
	if t, err := time.Parse(time.RFC3339Nano, string(stamp)); found && err == nil {
		return entry{t, rest}, nil
	}
	return entry{data: line}, nil
}
