package drill

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"recoverbot/drill/service"
	"recoverbot/locale"
)

// Options configure Run.
type Options struct {
	Dir  string // where the company is built; "": a temporary directory that is removed afterwards
	HTTP string // address of the bot's console; "": the first free one from 127.0.0.1:8080 on
	// Scenarios are played one after the other in one company; none keeps everything running until ctx ends.
	Scenarios []string
	// Auto approves everything as the drill's operator. Without it Stdin must be a terminal, where `recoverbot recover`
	// asks its questions.
	Auto     bool
	Lost     bool   // no complete dump is left anywhere: with total alone
	Chain    int    // how often all of that is done again; 0 means once
	How      string // how hosts break: kill (default), freeze, partial
	People   []Person
	Settings map[string]string // further settings of the bot, such as those of a chat
	Environ  []string          // what the bot finds in its environment beside the drill's own, KEY=value each
	Language string            // "en" or "zh"
	Program  string            // path of recoverbot; default: this program
	Stdin    io.Reader
	Stdout   io.Writer
	Printer  *locale.Printer
}

// session is one drill under way.
type session struct {
	o     Options
	c     *Company
	users *users
	api   client
	http  string
}

// Run builds the company, starts it and the bot, plays the scenario, and ends everything. Its error is nil only when
// service is really back and every step has done what it says.
func Run(ctx context.Context, o Options) (err error) {
	for _, name := range o.Scenarios {
		if _, ok := parts[name]; !ok {
			return errors.New(o.Printer.T("drill.no_scenario", "name", name, "known", strings.Join(Scenarios(), ", ")))
		}
	}
	if o.Lost && !slices.Equal(o.Scenarios, []string{"total"}) {
		return errors.New(o.Printer.T("drill.lost_total"))
	}
	if o.Program == "" {
		if o.Program, err = os.Executable(); err != nil {
			return fmt.Errorf("find this program: %w", err)
		}
	}
	if o.Dir == "" {
		if o.Dir, err = os.MkdirTemp("", "rbdrill"); err != nil {
			return fmt.Errorf("make the drill's directory: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.Dir)) }()
	}
	s := &session{o: o}
	if s.http, err = freeHTTP(o.HTTP); err != nil {
		return err
	}
	s.say("drill.building", "dir", o.Dir)
	began := time.Now()
	if s.c, err = Build(o.Dir, o.Program); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.c.Close()) }()
	if err := s.begin(ctx); err != nil {
		return err
	}
	s.say("drill.ready", "seconds", time.Since(began), "console", "http://"+s.http, "token", s.c.secrets.operator, "dir", o.Dir)
	if len(o.Scenarios) == 0 {
		return s.stay(ctx)
	}
	for range max(o.Chain, 1) {
		for _, name := range o.Scenarios {
			if err := s.play(ctx, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *session) say(id string, pairs ...any) { fmt.Fprintln(s.o.Stdout, s.o.Printer.T(id, pairs...)) }

// begin starts the company, its users and the bot, and writes drill.json.
func (s *session) begin(ctx context.Context) error {
	if err := s.c.Start(ctx); err != nil {
		return err
	}
	if err := s.c.writeConfiguration(configuration{httpAddr: s.http, language: s.o.Language, people: s.o.People, settings: s.o.Settings}); err != nil {
		return err
	}
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stopCompany := s.c.cancel
	s.c.cancel = func() { cancel(); stopCompany() }
	if err := serveCalls(background, &s.c.work, s.c.socket(), func(c service.Call) service.Answer { return s.c.command(background, c.Args) }); err != nil {
		return err
	}
	s.users = s.c.load(background)
	s.api = client{base: "http://" + s.http, token: s.c.secrets.operator}
	argv := []string{s.o.Program, "serve", "--env-file", s.c.envFile()}
	_, err := s.c.startBot(background, s.http, argv[2:], s.o.Environ, func(pid int) error {
		return s.c.writeDescription(s.c.describe("http://"+s.http, BotDescription{Pid: pid, Argv: argv, EnvFile: s.c.envFile(), Journal: s.c.journal()}))
	})
	if err != nil {
		return err
	}
	return s.boxed(ctx)
}

// boxed waits until the bot has its first copy of what dies with a machine, so that machines may be broken.
func (s *session) boxed(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return until(ctx, func() error {
		if held, _ := filepath.Glob(filepath.Join(filepath.Dir(s.c.journal()), "blackbox", "*.box")); len(held) == 0 {
			return errors.New("the black box is still empty")
		}
		return nil
	})
}

// stay keeps everything running until ctx ends; `break` and `heal` come from standard input.
func (s *session) stay(ctx context.Context) error {
	s.say("drill.stay")
	if s.o.Stdin != nil {
		go func() { // ends with the process: a read of a terminal cannot be cancelled
			in := bufio.NewScanner(s.o.Stdin)
			for in.Scan() {
				words := strings.Fields(in.Text())
				if len(words) == 0 {
					continue
				}
				a := s.c.command(ctx, words)
				fmt.Fprint(s.o.Stdout, a.Stdout, a.Stderr)
			}
		}()
	}
	<-ctx.Done()
	return nil
}

// alerted waits until the watcher has raised the prompt of the scenario.
func (s *session) alerted(ctx context.Context, scenario string, since time.Time) error {
	s.say("drill.waiting_alert")
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	err := until(ctx, func() error {
		alerts, err := s.api.alerts(ctx)
		if err != nil {
			return err
		}
		for _, a := range alerts {
			if a.Scenario == scenario && a.State == "firing" {
				s.say("drill.alert", "text", a.Text, "seconds", time.Since(since))
				return nil
			}
		}
		return errors.New("no alert")
	})
	if err != nil {
		return fmt.Errorf("wait for the watcher's alert: %w", err)
	}
	return nil
}

// operate plays the operator.
func (s *session) operate(ctx context.Context, text, abort string) (run, error) {
	o, err := newOperator(s.c.fleetFile(), s.api, s.c.user, s.tell)
	if err != nil {
		return run{}, err
	}
	o.abort = abort
	id, err := s.api.start(ctx, text)
	if err != nil {
		return run{}, err
	}
	return o.drive(ctx, id)
}

// handOver lets the person at this terminal recover, with the same client as in reality.
func (s *session) handOver(ctx context.Context, text, abort string, since time.Time) (run, error) {
	words := strings.Fields(text)[1:]
	cmd := exec.CommandContext(ctx, s.o.Program, append([]string{"recover", "--as", "operator", "--env-file", s.c.envFile()}, words...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Dir = s.c.Dir
	asked := cmd.Run()
	id, err := s.api.last(ctx, words[0], since)
	if err != nil {
		return run{}, errors.Join(asked, err)
	}
	r, err := s.api.run(ctx, id)
	if err == nil && abort != "" && r.State == "aborted" {
		return r, nil
	}
	if err == nil && r.State != "done" {
		err = errors.New(s.o.Printer.T("drill.not_done", "state", r.State))
	}
	return r, errors.Join(asked, err)
}

// Send asks a drill that runs in dir to break or heal a host: args are `break HOST [--how HOW]` or `heal HOST`.
func Send(dir string, args []string, out io.Writer) error {
	d, err := read(filepath.Join(dir, "drill.json"))
	if err != nil {
		return err
	}
	a, err := service.Ask(d.Control, service.Call{Tool: "drill", Args: args})
	if err != nil {
		return err
	}
	fmt.Fprint(out, a.Stdout)
	if a.Exit != 0 {
		return errors.New(strings.TrimSpace(a.Stderr))
	}
	return nil
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
