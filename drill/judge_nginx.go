package drill

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

var nginxPart = part{
	breaks: func(sc *scene) ([]*Host, error) {
		hosts := sc.were("nginx")
		if len(hosts) < 2 {
			return nil, fmt.Errorf("break an nginx: %d hosts have that role", len(hosts))
		}
		return hosts[1:2], nil
	},
	command: func(sc *scene) string { return "/recover nginx which=" + sc.dead[0].Name },
	facts:   nginxRecovered,
	healed: func(_ context.Context, sc *scene) {
		sc.check("fleet.yaml", sc.rolesRight(nil)) // that it answers is asked with every scenario
	},
}

// nginxRecovered judges that a new nginx serves users in the place of the dead one.
func nginxRecovered(ctx context.Context, sc *scene) {
	now, fresh := sc.replaced(ctx, "nginx")
	if now == nil {
		return
	}
	if len(fresh) != 1 && sc.o.Auto {
		sc.check("nginx", fmt.Errorf("%d new machines, want 1", len(fresh)))
	}
	for _, h := range fresh {
		sc.check(h.Name, sc.sameNginx(h))
		for _, path := range []string{"/", "/upload/", "/admin/", "/fly/"} {
			sc.check(h.Name, get(ctx, sc.c.frontURL(h)+path))
		}
		if !h.isEnabled("nginx") {
			sc.check(h.Name, errors.New("nginx does not start at boot"))
		}
	}
	sc.servicesAnswer(ctx, now, services...)
}

// sameNginx compares a new nginx byte for byte with one that was there before: only its own address differs.
func (sc *scene) sameNginx(h *Host) error {
	for _, like := range sc.were("nginx") {
		if !like.Alive() {
			continue
		}
		for _, name := range []string{"nginx.conf", "conf.d/10-go-api.conf", "conf.d/20-others.conf", "sites-enabled/app"} {
			want, err := os.ReadFile(like.path("etc/nginx/" + name))
			if err != nil {
				return err
			}
			got, err := os.ReadFile(h.path("etc/nginx/" + name))
			if err != nil {
				return err
			}
			if string(got) != strings.ReplaceAll(string(want), like.Address+":", h.Address+":") {
				return fmt.Errorf("%s differs from that of %s in more than its own address", name, like.Name)
			}
		}
		return nil
	}
	return errors.New("no nginx of before is left to compare with")
}
