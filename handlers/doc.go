// Package handlers is what comes in and what it means: commands, decisions and alerts become calls of the engine, and
// runs become messages. It authenticates and authorises; it knows no platform and no kind of action.
package handlers
