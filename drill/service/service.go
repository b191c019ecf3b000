// Package service is what runs on the drill's hosts besides the real servers: small Go services that read the
// operators' kind of config.yaml and need MySQL and redis, and the shims of systemctl and crontab that talk to the
// drill's supervisor. It runs as a hidden subcommand of recoverbot and knows nothing of the bot.
package service

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Subcommand is the hidden word that makes recoverbot run Main with the arguments behind it.
const Subcommand = "drill-service"

// Environment variables that every process on a drill host has.
const (
	EnvDir         = "RECOVERBOT_DRILL_DIR"         // the drill's directory
	EnvCertificate = "RECOVERBOT_DRILL_CERTIFICATE" // file of the domains' certificate with its key
	EnvHost        = "RECOVERBOT_DRILL_HOST"        // name of the host
	EnvLoopback    = "RECOVERBOT_DRILL_LOOPBACK"    // what localhost means there
	EnvControl     = "RECOVERBOT_DRILL_CONTROL"     // the supervisor's socket for this host
	EnvProgram     = "RECOVERBOT_DRILL_PROGRAM"     // path of recoverbot
)

// Main runs `run NAME CONFIG` (a service) or `shim TOOL ARGS…` and returns the exit status.
func Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	switch {
	case len(args) == 3 && args[0] == "run":
		if err := Run(ctx, args[1], args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	case len(args) >= 2 && args[0] == "shim":
		return shim(args[1], args[2:])
	}
	fmt.Fprintln(os.Stderr, "usage: "+Subcommand+" run NAME CONFIG | shim TOOL ARGS")
	return 2
}
