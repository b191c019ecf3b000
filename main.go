// Command recoverbot brings a company's service back when its servers die: a bot that stands by in the operators'
// chat, a web console and a terminal, and does each step of a recovery only on approval.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/go-sql-driver/mysql"
	"github.com/spf13/cobra"

	"recoverbot/drill/service"
	"recoverbot/runbook/dump/load"
)

func main() {
	if status, ok := hidden(os.Args); ok {
		os.Exit(status)
	}
	_ = mysql.SetLogger(&mysql.NopLogger{}) // would write raw lines beside the log; fails for nil only
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := newRoot().ExecuteContext(ctx)
	var quiet quietError
	var usage usageError
	var status statusError
	switch {
	case err == nil:
	case errors.As(err, &quiet):
		stop()
		os.Exit(int(quiet))
	default:
		fmt.Fprintln(os.Stderr, "recoverbot: "+err.Error())
		stop()
		if errors.As(err, &status) {
			os.Exit(status.status)
		}
		if errors.As(err, &usage) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

// usageError is a command line that says nothing that can be done.
type usageError struct{ error }

// statusError is an error with an exit status of its own.
type statusError struct {
	error
	status int
}

// quietError is an exit status whose reason has been printed already.
type quietError int

func (e quietError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// hidden runs what this binary is besides the bot: the dump loader that the bot uploads to a database host, and the
// small services of the drill's miniature company.
func hidden(args []string) (status int, ok bool) {
	if len(args) < 2 {
		return 0, false
	}
	switch {
	case args[1] == "load-dump":
		return load.Main(args[2:], os.Stdin, os.Stdout, os.Stderr), true
	case args[1] == "drill-service" || filepath.Base(args[0]) == "drill-service":
		return service.Main(args[2:]), true
	}
	return 0, false
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "recoverbot",
		Short:         "Brings a company's service back when its servers die, one approved step at a time",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(badOption)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentFlags().String("env-file", "", "file with settings, KEY=value a line (default: .env in this directory, where there is one)")
	root.AddCommand(
		serveCommand(), drillCommand(), recoverCommand(), planCommand(), checkCommand(), runsCommand(), reportCommand(),
		tokenCommand(), auditCommand(), blackBoxCommand(), rehearseCommand(), versionCommand(),
	)
	return group(root)
}
