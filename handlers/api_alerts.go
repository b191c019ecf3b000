package handlers

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"recoverbot/handlers/alert"
	"recoverbot/handlers/alert/alertmanager"
	"recoverbot/handlers/alert/generic"
	"recoverbot/handlers/alert/grafana"
	"recoverbot/locale"
	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// alertSources are the sources that fleet.yaml needs not describe.
var alertSources = []alert.Source{alertmanager.Source{}, grafana.Source{}}

// What bounds the memory and time that monitoring systems can take: ten thousand alerts of Alertmanager's fit into a body.
const (
	maxAlertBody  = 8 << 20
	alertsAtOnce  = 2
	alertPatience = 5 * time.Second
)

// AlertsAPI serves POST /alerts/{source} for monitoring systems that know the token; without one it is off. count is told
// what became of alerts: stored, ignored, or refused with their body.
func (h *Handlers) AlertsAPI(token fleet.Secret, count func(source, result string, n int)) http.Handler {
	a := alertsAPI{h: h, token: sha256.Sum256([]byte(token.Reveal())), off: token.Reveal() == "", count: count, turns: make(chan struct{}, alertsAtOnce)}
	mux := http.NewServeMux()
	mux.HandleFunc("/alerts/{source}", a.serve)
	return mux
}

type alertsAPI struct {
	h     *Handlers
	token [sha256.Size]byte
	off   bool
	count func(source, result string, n int)
	turns chan struct{}
}

func (a alertsAPI) serve(w http.ResponseWriter, r *http.Request) {
	say := a.h.language(r)
	refuse := func(status int, code runbook.Code, text string) {
		w.Header().Set("Connection", "close") // what is left of the body is not worth reading
		writeJSON(w, status, map[string]apiError{"error": {Code: code, Message: text}})
	}
	if a.off {
		refuse(http.StatusNotFound, runbook.NotFound, say.T("alert.off"))
		return
	}
	given, _ := bearer(r)
	sum := sha256.Sum256([]byte(given))
	if subtle.ConstantTimeCompare(sum[:], a.token[:]) != 1 {
		if given != "" && a.h.Guesses.Wrong(w, r, "alerts") {
			w.Header().Set("Connection", "close")
			tooFast(w, say)
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="recoverbot"`)
		refuse(http.StatusUnauthorized, runbook.Forbidden, say.T("alert.bad_token"))
		return
	}
	cfg := a.h.Fleet.Config()
	source, known := alertSource(cfg, r.PathValue("source"))
	if source == nil {
		refuse(http.StatusNotFound, runbook.NotFound, say.T("alert.unknown_source", "name", shorten(r.PathValue("source"), 40), "known", strings.Join(known, ", ")))
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(http.StatusMethodNotAllowed, runbook.Invalid, say.T("alert.method"))
		return
	}
	if status, id := unwanted(r); status != 0 {
		a.count(source.Name(), "refused", 1)
		refuse(status, runbook.Invalid, say.T(id, "max", maxAlertBody))
		return
	}
	select {
	case a.turns <- struct{}{}:
		defer func() { <-a.turns }()
	case <-r.Context().Done():
		return
	case <-time.After(alertPatience):
		w.Header().Set("Retry-After", "5")
		refuse(http.StatusServiceUnavailable, runbook.Unavailable, say.T("alert.busy"))
		return
	}
	a.take(w, r, source, cfg, say, refuse)
}

// take reads, routes and stores a body; success is answered after the commit.
func (a alertsAPI) take(w http.ResponseWriter, r *http.Request, source alert.Source, cfg *fleet.Config, say *locale.Printer,
	refuse func(int, runbook.Code, string)) {
	router := alert.NewRouter(cfg, source.Name())
	var batch []alert.Alert
	told, stored := 0, 0
	err := source.Parse(http.MaxBytesReader(w, r.Body, maxAlertBody), func(e alert.Event) {
		told++
		one, ok := router.Route(e)
		if ok {
			stored++
		}
		if ok || one.Resolved {
			batch = append(batch, one)
		}
	})
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		a.count(source.Name(), "refused", 1)
		refuse(http.StatusRequestEntityTooLarge, runbook.Invalid, say.T("alert.too_large", "max", maxAlertBody))
		return
	case err != nil:
		a.count(source.Name(), "refused", 1)
		refuse(http.StatusBadRequest, runbook.CodeOf(err), a.h.explain(say, err))
		return
	}
	if err := a.h.Alerts(r.Context(), batch); err != nil {
		a.count(source.Name(), "refused", told)
		w.Header().Set("Retry-After", "5")
		refuse(http.StatusServiceUnavailable, runbook.Unavailable, a.h.explain(say, err))
		return
	}
	a.count(source.Name(), "stored", stored)
	a.count(source.Name(), "ignored", told-stored)
	writeJSON(w, http.StatusOK, map[string]int{"stored": stored, "ignored": told - stored})
}

// unwanted says why a request is refused before its body is read.
func unwanted(r *http.Request) (status int, id string) {
	if r.ContentLength > maxAlertBody {
		return http.StatusRequestEntityTooLarge, "alert.too_large"
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return http.StatusUnsupportedMediaType, "alert.encoding"
	}
	if t := r.Header.Get("Content-Type"); t != "" {
		if media, _, err := mime.ParseMediaType(t); err != nil || media != "application/json" {
			return http.StatusUnsupportedMediaType, "alert.media_type"
		}
	}
	return 0, ""
}

// alertSource finds a source by its name, among those that need no mapping and those of fleet.yaml.
func alertSource(cfg *fleet.Config, name string) (source alert.Source, known []string) {
	for _, s := range alertSources {
		known = append(known, s.Name())
		if s.Name() == name {
			source = s
		}
	}
	known = append(known, slices.Sorted(maps.Keys(cfg.Alerts.Sources))...)
	if m, ok := cfg.Alerts.Sources[name]; ok && source == nil {
		source = generic.New(name, m)
	}
	return source, known
}

func (h *Handlers) getAlerts(w http.ResponseWriter, _ *http.Request, c caller) error {
	out := []apiAlert{}
	for _, k := range h.alerts.all() {
		m, _ := h.alertMessage(k.ID, c.say)
		out = append(out, apiAlert{
			Fingerprint: k.ID, Scenario: k.Scenario, Params: k.Params, Host: strings.Join(k.Hosts, ", "), Text: m.Title, Since: k.Since, State: k.State,
		})
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}
