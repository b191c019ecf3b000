package handlers

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"recoverbot/runbook/fleet"
)

const alertToken = "alert-token"

type counts map[string]int

// endpoint is the alert endpoint of a book, and what it counted.
func endpoint(b *book) (http.Handler, counts) {
	c := counts{}
	return b.AlertsAPI(alertToken, func(source, result string, n int) { c[source+" "+result] += n }), c
}

func post(h http.Handler, path string, body io.Reader, headers ...string) (status int, answer string) {
	r := httptest.NewRequest(http.MethodPost, path, body)
	r.Header.Set("Authorization", "Bearer "+alertToken)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Content-Length" {
			r.ContentLength, _ = strconv.ParseInt(headers[i+1], 10, 64)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

func recorded(t *testing.T, file string) io.Reader {
	t.Helper()
	text, err := os.ReadFile("alert/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(text)
}

func TestRecordedAlerts(t *testing.T) {
	t.Parallel()
	b := newBookOf(t, strings.Replace(alertFleet, "address: 127.0.10.21", "address: 127.0.10.21, aliases: [192.0.2.30]", 1))
	api, counted := endpoint(b)
	send := func(path, file, want, states string) {
		t.Helper()
		if status, answer := post(api, path, recorded(t, file)); status != http.StatusOK || answer != want {
			t.Errorf("%s: %d %s", file, status, answer)
		}
		b.showAlerts(t.Context())
		if got := b.states(); got != states {
			t.Errorf("%s: %q, want %q", file, got, states)
		}
	}
	am, gr, zx := "/alerts/alertmanager", "/alerts/grafana", "/alerts/zabbix"
	send(am, "alertmanager/testdata/firing.json", `{"ignored":0,"stored":1}`, "primary firing")
	send(am, "alertmanager/testdata/firing.json", `{"ignored":0,"stored":1}`, "primary firing")
	send(am, "alertmanager/testdata/group.json", `{"ignored":0,"stored":2}`, which+" merged; primary firing")
	send(zx, "generic/testdata/zabbix.json", `{"ignored":0,"stored":1}`, which+" merged; primary firing")
	send(gr, "grafana/testdata/firing.json", `{"ignored":2,"stored":0}`, which+" merged; primary firing")
	send(am, "alertmanager/testdata/part-resolved.json", `{"ignored":0,"stored":2}`, which+" merged; primary firing")
	send(zx, "generic/testdata/zabbix-resolved.json", `{"ignored":0,"stored":1}`, which+" firing; primary resolved")
	send(am, "alertmanager/testdata/resolved.json", `{"ignored":0,"stored":1}`, which+" resolved; primary resolved")
	if counted["alertmanager stored"] != 7 || counted["grafana ignored"] != 2 || b.hub.prompt != 3 {
		t.Errorf("%v, %d prompts", counted, b.hub.prompt)
	}
}

// TestRefusedRequestsChangeNothing: fault 34.
func TestRefusedRequestsChangeNothing(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	api, _ := endpoint(b)
	good := func() io.Reader { return recorded(t, "alertmanager/testdata/firing.json") }
	var member bytes.Buffer
	z := gzip.NewWriter(&member)
	_, _ = io.CopyN(z, zeros{}, 1<<20)
	_ = z.Close()
	packed := bytes.NewReader(bytes.Repeat(member.Bytes(), 64)) // many members are one file
	for name, c := range map[string]struct {
		path    string
		body    io.Reader
		headers []string
		status  int
		says    string
	}{
		"no token":       {"/alerts/alertmanager", good(), []string{"Authorization", ""}, 401, "ALERT_TOKEN"},
		"other token":    {"/alerts/alertmanager", good(), []string{"Authorization", "Bearer alert-tokem"}, 401, "ALERT_TOKEN"},
		"other scheme":   {"/alerts/alertmanager", good(), []string{"Authorization", "Basic alert-token"}, 401, "ALERT_TOKEN"},
		"other source":   {"/alerts/nagios", good(), nil, 404, "alertmanager, grafana, zabbix"},
		"form":           {"/alerts/alertmanager", good(), []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "application/json"},
		"gzip bomb":      {"/alerts/alertmanager", packed, []string{"Content-Encoding", "gzip"}, 415, "compressed"},
		"1 GB, said":     {"/alerts/alertmanager", iotest.ErrReader(errors.New("read")), []string{"Content-Length", "1073741824"}, 413, "8"},
		"1 GB, streamed": {"/alerts/alertmanager", io.LimitReader(zeros{}, 1<<30), nil, 413, "max_alerts"},
		"no JSON":        {"/alerts/alertmanager", strings.NewReader("alert!"), nil, 400, "not understood"},
		"deep JSON":      {"/alerts/alertmanager", strings.NewReader(strings.Repeat("[", 4<<20)), nil, 400, "32 levels"},
		"wrong shape":    {"/alerts/grafana", good(), nil, 400, "version"},
		"Kuma's test":    {"/alerts/zabbix", strings.NewReader(`{"msg": "Testing"}`), nil, 400, "event_id is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := post(api, c.path, c.body, c.headers...)
			if status != c.status || !strings.Contains(answer, c.says) {
				t.Errorf("%d %s", status, answer)
			}
			if got := b.states(); got != "" || b.rows() != 0 {
				t.Errorf("calls %q", got)
			}
		})
	}
	r := httptest.NewRequest(http.MethodGet, "/alerts/alertmanager", nil)
	r.Header.Set("Authorization", "Bearer "+alertToken)
	w := httptest.NewRecorder()
	if api.ServeHTTP(w, r); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d", w.Code)
	}
	off := b.AlertsAPI(fleet.Secret(""), func(string, string, int) {})
	if status, answer := post(off, "/alerts/alertmanager", good(), "Authorization", "Bearer "); status != 404 || !strings.Contains(answer, "ALERT_TOKEN is not set") {
		t.Errorf("off: %d %s", status, answer)
	}
	b.full = true
	if status, answer := post(api, "/alerts/alertmanager", good()); status != 503 || !strings.Contains(answer, "unavailable") {
		t.Errorf("full: %d %s", status, answer)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// burst is a body of Alertmanager with alerts from to to.
func burst(from, to int, label func(i int) string) []byte {
	type one struct {
		Status      string            `json:"status"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
		StartsAt    time.Time         `json:"startsAt"`
		EndsAt      time.Time         `json:"endsAt"`
		Fingerprint string            `json:"fingerprint"`
	}
	var list []one
	for i := from; i < to; i++ {
		list = append(list, one{Status: "firing", Fingerprint: fmt.Sprintf("%016x", i), StartsAt: time.Date(2026, 11, 23, 3, 11, 40, 0, time.UTC),
			Labels:      map[string]string{"alertname": "HostDown", "instance": "app1:9100", "job": "node", "path": label(i)},
			Annotations: map[string]string{"summary": "app1 is down: " + label(i), "description": strings.Repeat("words ", 10)}})
	}
	body, _ := json.Marshal(map[string]any{"version": "4", "status": "firing", "alerts": list})
	return body
}

// Ten thousand alerts, in one body and in many, with as many fingerprints and values of labels, are one prompt, one row,
// and no memory.
func TestABurstIsOnePrompt(t *testing.T) { // not parallel: it measures the heap
	b := newBook(t)
	api, counted := endpoint(b)
	label := func(i int) string { return fmt.Sprint("/v", i) }
	send := func(body []byte) {
		t.Helper()
		if status, answer := post(api, "/alerts/alertmanager", bytes.NewReader(body)); status != http.StatusOK {
			t.Fatalf("%d %s", status, answer)
		}
		b.showAlerts(t.Context())
	}
	send(burst(0, 10, label))
	before := heap()
	send(burst(0, 10_000, label))
	for i := range 200 {
		send(burst(50*i, 50*i+50, label))
	}
	for i := range 200 { // other fingerprints
		send(burst(100_000+50*i, 100_000+50*i+50, label))
	}
	large := burst(0, 3, func(i int) string { return strings.Repeat("x", 100_000) })
	for range 20 {
		send(large)
	}
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("the heap grew by %d KB", grown>>10)
	}
	b.want("primary firing", 1)
	events, err := b.Handlers.Journal.Events(t.Context(), 0, 100)
	if err != nil || b.rows() != 1 || len(events) > 2 || len(shownKeys(b.hub)) != 1 || counted["alertmanager stored"] != 30_070 {
		t.Errorf("%d rows, %d events, %d cards, %v, %v", b.rows(), len(events), len(shownKeys(b.hub)), counted, err)
	}
	if n := len(b.alerts.all()[0].Members); n != keptMembers {
		t.Errorf("%d members", n)
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
