package drill

import "context"

var bothPart = part{breaks: theOnes("primary", "standby"), facts: bothRecovered, healed: primaryHealed}

func bothRecovered(ctx context.Context, sc *scene) {
	if now := sc.one("primary"); now != nil {
		sc.check("orders", sc.ordersThere(ctx, now, 6))
		sc.servicesAnswer(ctx, now, services...)
	}
}
