package service

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
)

// Call is what a shim asks the supervisor.
type Call struct {
	Tool  string   `json:"tool"` // systemctl or crontab
	Args  []string `json:"args"`
	Input string   `json:"input,omitempty"` // a new crontab
}

// Answer is what the shim prints, and its exit status.
type Answer struct {
	Exit   int    `json:"exit"`
	Stdout string `json:"stdout"`
	Stderr string `json:"stderr"`
}

// Ask sends a call to a supervisor's socket.
func Ask(socket string, c Call) (Answer, error) {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return Answer{}, fmt.Errorf("reach the drill: %w", err)
	}
	defer conn.Close()
	if err := json.NewEncoder(conn).Encode(c); err != nil {
		return Answer{}, fmt.Errorf("ask the drill: %w", err)
	}
	var a Answer
	if err := json.NewDecoder(conn).Decode(&a); err != nil {
		return Answer{}, fmt.Errorf("hear the drill: %w", err)
	}
	return a, nil
}

func shim(tool string, args []string) int {
	c := Call{Tool: tool, Args: args}
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, tool+": "+err.Error())
		return 1
	}
	if tool == "crontab" { // crontab [-u USER] -l | -r | - | FILE
		for i := 0; i < len(args); i++ {
			var b []byte
			var err error
			switch a := args[i]; {
			case a == "-u":
				i++
				continue
			case a == "-":
				b, err = io.ReadAll(io.LimitReader(os.Stdin, 1<<20))
			case a[:min(1, len(a))] != "-":
				b, err = os.ReadFile(a)
			}
			if err != nil {
				return fail(err)
			}
			c.Input += string(b)
		}
	}
	a, err := Ask(os.Getenv(EnvControl), c)
	if err != nil {
		return fail(err)
	}
	_, _ = io.WriteString(os.Stdout, a.Stdout)
	_, _ = io.WriteString(os.Stderr, a.Stderr)
	return a.Exit
}
