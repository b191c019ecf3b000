package drill

import "context"

var standbyPart = part{breaks: theOnes("standby"), facts: standbyRecovered, healed: standbyHealed}

// standbyRecovered judges that the dead standby is out of everything, and that a new one stands by.
func standbyRecovered(ctx context.Context, sc *scene) {
	now, fresh := sc.replaced(ctx, "backup standby")
	if now == nil {
		return
	}
	sc.servicesAnswer(ctx, now, services...)
	sc.newStandby(ctx, now, fresh)
	sc.backupsArrive(ctx, "backup-schedule")
}

// standbyHealed judges a run that ended since the standby was back.
func standbyHealed(ctx context.Context, sc *scene) {
	sc.check("fleet.yaml", sc.rolesRight(nil))
	sc.servicesAnswer(ctx, sc.dead[0], "go-api")
	db, err := sc.c.open(sc.dead[0])
	if err == nil {
		err = db.PingContext(ctx)
		_ = db.Close()
	}
	sc.check("mysql", err)
}
