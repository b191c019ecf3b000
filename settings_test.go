package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// fleetPasswords stand in .env.example for what fleet.example.yaml refers to.
var fleetPasswords = []string{"MYSQL_PASSWORD", "REDIS_PASSWORD"}

func TestEnvExampleListsEveryKey(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(".env.example")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, m := range regexp.MustCompile(`(?m)^#?([A-Z_]+)=`).FindAllStringSubmatch(string(text), -1) {
		listed = append(listed, m[1])
	}
	for _, k := range keys() {
		if !slices.Contains(listed, k) {
			t.Errorf(".env.example lacks %s", k)
		}
	}
	for _, k := range listed {
		if !slices.Contains(keys(), k) && !slices.Contains(fleetPasswords, k) {
			t.Errorf(".env.example lists %s, which nothing reads", k)
		}
	}
}

func TestLoadSettings(t *testing.T) {
	for _, c := range []struct {
		name, file string
		secret     string // content of a file named by SSH_KEY_PASSPHRASE_FILE
		check      func(s settings) bool
		fails      bool
	}{
		{name: "defaults", check: func(s settings) bool { return s.Language == "en" && s.HTTPAddr == "127.0.0.1:8080" }},
		{name: "file", file: "LANGUAGE=zh\nTZ=Asia/Shanghai\n", check: func(s settings) bool { return s.Language == "zh" && s.zone.String() == "Asia/Shanghai" }},
		{name: "secret from file", secret: "s3cret\n", check: func(s settings) bool { return s.SSHKeyPassphrase.Reveal() == "s3cret" }},
		{name: "unknown language", file: "LANGUAGE=fr\n", fails: true},
		{name: "unknown zone", file: "TZ=Mars/Olympus\n", fails: true},
		{name: "fleet passwords are passed on", file: "MYSQL_PASSWORD=abc\n", check: func(s settings) bool { return s.getenv("MYSQL_PASSWORD") == "abc" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, k := range append(keys(), "SSH_AUTH_SOCK") {
				t.Setenv(k, "")
				if err := os.Unsetenv(k); err != nil {
					t.Fatal(err)
				}
			}
			dir := t.TempDir()
			text := c.file
			if c.secret != "" {
				if err := os.WriteFile(filepath.Join(dir, "secret"), []byte(c.secret), 0o600); err != nil {
					t.Fatal(err)
				}
				text += "SSH_KEY_PASSPHRASE_FILE=" + filepath.Join(dir, "secret") + "\n"
			}
			file := filepath.Join(dir, "env")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := &cobra.Command{}
			cmd.Flags().String("env-file", file, "")
			s, err := loadSettings(cmd)
			if (err != nil) != c.fails {
				t.Fatalf("loadSettings: %v, want failure: %v", err, c.fails)
			}
			if err == nil && !c.check(s) {
				t.Errorf("settings are %+v", s)
			}
		})
	}
}

// The address of a proxy may hold a password: one that cannot be read is refused, and never shown.
func TestBadProxyIsNotShown(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"http://ops:s3cret%zz@192.0.2.9:3128", "socks5://ops:s3cret/more@192.0.2.9", "ops:s3cret#1@192.0.2.9", "ftp://ops:s3cret@192.0.2.9", "http://ops:s3 cret@192.0.2.9"} {
		environ := map[string]string{"HTTPS_PROXY": address}
		if err := useProxy(environ); err == nil || strings.Contains(err.Error(), "s3") || !strings.Contains(err.Error(), "HTTPS_PROXY") {
			t.Errorf("%s: %v", address, err)
		}
		if v := os.Getenv("HTTPS_PROXY"); v == address {
			t.Errorf("%s is used", v)
		}
	}
	for _, key := range []string{"ALL_PROXY", "https_proxy"} {
		err := useProxy(map[string]string{key: "socks4://192.0.2.9:1080"})
		if err == nil || !strings.Contains(err.Error(), strings.ToUpper(key)+" must begin with http://, https://, socks5:// or socks5h://") || os.Getenv("ALL_PROXY") == "socks4://192.0.2.9:1080" {
			t.Errorf("%s: %v", key, err)
		}
	}
	for _, address := range []string{"192.0.2.9:3128", "proxy.example.com", "http://ops:s3%25cret@192.0.2.9:3128", "socks5://[2001:db8::1]:1080"} {
		if !isProxy(address) {
			t.Errorf("%s is refused", address)
		}
	}
}
