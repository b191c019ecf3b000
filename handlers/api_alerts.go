package handlers

import (
	"net/http"
	"strings"
)

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
