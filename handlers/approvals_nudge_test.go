package handlers

import (
	"slices"
	"strings"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/runbook"
)

const approvalWaits = ": Waits for your approval, too: 3/8 Take the dead machine off the domain list"

// The card gets the button for one person alone by itself, when the time has come and also after a restart; who approved is
// called no more, the others at once.
func TestTheButtonForOneAloneComesByItself(t *testing.T) {
	t.Parallel()
	const card = "step/k3v7/domains"
	atDesk(t, callFleet, func(d *desk) {
		has := func(want bool) {
			t.Helper()
			if m := d.hub.get(card); slices.ContainsFunc(m.Buttons, func(b bot.Button) bool { return b.Choice == "alone" }) != want {
				t.Errorf("the button is %v at %s: %+v", !want, time.Now(), m.Lines)
			}
		}
		d.hub.forget(everything)
		d.change(func(r *runbook.Run) {
			r.Rules.BreakGlass = runbook.Duration(3 * time.Minute)
			r.Step("domains").Def.Approvals, r.Step("domains").ChangedAt = 3, time.Now()
		})
		d.hub.forget(func(m bot.Message) bool { return m.State == bot.NudgeOver })
		d.pass(time.Minute)
		d.change(func(r *runbook.Run) { // who just answered is there, but it is not enough
			r.Step("domains").Approvals = []runbook.Approval{*approvedBy("ops1", "web")}
		})
		over := ": 3/8 Take the dead machine off the domain list: approved by ops1 (console) 00:01:00"
		d.want("0 ops2"+over, "0 ops2,boss"+approvalWaits)
		d.pass(2*time.Minute - time.Second)
		has(false)
		d.pass(time.Second)
		has(true)
		d.pass(2 * time.Minute)
		d.want("0 ops2"+over, "0 ops2,boss"+approvalWaits)
		d.pass(time.Minute)
		d.want("0 ops2"+over, "0 ops2,boss"+approvalWaits, "1 ops2,boss"+approvalWaits)
	})
	atDesk(t, callFleet, func(d *desk) {
		d.change(func(r *runbook.Run) {
			r.Rules.BreakGlass = runbook.Duration(3 * time.Minute)
			r.Step("domains").Def.Approvals, r.Step("domains").ChangedAt = 2, time.Now()
		})
		d.restart(170 * time.Second)
		if m := d.hub.get(card); slices.ContainsFunc(m.Buttons, func(b bot.Button) bool { return b.Choice == "alone" }) {
			t.Error("a button before its time")
		}
		d.pass(10 * time.Second)
		if m := d.hub.get(card); !slices.ContainsFunc(m.Buttons, func(b bot.Button) bool { return b.Choice == "alone" }) {
			t.Error("no button after a restart")
		}
	})
}

// Where nobody else may approve, reminders go to whoever is on call: that person may approve alone in time, or skip.
func TestWhereNobodyElseMayApprove(t *testing.T) {
	t.Parallel()
	atDesk(t, strings.Replace(callFleet, "  - {name: boss, roles: [danger]}\n", "", 1), func(d *desk) {
		d.hub.forget(everything)
		d.change(func(r *runbook.Run) {
			r.Rules = runbook.Rules{TwoPerson: true, BreakGlass: runbook.Duration(3 * time.Minute)}
			r.Step("domains").Def.Danger, r.Step("domains").ChangedAt = true, time.Now()
		})
		d.hub.forget(func(m bot.Message) bool { return m.State == bot.NudgeOver })
		d.pass(5 * time.Minute)
		d.want("1 ops2,ops1" + waits) // the first call was forgotten above
	})
}
