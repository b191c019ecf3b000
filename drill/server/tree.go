package server

import (
	"bytes"
	"os"
	"strconv"
	"strings"
)

// stat is what /proc says of one process.
type stat struct {
	pid, parent, group int
	zombie             bool
}

// tree lists the processes that belong to the server and live: its main process, what descends from it, its process
// group, what carries its marker, and what writes to its log (nginx workers and sshd sessions overwrite their environment).
func (p *Process) tree() []int {
	mark := []byte(marker + "=" + p.log)
	mainAlive := true
	select {
	case <-p.done:
		mainAlive = false
	default:
	}
	stats := processes()
	in := map[int]bool{}
	self := os.Getpid()
	for _, s := range stats {
		if s.pid == self {
			continue
		}
		switch {
		case mainAlive && (s.pid == p.pid || s.group == p.pid):
			in[s.pid] = true
		case s.parent != 2 && (hasEnv(s.pid, mark) || writesTo(s.pid, p.log)): // 2 is the kernel's
			in[s.pid] = true
		}
	}
	for grew := true; grew; {
		grew = false
		for _, s := range stats {
			if s.pid != self && in[s.parent] && !in[s.pid] {
				in[s.pid], grew = true, true
			}
		}
	}
	var out []int
	for _, s := range stats {
		if in[s.pid] && !s.zombie {
			out = append(out, s.pid)
		}
	}
	return out
}

// processes reads all of /proc.
func processes() []stat {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	out := make([]stat, 0, len(entries))
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		b, err := os.ReadFile("/proc/" + entry.Name() + "/stat")
		if err != nil {
			continue // it ended meanwhile
		}
		// pid (comm) state ppid pgrp …: comm may hold spaces and parentheses.
		end := bytes.LastIndexByte(b, ')')
		if end < 0 {
			continue
		}
		f := strings.Fields(string(b[end+1:]))
		if len(f) < 3 {
			continue
		}
		parent, _ := strconv.Atoi(f[1])
		group, _ := strconv.Atoi(f[2])
		out = append(out, stat{pid: pid, parent: parent, group: group, zombie: f[0] == "Z" || f[0] == "X"})
	}
	return out
}

func hasEnv(pid int, entry []byte) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return false
	}
	for _, e := range bytes.Split(b, []byte{0}) {
		if bytes.Equal(e, entry) {
			return true
		}
	}
	return false
}

func writesTo(pid int, file string) bool {
	for _, fd := range []string{"/fd/1", "/fd/2"} {
		if to, err := os.Readlink("/proc/" + strconv.Itoa(pid) + fd); err == nil && to == file {
			return true
		}
	}
	return false
}
