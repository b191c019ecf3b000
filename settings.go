package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // the container has no zone files

	"github.com/caarlos0/env/v11"
	"github.com/joho/godotenv"
	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// settings are the environment: secrets and endpoints only. .env.example lists every key, and a test holds it to this.
type settings struct {
	Language         string       `env:"LANGUAGE" envDefault:"en"`
	TZ               string       `env:"TZ"`
	FleetFile        string       `env:"FLEET_FILE" envDefault:"fleet.yaml"`
	RunbookDir       string       `env:"RUNBOOK_DIR"`
	DatabaseURL      string       `env:"DATABASE_URL" envDefault:"sqlite:///var/lib/recoverbot/journal.db"`
	HTTPAddr         string       `env:"HTTP_ADDR" envDefault:"127.0.0.1:8080"`
	AlertToken       fleet.Secret `env:"ALERT_TOKEN"`
	SSHKeyFile       string       `env:"SSH_KEY_FILE"`
	SSHKeyPassphrase fleet.Secret `env:"SSH_KEY_PASSPHRASE"`
	SSHKnownHosts    string       `env:"SSH_KNOWN_HOSTS" envDefault:"known_hosts"`
	BlackBoxKey      fleet.Secret `env:"BLACKBOX_KEY"`

	SlackBotToken      fleet.Secret `env:"SLACK_BOT_TOKEN"`
	SlackAppToken      fleet.Secret `env:"SLACK_APP_TOKEN"`
	SlackSigningSecret fleet.Secret `env:"SLACK_SIGNING_SECRET"`
	SlackChannel       string       `env:"SLACK_CHANNEL"`
	SlackAPIURL        string       `env:"SLACK_API_URL" envDefault:"https://slack.com/api/"`

	TelegramBotToken      fleet.Secret `env:"TELEGRAM_BOT_TOKEN"`
	TelegramChatID        string       `env:"TELEGRAM_CHAT_ID"`
	TelegramThreadID      string       `env:"TELEGRAM_THREAD_ID"`
	TelegramWebhookURL    string       `env:"TELEGRAM_WEBHOOK_URL"`
	TelegramWebhookSecret fleet.Secret `env:"TELEGRAM_WEBHOOK_SECRET"`
	TelegramAPIEndpoint   string       `env:"TELEGRAM_API_ENDPOINT" envDefault:"https://api.telegram.org"`

	environ map[string]string // all of the environment, the file's keys included: for ${NAME} in fleet.yaml
	envFile string
	inFile  []string  // keys of envFile, sorted
	asked   *sync.Map // names that were asked for by getenv
	zone    *time.Location
}

// loadSettings reads the environment over the env file. Every key may be given as KEY_FILE instead: the path of a file
// that holds the value.
func loadSettings(cmd *cobra.Command) (settings, error) {
	s := settings{environ: map[string]string{}, asked: &sync.Map{}}
	name, err := cmd.Flags().GetString("env-file")
	if err != nil {
		return s, err
	}
	file := name
	if file == "" {
		file = ".env"
	}
	fromFile, err := godotenv.Read(file)
	if err != nil && (name != "" || !errors.Is(err, fs.ErrNotExist)) {
		return s, fmt.Errorf("read settings: %w", err)
	}
	s.envFile, s.inFile = file, slices.Sorted(maps.Keys(fromFile))
	for k, v := range fromFile {
		s.environ[k] = v
	}
	for _, kv := range os.Environ() {
		k, v, _ := strings.Cut(kv, "=")
		if _, there := fromFile[k]; there && v == "" {
			continue
		}
		s.environ[k] = v
	}
	if err := readFiles(s.environ); err != nil {
		return s, err
	}
	if lang := strings.FieldsFunc(s.environ["LANGUAGE"], func(r rune) bool { return r == '_' || r == ':' }); len(lang) > 1 {
		s.environ["LANGUAGE"] = lang[0] // a shell's own LANGUAGE may be zh_CN:en
	}
	if err := env.ParseWithOptions(&s, env.Options{Environment: s.environ}); err != nil {
		return s, fmt.Errorf("read settings: %w", err)
	}
	if err := useProxy(s.environ); err != nil {
		return s, err
	}
	if s.Language != "en" && s.Language != "zh" {
		return s, fmt.Errorf("LANGUAGE is %q: it must be en or zh", s.Language)
	}
	if s.zone, err = time.LoadLocation(s.TZ); err != nil {
		return s, fmt.Errorf("TZ is %q: %w", s.TZ, err)
	}
	if s.TZ == "" {
		s.zone = time.Local
	}
	return s, nil
}

// readFiles puts the content of the file that KEY_FILE names under KEY.
func readFiles(environ map[string]string) error {
	for k, path := range environ {
		key, ok := strings.CutSuffix(k, "_FILE")
		if !ok || path == "" || notSecretFiles[k] || !wanted(environ, key) {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read %s: %w", k, err)
		}
		environ[key] = strings.TrimRight(string(text), "\r\n")
	}
	return nil
}

// notSecretFiles are keys of their own that only look like KEY_FILE.
var notSecretFiles = map[string]bool{"FLEET_FILE": true, "SSH_KEY_FILE": true}

// wanted limits KEY_FILE to our own keys and to the fleet's passwords, so that foreign variables are left alone.
func wanted(environ map[string]string, key string) bool {
	for _, k := range keys() {
		if k == key {
			return true
		}
	}
	_, given := environ[key]
	return !given && (strings.Contains(key, "PASSWORD") || strings.Contains(key, "TOKEN") || strings.Contains(key, "SECRET"))
}

// keys are the names of all settings.
func keys() []string {
	var out []string
	t := reflect.TypeOf(settings{})
	for i := range t.NumField() {
		if k := t.Field(i).Tag.Get("env"); k != "" {
			out = append(out, k)
		}
	}
	return out
}

func (s settings) getenv(key string) string {
	s.asked.Store(key, true)
	return s.environ[key]
}

// foreign are variables that others read, which may well stand in the env file.
var foreign = append([]string{"SSH_AUTH_SOCK", "NO_COLOR", "TERM", "COMPOSE_PROJECT_NAME"}, proxyKeys...)

// proxyKeys name the proxy by which the chats are reached. The libraries read them in the process's own environment.
var proxyKeys = []string{"ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"}

// useProxy makes what the env file says of a proxy count as if it stood in the environment, and ALL_PROXY, which the
// library does not know, for what has no proxy of its own. An address that cannot be used is refused here: the library's
// error would show it, with the password in it.
func useProxy(environ map[string]string) error {
	for _, k := range proxyKeys {
		v := environ[k]
		if k != "NO_PROXY" {
			for _, given := range []string{v, environ[strings.ToLower(k)]} {
				if given != "" && !isProxy(given) {
					return fmt.Errorf("%s must begin with http://, https://, socks5:// or socks5h:// (socks4:// and others are not known), such as http://name:password@192.0.2.9:3128; in a name or password write %%25 for %%, %%2F for /, %%23 for #, %%40 for @", k)
				}
			}
		}
		if strings.HasPrefix(k, "HTTP") && v == "" && environ[strings.ToLower(k)] == "" {
			v = cmp.Or(environ["ALL_PROXY"], environ["all_proxy"])
		}
		if v != "" && v != os.Getenv(k) {
			if err := os.Setenv(k, v); err != nil {
				return fmt.Errorf("set %s: %w", k, err)
			}
		}
	}
	return nil
}

// proxySecrets are the passwords in the addresses of proxies.
func proxySecrets(environ map[string]string) (out []string) {
	for _, k := range proxyKeys {
		for _, address := range []string{environ[k], environ[strings.ToLower(k)]} {
			if u, err := parseProxy(address); err == nil {
				if password, given := u.User.Password(); given {
					out = append(out, password)
				}
			}
		}
	}
	return out
}

func parseProxy(address string) (*url.URL, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	return url.Parse(address)
}

var userInfo = regexp.MustCompile(`//[^?#]*@`)

// shown is an address without the name and password in it.
func shown(address string) string { return userInfo.ReplaceAllString(address, "//…@") }

func isProxy(address string) bool {
	u, err := parseProxy(address)
	return err == nil && u.Host != "" && slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme)
}

// unread warns of the keys of the env file that nothing reads: most are misspelt. fleet.yaml must have been read.
func (s settings) unread(cfg *fleet.Config) []runbook.Msg {
	known := slices.Concat(keys(), foreign)
	for _, p := range cfg.Provision {
		known = append(known, p.Env...)
	}
	s.asked.Range(func(k, _ any) bool {
		known = append(known, k.(string))
		return true
	})
	var out []runbook.Msg
	for _, k := range s.inFile {
		if !slices.Contains(known, k) && !slices.Contains(known, strings.TrimSuffix(k, "_FILE")) {
			out = append(out, runbook.T("cli.unread", "file", s.envFile, "key", k, "near", runbook.Nearest(k, known)))
		}
	}
	return out
}

// openFleet reads fleet.yaml as the settings say.
func (s settings) openFleet() (*fleet.Fleet, error) {
	f, err := fleet.Open(s.FleetFile, fleet.Options{
		Getenv: s.getenv, KeyFile: s.SSHKeyFile, KeyPassphrase: s.SSHKeyPassphrase, KnownHosts: s.SSHKnownHosts,
		UseAgent: s.environ["SSH_AUTH_SOCK"] != "",
	})
	if err == nil {
		f.Redactor().Add(s.AlertToken.Reveal(), s.SlackBotToken.Reveal(), s.SlackAppToken.Reveal(), s.SlackSigningSecret.Reveal())
		f.Redactor().Add(s.telegramSecrets()...)
		f.Redactor().Add(proxySecrets(s.environ)...)
	}
	return f, err
}

// newLog writes JSON lines to stderr, and something for eyes on a terminal. Secrets that the redactor knows never
// pass.
func newLog(r *fleet.Redactor) *slog.Logger {
	out := redactingWriter{hide: r.Hide}
	clean := func(_ []string, a slog.Attr) slog.Attr { // before values are quoted: errors of servers are known by their quotes
		switch err, _ := a.Value.Any().(error); {
		case err != nil:
			a.Value = slog.StringValue(r.Redact(err.Error()))
		case a.Value.Kind() == slog.KindString:
			a.Value = slog.StringValue(r.Redact(a.Value.String()))
		}
		return a
	}
	if term.IsTerminal(int(os.Stderr.Fd())) {
		return slog.New(tint.NewTextHandler(out, &tint.Options{TimeFormat: time.TimeOnly, ReplaceAttr: clean}))
	}
	return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{ReplaceAttr: clean}))
}

type redactingWriter struct{ hide func(string) string }

func (w redactingWriter) Write(p []byte) (int, error) {
	if _, err := os.Stderr.WriteString(w.hide(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
