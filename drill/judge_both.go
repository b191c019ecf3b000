package drill

import (
	"context"
	"slices"
)

var bothPart = part{breaks: theOnes("primary", "standby"), facts: rebuilt, healed: primaryHealed}

// rebuilt judges that a new machine is the primary, on the newest complete dump of the machines that are left, and that
// another one stands by.
func rebuilt(ctx context.Context, sc *scene) {
	now := sc.one("primary")
	if now == nil {
		return
	}
	fresh := sc.fresh()
	changed := map[*Host]string{}
	for _, h := range sc.dead {
		changed[h] = "retired"
	}
	for _, h := range fresh {
		changed[h] = "backup standby"
	}
	changed[now] = "primary"
	sc.check("fleet.yaml", sc.rolesRight(changed))
	sc.check("t_app_dns", sc.domainsRight(ctx, now, fresh...))
	sc.check("orders", sc.ordersThere(ctx, now, 6))
	sc.check("go-api/config.yaml", sc.configRight(now, "localhost"))
	sc.nginxRight(sc.dead...)
	sc.inUpstream(now)
	sc.servicesAnswer(ctx, now, services...)
	sc.newStandby(ctx, now, slices.DeleteFunc(fresh, func(h *Host) bool { return h == now }))
	sc.backupsArrive(ctx, "backup-schedule")
}
