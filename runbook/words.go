package runbook

// Words are those that stored runs are made of: what a run is found and driven by is lost where they are hidden.
func Words() []string {
	out := []string{string(Open), string(Parked), string(RunDone), string(Aborted),
		string(OutcomeDone), string(OutcomeUnchanged), string(OutcomeFailed), string(OutcomeUnknown),
		string(Ready), string(Satisfied), string(Blocked), string(Provisional)}
	for s := range transitions {
		out = append(out, string(s))
	}
	for _, c := range []Choice{Approve, Skip, Abort, Retry, Look, MarkDone, Commit, Rollback, Cancel, Defer, Reopen, Input} {
		out = append(out, string(c))
	}
	return append(out, HostRoles...)
}
