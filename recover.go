package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"recoverbot/bot/terminal"
	"recoverbot/locale"
	"recoverbot/runbook"
)

func recoverCommand() *cobra.Command {
	var as string
	cmd := &cobra.Command{
		Use: "recover [SCENARIO] [name=value …]", Short: "The break-glass terminal: recover without any chat",
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := loadSettings(cmd)
			if err != nil {
				return err
			}
			return runRecover(cmd, set, as, args)
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "who you are: a name under people in fleet.yaml (default: your user name, where it is one)")
	return cmd
}

func runRecover(cmd *cobra.Command, set settings, as string, args []string) error {
	bundle, err := locale.Load()
	if err != nil {
		return err
	}
	say := bundle.Printer(set.Language, set.zone)
	if !term.IsTerminal(int(os.Stdin.Fd())) || !term.IsTerminal(int(os.Stdout.Fd())) {
		return errors.New(say.T("cli.no_tty", "command", strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")))
	}
	hello, err := set.hello(bundle, as, args)
	if err != nil {
		return err
	}
	conn, err := terminal.Dial(cmd.Context(), set.socketPath())
	if err == nil {
		fmt.Fprintln(os.Stdout, say.T("cli.attached"))
		return attached(say, terminal.Attach(cmd.Context(), conn, hello, os.Stdin, os.Stdout))
	}
	var refused *net.OpError
	if !errors.As(err, &refused) {
		return err
	}
	fmt.Fprintln(os.Stdout, say.T("cli.alone"))
	return recoverAlone(cmd.Context(), set, hello)
}

// attached is how a session ended, in words where the bot went away.
func attached(say *locale.Printer, err error) error {
	if errors.Is(err, terminal.ErrBotStopped) {
		return errors.New(say.T("cli.bot_gone"))
	}
	return err
}

// recoverAlone is the whole bot, with this terminal as its only chat.
func recoverAlone(ctx context.Context, set settings, hello terminal.Hello) error {
	a, err := newApp(ctx, set, set.DatabaseURL)
	if err != nil {
		return err
	}
	defer a.close()
	_ = a.began(ctx) // what it knows is shown all the same; the watch says that nothing begins
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return a.run(ctx, a.followRules, a.watchJournal, func(ctx context.Context) error {
		defer cancel()
		return a.terminal.ServeSession(ctx, os.Stdin, os.Stdout, terminal.SessionOptions{
			UserID: hello.As, Width: hello.Width, TTY: hello.TTY, Color: hello.Color, Lang: hello.Lang,
			Command: hello.Command, OneRun: hello.OneRun,
		})
	})
}

// hello says who sits at this terminal and what they want.
func (s settings) hello(b *locale.Bundle, as string, args []string) (terminal.Hello, error) {
	f, err := s.openFleet()
	if err != nil {
		return terminal.Hello{}, s.localised(b, err)
	}
	defer f.Close()
	if u, err := user.Current(); as == "" && err == nil {
		as = u.Username
	}
	if _, ok := f.Config().Person(as); !ok {
		var known []string
		for _, p := range f.Config().People {
			known = append(known, p.Name)
		}
		return terminal.Hello{}, s.localised(b, runbook.Errorf(runbook.Forbidden, "cli.who", "known", strings.Join(known, ", ")))
	}
	width, _, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		width = 80
	}
	return terminal.Hello{
		As: as, TTY: true, Width: width, Lang: s.Language, Color: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
		Command: strings.TrimSpace("/recover " + strings.Join(args, " ")), OneRun: len(args) > 0,
	}, nil
}
