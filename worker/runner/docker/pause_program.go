package docker

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// The pause program holds the namespaces that the containers of a task share, and does
// nothing else. It waits for signals: SIGTERM and SIGINT end it, and for SIGCHLD it reaps
// children, because it is process 1 of tasks with pidMode "task". It is in machine code, so
// the image has a few hundred bytes and needs no compiler and no download. A task costs a
// few kilobytes of memory.

// pauseCode has the program for each architecture of the engine, in the names of Go.
var pauseCode = map[string]struct {
	machine uint16 // e_machine of ELF
	code    []byte
}{
	"amd64": {62, []byte{
		0x6a, 0xff, //                   push -1              a set of all signals
		0x48, 0x89, 0xe6, //             mov  rsi, rsp
		0x6a, 0x02, 0x5f, //             mov  rdi, SIG_SETMASK
		0x31, 0xd2, //                   xor  edx, edx
		0x6a, 0x08, 0x41, 0x5a, //       mov  r10, 8
		0x6a, 0x0e, 0x58, //             mov  rax, 14         rt_sigprocmask
		0x0f, 0x05, //                   syscall
		0x48, 0x89, 0xe7, //       wait: mov  rdi, rsp
		0x31, 0xf6, //                   xor  esi, esi
		0x31, 0xd2, //                   xor  edx, edx
		0x6a, 0x08, 0x41, 0x5a, //       mov  r10, 8
		0xb8, 0x80, 0x00, 0x00, 0x00, // mov  eax, 128        rt_sigtimedwait
		0x0f, 0x05, //                   syscall
		0x83, 0xf8, 0x0f, //             cmp  eax, SIGTERM
		0x74, 0x20, //                   je   exit
		0x83, 0xf8, 0x02, //             cmp  eax, SIGINT
		0x74, 0x1b, //                   je   exit
		0x83, 0xf8, 0x11, //             cmp  eax, SIGCHLD
		0x75, 0xdf, //                   jne  wait
		0x6a, 0xff, 0x5f, //       reap: mov  rdi, -1
		0x31, 0xf6, //                   xor  esi, esi
		0x6a, 0x01, 0x5a, //             mov  rdx, WNOHANG
		0x45, 0x31, 0xd2, //             xor  r10d, r10d
		0x6a, 0x3d, 0x58, //             mov  rax, 61         wait4
		0x0f, 0x05, //                   syscall
		0x85, 0xc0, //                   test eax, eax
		0x7f, 0xec, //                   jg   reap
		0xeb, 0xc9, //                   jmp  wait
		0x31, 0xff, //             exit: xor  edi, edi
		0xb8, 0xe7, 0x00, 0x00, 0x00, // mov  eax, 231        exit_group
		0x0f, 0x05, //                   syscall
	}},
	"arm64": {183, littleEndian(
		0x92800009, //       mov  x9, -1
		0xf81f0fe9, //       str  x9, [sp, -16]!   a set of all signals
		0xb27f03e0, //       mov  x0, SIG_SETMASK
		0x910003e1, //       mov  x1, sp
		0xaa1f03e2, //       mov  x2, 0
		0xb27d03e3, //       mov  x3, 8
		0xd28010e8, //       mov  x8, 135          rt_sigprocmask
		0xd4000001, //       svc  0
		0x910003e0, // wait: mov  x0, sp
		0xaa1f03e1, //       mov  x1, 0
		0xaa1f03e2, //       mov  x2, 0
		0xb27d03e3, //       mov  x3, 8
		0xd2801128, //       mov  x8, 137          rt_sigtimedwait
		0xd4000001, //       svc  0
		0x71003c1f, //       cmp  w0, SIGTERM
		0x540001c0, //       b.eq exit
		0x7100081f, //       cmp  w0, SIGINT
		0x54000180, //       b.eq exit
		0x7100441f, //       cmp  w0, SIGCHLD
		0x54fffea1, //       b.ne wait
		0x92800000, // reap: mov  x0, -1
		0xaa1f03e1, //       mov  x1, 0
		0xb24003e2, //       mov  x2, WNOHANG
		0xaa1f03e3, //       mov  x3, 0
		0xd2802088, //       mov  x8, 260          wait4
		0xd4000001, //       svc  0
		0x7100001f, //       cmp  w0, 0
		0x54ffff2c, //       b.gt reap
		0x17ffffec, //       b    wait
		0xaa1f03e0, // exit: mov  x0, 0
		0xd2800bc8, //       mov  x8, 94           exit_group
		0xd4000001, //       svc  0
	)},
}

func littleEndian(words ...uint32) []byte {
	var b []byte
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

// pauseProgram returns the executable file of the pause program: an ELF header, one
// program header, and the code (System V ABI, chapters 4 and 5).
func pauseProgram(arch string) ([]byte, error) {
	p, ok := pauseCode[arch]
	if !ok {
		return nil, fmt.Errorf("there is no pause program for the architecture %q of the engine", arch)
	}
	const (
		fileHeader, programHeader = 64, 56
		base                      = 0x400000
		start                     = fileHeader + programHeader
	)
	size := uint64(start + len(p.code))
	var b bytes.Buffer
	b.WriteString("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00") // 64 bits, little-endian
	for _, v := range []any{
		uint16(2), p.machine, uint32(1), // ET_EXEC
		uint64(base + start), uint64(fileHeader), uint64(0), // entry, program headers, no sections
		uint32(0), uint16(fileHeader), uint16(programHeader), uint16(1), uint16(0), uint16(0), uint16(0),
		uint32(1), uint32(5), // PT_LOAD, readable and executable
		uint64(0), uint64(base), uint64(base), size, size, uint64(0x10000),
	} {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			return nil, err
		}
	}
	b.Write(p.code)
	return b.Bytes(), nil
}
