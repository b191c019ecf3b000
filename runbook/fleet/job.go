package fleet

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/failpoint"
)

// JobSpec is a script that runs detached on the host, at most once per ID ever. A script that begins with #! is run by
// the interpreter that it names, any other by sh.
type JobSpec struct {
	ID     string // runbook.Job.ID
	Script string
	Env    map[string]string
}

// JobState is what is known of a detached job.
type JobState struct {
	Status string // one of the Job constants
	Exit   int    // of an exited one
}

// The statuses of a JobState.
const (
	JobNone    = "none"
	JobRunning = "running"
	JobExited  = "exited"
	JobDied    = "died" // no exit file, but the process or the boot is gone
)

// jobStart prepares the directory (mkdir is the run-once guard) and starts the runner in a session of its own.
const jobStart = `umask 077
mkdir -p "$RB_JOBS" || exit 4
mkdir "$RB_DIR" 2>/dev/null || { [ -d "$RB_DIR" ] && exit 3; exit 4; }
cd "$RB_DIR" || exit 4
cat /proc/sys/kernel/random/boot_id > boot || exit 4
IFS= read -r line; printf %s "$line" | base64 -d > script || exit 4
IFS= read -r line; printf %s "$line" | base64 -d > env || exit 4
IFS= read -r line; printf %s "$line" | base64 -d > run || exit 4
chmod 700 script
unset line
dir=$RB_DIR
cd
unset RB_DIR RB_JOBS
setsid nohup sh "$dir/run" "$dir" </dev/null >/dev/null 2>&1 &
i=0
while [ ! -f "$dir/pid" ] && [ ! -f "$dir/exit" ] && [ $i -lt 50 ]; do sleep 0.1; i=$((i+1)); done
[ -f "$dir/pid" ]
`

// jobRun is the runner: it outlives the connection, notes who it is, and leaves the exit code in one rename.
const jobRun = `d=$1
trap : TERM
echo "$$ $(sed 's/.*) //' /proc/$$/stat | cut -d' ' -f20)" > "$d/pid.new" && mv "$d/pid.new" "$d/pid" || exit 1
. "$d/env"
rm -f "$d/env"
case $(head -c 2 "$d/script") in
'#!') "$d/script" </dev/null >"$d/out" 2>&1 ;;
*) sh "$d/script" </dev/null >"$d/out" 2>&1 ;;
esac
rc=$?
echo "$rc" > "$d/exit.new" && mv "$d/exit.new" "$d/exit"
`

// jobBorn tells when a living process was started, in ticks since the boot: with its id, what tells it from a later one.
const jobBorn = `born() { s=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null); case $s in ''|[ZX]*) ;; *) echo "$s" | cut -d' ' -f20 ;; esac; }
`

// jobLook prints the status, and with RB_OFFSET how much of the output it leaves out and the output from there on. Of what
// a script prints without end only the last is read, and the host's disk keeps only that. With RB_SETTLE a job that is not
// there will never be: its directory is made, so that a start which is still on its way finds it.
const jobLook = jobBorn + `d=$RB_DIR
if [ -n "$RB_SETTLE" ]; then
	umask 077
	mkdir -p "$RB_JOBS" || exit 4
	if mkdir "$d" 2>/dev/null; then : > "$d/never" || exit 4; elif [ ! -d "$d" ]; then exit 4; fi
fi
if [ ! -d "$d" ] || [ -f "$d/never" ]; then echo none 0; exit 0; fi
if [ -f "$d/exit" ]; then
	echo exited "$(cat "$d/exit")"
elif [ ! -f "$d/pid" ]; then
	if [ "$(cat "$d/boot" 2>/dev/null)" = "$(cat /proc/sys/kernel/random/boot_id)" ] && [ -z "$(find "$d" -maxdepth 0 -mmin +1)" ]; then echo running 0; else echo died 0; fi
else
	read -r pid start < "$d/pid"
	now=$(born "$pid")
	if [ "$(cat "$d/boot")" = "$(cat /proc/sys/kernel/random/boot_id)" ] && [ "$now" = "$start" ]; then
		echo running 0
	elif [ -f "$d/exit" ]; then
		echo exited "$(cat "$d/exit")"
	else
		echo died 0
	fi
fi
[ -n "$RB_OFFSET" ] && [ -f "$d/out" ] || exit 0
size=$(wc -c < "$d/out")
skip=0
[ $((size - RB_OFFSET)) -le 4194304 ] || skip=$((size - 1048576 - RB_OFFSET))
[ "$size" -le 33554432 ] || fallocate -p -o 0 -l $((size - 4194304)) "$d/out" 2>/dev/null
echo "$skip"
tail -c "+$((RB_OFFSET + skip + 1))" "$d/out" | head -c 131072
exit 0
`

// jobCancel ends the job's process group and settles the exit code if the runner could not.
const jobCancel = jobBorn + `d=$RB_DIR
[ -d "$d" ] && [ -f "$d/pid" ] && [ ! -f "$d/exit" ] || exit 0
[ "$(cat "$d/boot")" = "$(cat /proc/sys/kernel/random/boot_id)" ] || exit 0
read -r pid start < "$d/pid"
alive() { [ "$(born "$pid")" = "$start" ]; }
alive || exit 0
kill -TERM "-$pid" 2>/dev/null
i=0
while alive && [ ! -f "$d/exit" ] && [ $i -lt 30 ]; do sleep 0.1; i=$((i+1)); done
kill -KILL "-$pid" 2>/dev/null
[ -f "$d/exit" ] || { echo 143 > "$d/exit.new" && mv "$d/exit.new" "$d/exit"; }
exit 0
`

var jobID = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,200}$`)

const jobsDir = "/var/lib/recoverbot/jobs"

// JobDir is the job's directory on the host.
func (c *Client) JobDir(id string) string { return c.host.Path(jobsDir + "/" + id) }

// StartJob makes the job directory (mkdir is the run-once guard) and starts the script in it, detached. started is
// false where the directory was there already: the job is then followed, never started again. The variables are in
// neither an argument list nor the script; their file is removed once the job has read it. An error means that it is
// not known whether the job started: look with Job. A *runbook.Refusal means that it certainly did not.
func (c *Client) StartJob(ctx context.Context, spec JobSpec) (started bool, err error) {
	if !jobID.MatchString(spec.ID) {
		return false, fmt.Errorf("start job: bad id %q", spec.ID)
	}
	env, err := exports(spec.Env)
	if err != nil {
		return false, err
	}
	var in strings.Builder
	for _, text := range []string{spec.Script, env, jobRun} {
		in.WriteString(base64.StdEncoding.EncodeToString([]byte(text)) + "\n")
	}
	start := Command{Script: jobStart, Stdin: strings.NewReader(in.String()),
		Env: map[string]string{"RB_JOBS": c.host.Path(jobsDir), "RB_DIR": c.JobDir(spec.ID)}}
	ran, err := failpoint.Around(func() (Ran, error) { return c.Run(ctx, start) }, "ssh.job")
	if err != nil {
		return false, err
	}
	switch ran.Exit {
	case 0:
		return true, nil
	case 3:
		return false, nil
	case 4:
		return false, &runbook.Refusal{Text: runbook.T("fleet.job_dir_failed", "host", c.host.Name, "dir", c.JobDir(spec.ID)),
			Err: errors.New(strings.TrimSpace(ran.Stderr))}
	}
	return false, &runbook.Error{Code: runbook.Unavailable, Msg: runbook.T("fleet.job_not_started", "host", c.host.Name),
		Err: fmt.Errorf("start job: exit %d: %s", ran.Exit, strings.TrimSpace(ran.Stderr))}
}

// Job looks at a job.
func (c *Client) Job(ctx context.Context, id string) (JobState, error) {
	l, err := c.lookJob(ctx, id, -1, "")
	return l.state, err
}

// SettleJob is Job for who is going to say what became of the job: one that is not there never runs any more, even if its
// start is still on its way to a host that was slow or away.
func (c *Client) SettleJob(ctx context.Context, id string) (JobState, error) {
	l, err := c.lookJob(ctx, id, -1, "yes")
	return l.state, err
}

// looked is what one look at a job gave: how many bytes of the output it left out, and those after them.
type looked struct {
	state   JobState
	skipped int64
	out     string
}

func (c *Client) lookJob(ctx context.Context, id string, offset int64, settle string) (l looked, err error) {
	if !jobID.MatchString(id) {
		return l, fmt.Errorf("look at job: bad id %q", id)
	}
	env := map[string]string{"RB_JOBS": c.host.Path(jobsDir), "RB_DIR": c.JobDir(id), "RB_OFFSET": "", "RB_SETTLE": settle}
	if offset >= 0 {
		env["RB_OFFSET"] = strconv.FormatInt(offset, 10)
	}
	ctx, cancel := quickly(ctx, "look at job")
	defer cancel()
	ran, err := c.Run(ctx, Command{Script: jobLook, Env: env, Max: 256 << 10})
	if err != nil {
		return l, err
	}
	head, rest, _ := strings.Cut(ran.Stdout, "\n")
	status, code, _ := strings.Cut(head, " ")
	if l.state.Exit, err = strconv.Atoi(strings.TrimSpace(code)); err != nil {
		return l, fmt.Errorf("look at job %s: unexpected answer %q", id, head)
	}
	l.state.Status = status
	if head, l.out, _ = strings.Cut(rest, "\n"); head != "" {
		if l.skipped, err = strconv.ParseInt(head, 10, 64); err != nil {
			return l, fmt.Errorf("look at job %s: unexpected answer %q", id, head)
		}
	}
	return l, nil
}

const quickTimeout = 20 * time.Second

// quickly bounds what only starts or looks: an sshd may answer while every shell hangs.
func quickly(ctx context.Context, op string) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, quickTimeout, fmt.Errorf("%s: no answer within %s", op, quickTimeout))
}

// Skipper is an output that wants to know how much of a job's output was left out.
type Skipper interface{ Skip(bytes int64) }

// FollowJob copies the job's output (both streams) to w from offset on until it ends, and returns how it ended. Where more
// than 4 MiB wait it goes on with the last of them, and tells a Skipper. An error means the connection was lost; follow
// again after reconnecting.
func (c *Client) FollowJob(ctx context.Context, id string, offset int64, w io.Writer) (JobState, error) {
	const quick, slow = 100 * time.Millisecond, time.Second
	pause := quick
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return JobState{}, context.Cause(ctx)
		case <-timer.C:
		}
		l, err := c.lookJob(ctx, id, offset, "")
		if err != nil {
			return JobState{}, err
		}
		offset += l.skipped + int64(len(l.out))
		if s, ok := w.(Skipper); ok && l.skipped > 0 {
			s.Skip(l.skipped)
		}
		if l.out != "" {
			if _, err := io.WriteString(w, l.out); err != nil {
				return JobState{}, fmt.Errorf("write output of job %s: %w", id, err)
			}
			pause = quick
		} else if l.state.Status != JobRunning {
			return l.state, nil
		} else {
			pause = min(2*pause, slow)
		}
		timer.Reset(pause)
	}
}

// CancelJob ends the job's process group; the job then counts as exited with 143, or stays "died".
func (c *Client) CancelJob(ctx context.Context, id string) error {
	if !jobID.MatchString(id) {
		return fmt.Errorf("cancel job: bad id %q", id)
	}
	ctx, done := quickly(ctx, "cancel job")
	defer done()
	_, err := c.Run(ctx, Command{Script: jobCancel, Env: map[string]string{"RB_DIR": c.JobDir(id)}})
	return err
}
