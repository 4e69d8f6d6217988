package cluster

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A process on Linux has no wall clock of its own, and a time namespace has none either. But
// programs made by Go ask for the time through the vDSO, which is code that the kernel maps
// into each process. The tests replace that code in one process: it then asks the kernel and
// adds an offset to the wall clock. The monotonic clock stays as it is, as with a real jump.

// setClock makes the wall clock of a process differ from that of the machine by so many
// seconds.
func setClock(pid int, seconds int64) error {
	v, err := openVDSO(pid)
	if err != nil {
		return err
	}
	defer v.mem.Close()
	for range 100 {
		if err := v.stop(); err != nil {
			return err
		}
		done, err := v.patch(seconds)
		syscall.Kill(pid, syscall.SIGCONT)
		if done || err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return errors.New("a thread is always at the beginning of clock_gettime")
}

// vdso is the vDSO of a process.
type vdso struct {
	pid   int
	mem   *os.File // the memory of the process
	entry int64    // the address of clock_gettime
	free  int64    // the address of gettimeofday, which programs made by Go do not call
}

func openVDSO(pid int) (*vdso, error) {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return nil, err
	}
	var start, end int64
	for line := range strings.Lines(string(maps)) {
		if strings.HasSuffix(strings.TrimSpace(line), "[vdso]") {
			fmt.Sscanf(line, "%x-%x", &start, &end)
		}
	}
	if start == 0 {
		return nil, errors.New("the process has no vDSO")
	}
	mem, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	v := &vdso{pid: pid, mem: mem}
	image := make([]byte, end-start)
	if _, err := mem.ReadAt(image, start); err != nil {
		return nil, errors.Join(err, mem.Close())
	}
	file, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return nil, errors.Join(err, mem.Close())
	}
	symbols, err := file.DynamicSymbols()
	for _, s := range symbols {
		switch s.Name {
		case "__vdso_clock_gettime":
			v.entry = start + int64(s.Value)
		case "__vdso_gettimeofday":
			v.free = start + int64(s.Value)
		}
	}
	if err != nil || v.entry == 0 || v.free == 0 {
		return nil, errors.Join(err, mem.Close(), errors.New("the vDSO has other functions"))
	}
	return v, nil
}

// stop stops the process and waits until all its threads have stopped.
func (v *vdso) stop() error {
	if err := syscall.Kill(v.pid, syscall.SIGSTOP); err != nil {
		return err
	}
	for range 5000 {
		if stopped, err := v.each("stat", func(text string) bool {
			_, after, _ := strings.Cut(text, ") ")
			return strings.HasPrefix(after, "T")
		}); stopped || err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return errors.New("the process does not stop")
}

// each reports whether a file of each thread has a property.
func (v *vdso) each(name string, is func(text string) bool) (bool, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/%s", v.pid, name))
	if err != nil || len(files) == 0 {
		return false, errors.Join(err, fmt.Errorf("process %d has no threads", v.pid))
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err == nil && !is(string(text)) {
			return false, nil
		}
	}
	return true, nil
}

const (
	jumpSize  = 5
	offsetAt  = 32 // of the offset in the code below; aligned, so that a write is whole
	offsetEnd = offsetAt + 8
)

// patch writes the new clock_gettime, which a thread must not be about to enter; if one is, it
// returns false.
func (v *vdso) patch(seconds int64) (bool, error) {
	clear, err := v.each("syscall", func(text string) bool {
		fields := strings.Fields(text)
		pc, err := strconv.ParseInt(strings.TrimPrefix(fields[len(fields)-1], "0x"), 16, 64)
		return err != nil || pc <= v.entry || pc >= v.entry+jumpSize
	})
	if !clear || err != nil {
		return false, err
	}
	base := (v.free + 15) &^ 15
	code := []byte{
		0xb8, 0xe4, 0, 0, 0, //       mov eax, 228 (clock_gettime)
		0x0f, 0x05, //                syscall
		0x85, 0xff, //                test edi, edi (0 is CLOCK_REALTIME)
		0x75, 0x0a, //                jne end
		0x48, 0x8b, 0x0d, 14, 0, 0, 0, // mov rcx, [rip+14] (the offset)
		0x48, 0x01, 0x0e, //          add [rsi], rcx (the seconds)
		0xc3, //                      end: ret
	}
	code = append(code, make([]byte, offsetEnd-len(code))...)
	binary.LittleEndian.PutUint64(code[offsetAt:], uint64(seconds))
	jump := binary.LittleEndian.AppendUint32([]byte{0xe9}, uint32(base-(v.entry+jumpSize)))
	if _, err := v.mem.WriteAt(code, base); err != nil {
		return false, err
	}
	_, err = v.mem.WriteAt(jump, v.entry)
	return err == nil, err
}

// setClock makes the wall clock of the process on a machine differ from that of the others.
func (m *machine) setClock(d time.Duration) {
	m.t.Helper()
	m.mu.Lock()
	pid := m.cmd.Process.Pid
	m.mu.Unlock()
	if m.ended() {
		return
	}
	if err := setClock(pid, int64(d/time.Second)); err != nil && !m.ended() {
		m.t.Errorf("clock of %s: %v", m.name, err)
	}
}

// jumps is a wall clock that jumps, and back in the end.
func jumps(name string, d time.Duration, victims func(w *fixture) []*machine) fault {
	var all []*machine
	return fault{name: fmt.Sprintf("clock of %s jumps by %v", name, d), time: 2 * lease,
		begin: func(w *fixture) {
			all = victims(w)
			for i, m := range all {
				m.setClock(d * time.Duration(i+1))
			}
		},
		end: func(w *fixture) {
			for _, m := range all {
				m.setClock(0)
			}
		}}
}

// clockFaults returns the faults of clocks.
func clockFaults() []fault {
	return []fault{
		jumps("a node", time.Hour, oneNode),
		jumps("a member", -time.Hour, oneMember),
		jumps("a node", -time.Hour, oneNode),
		jumps("a member", 24*time.Hour, oneMember),
		jumps("all nodes, each by more than the one before", 10*time.Minute, func(w *fixture) []*machine { return w.nodes }),
	}
}

// TestSetClock: the wall clock of a process jumps, again and again, and that of the machine
// does not.
func TestSetClock(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to write the memory of a process")
	}
	if os.Getenv("CLOCK_TEST_PROCESS") != "" {
		http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			begin := time.Now()
			last := begin
			for range 1000 {
				last = time.Now()
			}
			fmt.Fprint(w, last.Unix(), " ", time.Since(begin) < time.Minute)
		})
		http.ListenAndServe(os.Getenv("CLOCK_TEST_PROCESS"), nil)
		return
	}
	addr := freeAddr(t)
	cmd := exec.Command(os.Args[0], "-test.run", "^TestSetClock$")
	cmd.Env = append(os.Environ(), "CLOCK_TEST_PROCESS="+addr)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	ask := func() (seconds int64, monotonic bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			resp, err := http.Get("http://" + addr)
			if err != nil {
				continue
			}
			defer resp.Body.Close()
			if _, err := fmt.Fscan(resp.Body, &seconds, &monotonic); err != nil {
				t.Fatal(err)
			}
			return seconds, monotonic
		}
		t.Fatal("the process does not answer")
		return 0, false
	}
	ask()
	for _, d := range []int64{3600, -3600, 86400, 0, 7} {
		if err := setClock(cmd.Process.Pid, d); err != nil {
			t.Fatal(err)
		}
		got, monotonic := ask()
		if off := got - time.Now().Unix() - d; off < -5 || off > 5 || !monotonic {
			t.Errorf("with an offset of %d the clock is off by %d; monotonic: %t", d, off, monotonic)
		}
	}
}
