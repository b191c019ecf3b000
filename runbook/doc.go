// Package runbook holds what is executed, as plain types: scenarios and their steps, runs, plans, decisions, results,
// states and errors. It knows nothing of storage, of servers, of chats or of languages: every text that a person
// reads is a Msg, rendered elsewhere.
package runbook
