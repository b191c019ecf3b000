package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A proxy of the env file is used as one of the environment. It takes a process of its own: what the environment says of
// a proxy is read once.
func TestTheProxyOfTheEnvFileCounts(t *testing.T) {
	t.Parallel()
	if url := os.Getenv("TEST_PROXY"); url != "" {
		out, err := command(t, map[string]string{"fleet.yaml": checkedFleet, "env": "HTTPS_PROXY=" + url +
			"\nSLACK_BOT_TOKEN=xoxb-1\nSLACK_APP_TOKEN=xapp-1\nSLACK_CHANNEL=C1\nSLACK_API_URL=https://slack.test/api/\nFLEET_FILE=DIR/fleet.yaml\nSSH_KNOWN_HOSTS=DIR/env\nSPEED_PASSWORD=x\n"}, "check")
		if err != nil || !strings.Contains(out, "slack.test does not answer") || strings.Contains(out, "nothing reads HTTPS_PROXY") {
			t.Errorf("check: %v\n%s", err, out)
		}
		return
	}
	asked := make(chan string, 9)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.Host
		http.Error(w, "no", http.StatusForbidden)
	}))
	t.Cleanup(proxy.Close)
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), "TEST_PROXY="+proxy.URL)
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	select {
	case got := <-asked:
		if got != "CONNECT slack.test:443" {
			t.Errorf("the proxy was asked for %s", got)
		}
	default:
		t.Error("the proxy was not asked")
	}
}
