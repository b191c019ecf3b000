package bot_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

// unwritable is a store that fails.
type unwritable struct{ *bottest.Memory }

func (unwritable) SaveWanted(context.Context, string, int64, []byte) error { return errRefused }
func (unwritable) SaveDelivered(context.Context, string, bot.StoredDelivery) error {
	return errRefused
}

// TestAnAlarmNeedsNoStore: it is said on every platform that works, once, and soon given up on the others (fault 6).
func TestAnAlarmNeedsNoStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		waits := 2
		well, dead, faulty, busy := &fake{name: "well"}, &fake{name: "dead"}, &fake{name: "faulty"}, &fake{name: "busy"}
		dead.fail = func(string) error { return errors.New("no answer") }
		faulty.fail = func(string) error { return &bot.Fault{Text: "token", Err: errRefused} }
		busy.fail = func(string) error {
			if waits--; waits > 0 {
				return &bot.Later{After: 7 * time.Second, Err: errors.New("429")}
			}
			return nil
		}
		started(t, unwritable{&bottest.Memory{}}, func(h *bot.Hub) {
			synctest.Wait()
			begun := time.Now()
			h.Alarm(t.Context(), card("journal/1", 1, bot.Prompt))
			if took := time.Since(begun); took > time.Minute {
				t.Errorf("it took %s", took)
			}
			time.Sleep(time.Hour)
			for f, want := range map[*fake]int{well: 1, dead: 3, faulty: 1, busy: 2} {
				if got := f.log(); len(got) != want || slices.ContainsFunc(got, func(s string) bool { return s != "send journal/1 v1" }) {
					t.Errorf("%s: %v", f.name, got)
				}
			}
		}, well, dead, finding{faulty}, finding{busy})
	})
}
