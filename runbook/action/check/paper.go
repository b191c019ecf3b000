package check

import (
	"net"
	"strconv"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/paper"
)

// Paper asks what the probes ask, by programs that are everywhere.
func (c *check) Paper(runbook.Plan) runbook.Sheet {
	var s runbook.Sheet
	scripts, order := map[string]*strings.Builder{}, []string{}
	add := func(host, line string) {
		if scripts[host] == nil {
			scripts[host] = &strings.Builder{}
			order = append(order, host)
		}
		scripts[host].WriteString(line + "\n")
	}
	for _, p := range c.spec.Probes {
		if p.Service == "member" {
			p.Service = c.env.Step.Member
		}
		refs := p.Host
		if refs == "" {
			d, _ := c.env.Fleet.Config().Database(p.Database)
			refs = d.Host
		}
		hosts, err := c.env.Hosts(refs)
		if err != nil {
			s.Typed = append(s.Typed, runbook.Typed{Note: runbook.T("paper.check_by_hand", "what", subject(p), "host", refs)})
			continue
		}
		for _, h := range hosts {
			on, command := c.typed(h, p)
			want := ""
			if p.Expect == "down" {
				want = " (must fail)"
			}
			add(on, "echo "+paper.Quote("-- "+h.Name+": "+subject(p)+want)+"\n"+command)
		}
	}
	for _, host := range order {
		s.Typed = append(s.Typed, runbook.Typed{Host: host, Script: scripts[host].String()})
	}
	if len(order) > 0 {
		s.Typed = append(s.Typed, runbook.Typed{Note: runbook.T("paper.check_read")})
	}
	return s
}

// typed is the command of one probe, and the host that it is typed on; "" is the person's own machine.
func (c *check) typed(h fleet.Host, p runbook.Probe) (on, command string) {
	cfg := c.env.Fleet.Config()
	d, ok := cfg.Database(p.Database)
	if !ok && len(cfg.Databases) > 0 {
		d = cfg.Databases[0]
	}
	mysql := paper.MySQL(h, d)
	path := p.Path
	if path == "" {
		path = "/"
	}
	switch p.Kind {
	case "ssh":
		return "", "ssh -n " + paper.Login(cfg, h) + " echo ok"
	case "silent":
		return "", "ping -c 3 " + paper.Quote(h.Address) + "; ssh -n " + paper.Login(cfg, h) + " echo ok"
	case "tcp":
		return "", "nc -z -w 5 " + paper.Quote(h.Address) + " " + strconv.Itoa(p.Port) + " && echo ok"
	case "tls":
		return "", "curl -sS -m 10 -o /dev/null " + paper.Quote("https://"+p.Name+"/") + " && echo ok"
	case "http", "service":
		if svc, err := c.env.Service(p.Service); err == nil {
			return h.Name, strings.TrimRight(svc.Status, "\n") + " && echo running || echo STOPPED" + healthy(h, svc)
		}
		port := p.Port
		if port == 0 {
			port = max(h.HTTPPort, 0)
		}
		if port == 0 {
			port = 80
		}
		return "", curl("http://" + net.JoinHostPort(h.Address, strconv.Itoa(port)) + path)
	case "mysql":
		return h.Name, mysql + " -e 'SELECT NOW(), @@read_only'"
	case "redis":
		port := cfg.Redis.Port
		if port == 0 {
			port = 6379
		}
		return h.Name, "redis-cli -h " + paper.Quote(h.LoopbackAddress()) + " -p " + strconv.Itoa(port) + " info replication | head -n 3"
	case "disk":
		return h.Name, "df -h " + paper.Quote(h.Path(path))
	case "nginx":
		conf, _ := cfg.PathOn(h, "nginx_conf")
		return h.Name, "PATH=$PATH:/usr/sbin\nnginx -t -c " + paper.Quote(conf)
	case "dump":
		dir, _ := cfg.PathOn(h, "sql_backup")
		return h.Name, "cd " + paper.Quote(dir) + " && ls -lt | head -n 4 && tail -n 1 -- \"$(ls -t | head -n 1)\""
	case "domains":
		l := cfg.DomainList
		return h.Name, mysql + " " + paper.Quote(d.Schema) + " -e " + paper.Quote("SELECT * FROM "+l.Table)
	}
	return "", "echo " + paper.Quote("? "+subject(p))
}

func healthy(h fleet.Host, svc fleet.Service) string {
	if svc.Health.Port == 0 {
		return ""
	}
	return "\n" + curl("http://"+net.JoinHostPort(h.LoopbackAddress(), strconv.Itoa(svc.Health.Port))+svc.Health.Path)
}

func curl(url string) string {
	return `curl -sS -m 10 -o /dev/null -w '%{http_code}\n' ` + paper.Quote(url)
}
