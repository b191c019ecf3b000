package drill

import "context"

var primaryPart = part{breaks: theOnes("primary"), facts: primaryRecovered, healed: primaryHealed}

// primaryRecovered judges that the standby has become the primary, on the newest dump, and a new standby stands by.
func primaryRecovered(ctx context.Context, sc *scene) {
	now := sc.one("primary")
	if now == nil {
		return
	}
	dead, was := sc.dead[0], sc.were("standby")
	changed := map[*Host]string{dead: "retired"}
	if len(was) == 1 {
		changed[was[0]] = "primary"
	}
	fresh := sc.fresh()
	for _, h := range fresh {
		changed[h] = "backup standby"
	}
	sc.check("fleet.yaml", sc.rolesRight(changed))
	sc.check("t_app_dns", sc.domainsRight(ctx, now, fresh...))
	sc.check("orders", sc.ordersThere(ctx, now, 6))
	sc.check("go-api/config.yaml", sc.configRight(now, "localhost"))
	sc.nginxRight(dead)
	sc.servicesAnswer(ctx, now, services...)
	sc.newStandby(ctx, now, fresh)
	sc.backupsArrive(ctx, "backup-schedule")
}

// newStandby judges the machine that stands by now.
func (sc *scene) newStandby(ctx context.Context, primary *Host, fresh []*Host) {
	for _, h := range fresh {
		sc.servicesAnswer(ctx, h, "go-api")
		sc.check("go-api/config.yaml", sc.configRight(h, primary.Address))
		sc.check("orders", sc.ordersThere(ctx, h, 5))
		sc.inUpstream(h)
	}
}

// primaryHealed judges a run that ended since the broken machine was back: it is the primary still, and all of it
// answers.
func primaryHealed(ctx context.Context, sc *scene) {
	sc.check("fleet.yaml", sc.rolesRight(nil))
	sc.check("orders", sc.ordersThere(ctx, sc.dead[0], 6))
	sc.servicesAnswer(ctx, sc.dead[0], services...)
}
