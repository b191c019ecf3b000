package fleet_test

import (
	"context"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/fleet"
)

// TestRun runs what prints without end, in binary and with escapes (fault 10), what asks for a password, prints noise before
// and after, and ends without its marker: then the outcome is unknown (fault 11) (fault 31).
func TestRun(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "a")
	// Whatever a log-in prints, and whoever the shell is, stays out of the output.
	c.WriteFile("a", "/bin/sh", "#!/bin/sh\necho '*** welcome ***'; echo noise >&2\nexec /bin/sh \"$@\"\n", 0o755)
	cl := c.Client("a")
	nasty := "a'b\"c $(touch " + c.Path("a", "/pwned") + ") `id` \\n\n*;\n\n"
	binary := string([]byte{0xff, 0xfe, 0x80, '\n', 0x1b, '[', '3', '1', 'm'})
	for name, tc := range map[string]struct {
		cmd  fleet.Command
		want fleet.Ran
	}{
		"streams":      {fleet.Command{Script: "echo out; echo err >&2; exit 3"}, fleet.Ran{Exit: 3, Stdout: "out\n", Stderr: "err\n"}},
		"nothing":      {fleet.Command{Script: ":"}, fleet.Ran{}},
		"comment":      {fleet.Command{Script: "echo x # end"}, fleet.Ran{Stdout: "x\n"}},
		"data":         {fleet.Command{Script: `printf %s "$V"`, Env: map[string]string{"V": nasty}}, fleet.Ran{Stdout: nasty}},
		"binary data":  {fleet.Command{Script: `printf %s "$V"`, Env: map[string]string{"V": binary}}, fleet.Ran{Stdout: binary}},
		"stdin":        {fleet.Command{Script: "read -r a; echo \"[$a]\"; cat", Stdin: strings.NewReader("one\ntwo\nthree")}, fleet.Ran{Stdout: "[one]\ntwo\nthree"}},
		"newlines":     {fleet.Command{Script: `printf '\n\nx\n\n'`}, fleet.Ran{Stdout: "\n\nx\n\n"}},
		"heredoc":      {fleet.Command{Script: "cat <<X\n'quoted' \"too\"\nX\n"}, fleet.Ran{Stdout: "'quoted' \"too\"\n"}},
		"tail":         {fleet.Command{Script: "seq 1 100000", Max: 13}, fleet.Ran{Stdout: "99999\n100000\n"}},
		"left behind":  {fleet.Command{Script: "sleep 30 & echo done"}, fleet.Ran{Stdout: "done\n"}},
		"exec":         {fleet.Command{Script: "exec echo replaced"}, fleet.Ran{Stdout: "replaced\n"}},
		"no terminal":  {fleet.Command{Script: "test -t 0 || test -t 1 || echo none"}, fleet.Ran{Stdout: "none\n"}},
		"a prompt":     {fleet.Command{Script: "read -r a || echo none; (read -r a </dev/tty) 2>/dev/null || echo none"}, fleet.Ran{Stdout: "none\nnone\n"}},
		"false marker": {fleet.Command{Script: `printf '\nX:begin\n\nX:end:7\n'`}, fleet.Ran{Stdout: "\nX:begin\n\nX:end:7\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := cl.Run(t.Context(), tc.cmd)
			if err != nil || got != tc.want {
				t.Errorf("got %+v, %v\nwant %+v", got, err, tc.want)
			}
		})
	}
	if c.Exists("a", "/pwned") {
		t.Error("a value was run as shell text")
	}
	t.Run("syntax error", func(t *testing.T) {
		if r, err := cl.Run(t.Context(), fleet.Command{Script: "if"}); err != nil || r.Exit == 0 {
			t.Errorf("%+v, %v", r, err)
		}
	})
	t.Run("endless binary", func(t *testing.T) {
		r, err := cl.Run(t.Context(), fleet.Command{Script: "head -c 20000000 /dev/urandom; printf END"})
		if err != nil || len(r.Stdout) != 64<<10 || !strings.HasSuffix(r.Stdout, "END") {
			t.Errorf("%d bytes, %v", len(r.Stdout), err)
		}
	})
	t.Run("no end marker is unknown", func(t *testing.T) {
		r, err := cl.Run(t.Context(), fleet.Command{Script: "echo begun; kill -9 $$"})
		if msgID(err) != "fleet.no_end_marker" {
			t.Errorf("%+v, %v", r, err)
		}
	})
	t.Run("bad variables", func(t *testing.T) {
		for _, vars := range []map[string]string{{"A B": "x"}, {"A;id": "x"}, {"": "x"}, {"A": "nul\x00"}} {
			if _, err := cl.Run(t.Context(), fleet.Command{Script: "true", Env: vars}); err == nil {
				t.Errorf("%v was taken", vars)
			}
		}
	})
}

// Cancelling ends what runs on the host, too.
func TestRunCancelled(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "a")
	cl := c.Client("a")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := cl.Run(ctx, fleet.Command{Script: "sleep 300 & echo $! > \"$F.new\"; mv \"$F.new\" \"$F\"; wait", Env: map[string]string{"F": c.Path("a", "/pid")}})
		done <- err
	}()
	eventually(t, "the command begins", func() bool { return c.Exists("a", "/pid") })
	pid, err := strconv.Atoi(strings.TrimSpace(c.ReadFile("a", "/pid")))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; msgID(err) != "fleet.run_timeout" {
		t.Errorf("cancelled: %v", err)
	}
	eventually(t, "the process is gone", func() bool {
		b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		return err != nil || strings.Contains(string(b), ") Z ") || syscall.Kill(pid, 0) != nil
	})
	if r, err := cl.Run(t.Context(), fleet.Command{Script: "echo still"}); err != nil || r.Stdout != "still\n" {
		t.Errorf("the connection after a cancelled command: %+v, %v", r, err)
	}
}
