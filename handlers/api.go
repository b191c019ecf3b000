package handlers

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"recoverbot/bot/door"
	"recoverbot/locale"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// maxBody is the largest request body that the API reads, in bytes.
const maxBody = 64 << 10

// listedRuns is how many runs GET /api/runs answers, the newest first.
const listedRuns = 20

// API serves the JSON API of the design's section 6. Every call carries a person's console token as bearer.
func (h *Handlers) API() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/commands", h.authed(h.postCommand))
	mux.HandleFunc("GET /api/runs", h.authed(h.getRuns))
	mux.HandleFunc("GET /api/runs/{id}", h.authed(h.getRun))
	mux.HandleFunc("POST /api/runs/{id}/decisions", h.authed(h.postDecision))
	mux.HandleFunc("GET /api/alerts", h.authed(h.getAlerts))
	mux.HandleFunc("GET /api/events", h.authed(h.getEvents))
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		h.fail(w, h.language(r), runbook.Errorf(runbook.NotFound, "api.no_such_call", "method", r.Method, "path", r.URL.Path))
	})
	return mux
}

// bearer is the token of a request; ok is false where it is not given in that way.
func bearer(r *http.Request) (token string, ok bool) {
	token, ok = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return strings.TrimSpace(token), ok
}

type apiHandler func(w http.ResponseWriter, r *http.Request, c caller) error

func (h *Handlers) authed(next apiHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		say := h.language(r)
		token, ok := bearer(r)
		person, known := PersonByToken(h.Fleet.Now(), token)
		if !ok || !known {
			if token != "" && h.Guesses.Wrong(w, r, "API") {
				tooFast(w, say)
				return
			}
			w.Header().Set("WWW-Authenticate", `Bearer realm="recoverbot"`)
			writeJSON(w, http.StatusUnauthorized, map[string]apiError{"error": {Code: runbook.Forbidden, Message: say.T("api.token")}})
			return
		}
		err := h.knowAlerts(r.Context())
		if err == nil {
			err = next(w, r, caller{person: person, platform: "web", say: say})
		}
		if err != nil {
			h.refused(r.Context(), runbook.Actor{Name: person.Name, Platform: "web"}, "", r.Method+" "+r.URL.Path, err)
			h.fail(w, say, err)
		}
	}
}

// tooFast answers who tried too many wrong tokens.
func tooFast(w http.ResponseWriter, say *locale.Printer) {
	writeJSON(w, http.StatusTooManyRequests, map[string]apiError{"error": {Code: runbook.Unavailable, Message: say.T("api.too_fast", "seconds", door.RetryAfter)}})
}

// language is ?lang=, else the request's Accept-Language, else the company's.
func (h *Handlers) language(r *http.Request) *locale.Printer {
	lang := r.URL.Query().Get("lang")
	if lang == "" {
		lang, _, _ = strings.Cut(r.Header.Get("Accept-Language"), "-")
		lang, _, _ = strings.Cut(lang, ",")
	}
	if lang != "en" && lang != "zh" {
		lang = ""
	}
	return h.printer(lang)
}

var statusOf = map[runbook.Code]int{
	runbook.Invalid: http.StatusUnprocessableEntity, runbook.NotFound: http.StatusNotFound, runbook.Conflicting: http.StatusConflict,
	runbook.Forbidden: http.StatusForbidden, runbook.Unavailable: http.StatusServiceUnavailable, runbook.Internal: http.StatusInternalServerError,
}

func (h *Handlers) fail(w http.ResponseWriter, say *locale.Printer, err error) {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		writeJSON(w, http.StatusRequestEntityTooLarge, map[string]apiError{"error": {Code: runbook.Invalid, Message: say.T("api.too_large", "max", maxBody)}})
		return
	}
	body := apiError{Code: runbook.CodeOf(err), Message: h.explain(say, err)}
	var e *runbook.Error
	out := map[string]any{}
	if errors.As(err, &e) && e.Conflict != nil {
		body.Conflict = e.Conflict
		out["conflict"] = e.Conflict
	}
	out["error"] = body
	writeJSON(w, statusOf[body.Code], out)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client went away; nobody is left to tell
}

// readJSON reads one strict JSON value of bounded size, whatever the request calls it: the token is in a header, so that no
// foreign page can send one.
func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil && d.Decode(new(struct{})) != io.EOF {
		err = errors.New("more than one JSON value")
	}
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLarge) {
		return runbook.Errorf(runbook.Invalid, "api.bad_json", "problem", err.Error())
	}
	return err
}

func (h *Handlers) postCommand(w http.ResponseWriter, r *http.Request, c caller) error {
	var body apiCommand
	if err := readJSON(w, r, &body); err != nil {
		return err
	}
	reply, err := h.command(r.Context(), c, body.Text)
	if err != nil {
		return err
	}
	out := apiReply{Reply: reply.Text}
	if reply.RunID != "" {
		out.Run = &reply.RunID
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func (h *Handlers) getRuns(w http.ResponseWriter, r *http.Request, c caller) error {
	runs, err := h.Journal.Runs(r.Context(), listedRuns)
	if err != nil {
		return err
	}
	out := make([]apiRun, 0, len(runs))
	for _, x := range runs {
		run, err := h.Journal.Run(r.Context(), x.ID)
		if err != nil {
			return err
		}
		out = append(out, toAPI(h.Fleet.Now(), c.say, run))
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func (h *Handlers) getRun(w http.ResponseWriter, r *http.Request, c caller) error {
	run, err := h.Journal.Run(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, toAPI(h.Fleet.Now(), c.say, run))
	return nil
}

// fits refuses what would only be dropped: whoever sent it means something else than what would be done.
func (d apiDecision) fits() error {
	switch {
	case !slices.Contains(choiceWords, d.Choice):
		return runbook.Errorf(runbook.Invalid, "api.bad_choice", "choice", shorten(string(d.Choice), 40))
	case d.Step != "" && d.Group != "":
		return runbook.Errorf(runbook.Invalid, "api.step_or_group")
	case len(d.Fields) > 0 && d.Choice != runbook.Input:
		return runbook.Errorf(runbook.Invalid, "api.fields_input", "choice", string(d.Choice))
	case d.Alone && d.Choice != runbook.Approve:
		return runbook.Errorf(runbook.Invalid, "api.alone_approve", "choice", string(d.Choice))
	case len(d.Reason) > engine.MaxReason:
		return runbook.Errorf(runbook.Invalid, "api.reason_long", "max", engine.MaxReason)
	}
	return nil
}

func (h *Handlers) postDecision(w http.ResponseWriter, r *http.Request, c caller) error {
	var body apiDecision
	if err := readJSON(w, r, &body); err != nil {
		return err
	}
	if err := body.fits(); err != nil {
		return err
	}
	_, err := h.decide(r.Context(), c, runbook.Decision{
		RunID: r.PathValue("id"), Step: body.Step, Group: body.Group, Attempt: body.Attempt, Digest: body.Digest,
		Choice: body.Choice, Reason: body.Reason, Fields: body.Fields, Alone: body.Alone,
	})
	if err != nil {
		return err
	}
	run, err := h.Journal.Run(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, toAPI(h.Fleet.Now(), c.say, run))
	return nil
}
