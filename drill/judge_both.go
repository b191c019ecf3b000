package drill

import "context"

var bothPart = part{breaks: theOnes("primary", "standby"), facts: rebuilt, healed: primaryHealed}

// rebuilt judges that a new machine is the primary, on the newest complete dump of the machines that are left, and that
// another one stands by.
func rebuilt(ctx context.Context, sc *scene) {
	now, fresh := sc.replaced(ctx, "backup standby")
	if now == nil {
		return
	}
	sc.check("orders", sc.ordersThere(ctx, now, 6))
	sc.check("go-api/config.yaml", sc.configRight(now, "localhost"))
	sc.inUpstream(now)
	sc.servicesAnswer(ctx, now, services...)
	sc.newStandby(ctx, now, fresh)
	sc.backupsArrive(ctx, "backup-schedule")
}
