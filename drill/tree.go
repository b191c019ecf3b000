package drill

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"recoverbot/drill/server"
	"recoverbot/drill/service"
)

//go:embed files
var files embed.FS

// render fills one of the embedded files in.
func render(name string, data any) ([]byte, error) {
	t, err := template.ParseFS(files, "files/"+name)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", name, err)
	}
	var b bytes.Buffer
	if err := t.Option("missingkey=error").Execute(&b, data); err != nil {
		return nil, fmt.Errorf("fill %s in: %w", name, err)
	}
	return b.Bytes(), nil
}

// facts is what the embedded files may name.
func (c *Company) facts(h *Host) map[string]any {
	return map[string]any{
		"Name": h.Name, "Root": h.Root, "Address": h.Address,
		"Primary": c.must("primary").Address, "Standby": c.must("standby").Address,
		"Report": c.must("report").Address, "HongKong": c.must("hongkong").Address,
		"AppPassword": c.secrets.app, "RedisPassword": c.secrets.redis,
	}
}

type file struct {
	path string // below the root
	mode os.FileMode
	text []byte
}

// tree collects files until writing one fails.
type tree struct {
	c     *Company
	h     *Host
	files []file
	err   error
	// template leaves the primary's address open, for the provision script.
	template bool
}

func (t *tree) add(path string, mode os.FileMode, text string) {
	t.files = append(t.files, file{path, mode, []byte(text)})
}

func (t *tree) render(path string, mode os.FileMode, name string, more map[string]any) {
	facts := t.c.facts(t.h)
	for k, v := range more {
		facts[k] = v
	}
	if t.template {
		facts["Primary"] = "@PRIMARY@"
	}
	b, err := render(name, facts)
	if err != nil && t.err == nil {
		t.err = err
	}
	t.files = append(t.files, file{path, mode, b})
}

func (t *tree) write() error {
	if t.err != nil {
		return t.err
	}
	for _, f := range t.files {
		if err := put(t.h.path(f.path), f.mode, f.text); err != nil {
			return err
		}
	}
	return nil
}

func put(path string, mode os.FileMode, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	if err := os.WriteFile(path, text, mode); err != nil {
		return fmt.Errorf("write a file: %w", err)
	}
	return nil
}

// writeTree makes a host's files: what any machine has, and what its role adds.
func (c *Company) writeTree(h *Host) error {
	for _, d := range []string{"run/mysqld", "var/log/nginx", "var/lib/nginx", "root/.ssh", "tmp"} {
		if err := os.MkdirAll(h.path(d), 0o755); err != nil {
			return fmt.Errorf("make %s's tree: %w", h.Name, err)
		}
	}
	t := &tree{c: c, h: h}
	for _, tool := range []string{"systemctl", "crontab"} {
		t.add("bin/"+tool, 0o755, fmt.Sprintf("#!/bin/sh\nexec %s %s shim %s \"$@\"\n", c.program, service.Subcommand, tool))
	}
	t.add("etc/hostname", 0o644, h.Name+"\n")
	t.add("bin/hostname", 0o755, "#!/bin/sh\necho "+h.Name+"\n")
	t.add("root/.my.cnf", 0o600, fmt.Sprintf("[client]\nuser=root\npassword=\"%s\"\nsocket=%s\n", c.secrets.mysql, h.socket()))
	t.add("root/.ssh/id_ed25519", 0o600, c.secrets.hostsKey)
	// As apt-get leaves them; a bare spare has what its provision script would install.
	var units []string
	if !strings.Contains(h.Roles, "nginx") {
		units = append(units, "mariadb", "redis-server")
	}
	if strings.Contains(h.Roles, "nginx") || strings.Contains(h.Roles, "spare") {
		units = append(units, "nginx")
		if err := t.nginx(); err != nil {
			return err
		}
	}
	for _, u := range units {
		t.render("lib/systemd/system/"+u+".service", 0o644, "unit.service", map[string]any{"Unit": u, "Start": "/usr/sbin/" + u})
	}
	var on []string
	switch h.Name {
	case "nginx1", "nginx2":
		t.render("etc/nginx/nginx.conf", 0o644, "nginx.conf", nil)
		t.render("etc/nginx/conf.d/10-go-api.conf", 0o644, "upstream-api.conf", nil)
		t.render("etc/nginx/conf.d/20-others.conf", 0o644, "upstream-others.conf", nil)
		t.render("etc/nginx/sites-enabled/app", 0o644, "site-app", nil)
		t.add("etc/nginx/tls/site.pem", 0o600, c.secrets.site)
		on = []string{"nginx"}
	case "primary":
		t.services()
		t.render("shell/database_backup_speed.py", 0o755, "database_backup_speed.py", nil)
		t.add("var/spool/cron/crontabs/root", 0o600, "# m h dom mon dow command\n0 2 * * * python3 "+h.path("shell/database_backup_speed.py")+"\n")
		on = append([]string{"mariadb", "redis-server"}, services...)
	case "standby":
		t.services()
		on = []string{"mariadb", "redis-server", "go-api"}
	}
	if err := t.write(); err != nil {
		return fmt.Errorf("make %s's tree: %w", h.Name, err)
	}
	for _, u := range on {
		if err := h.enable(u, true); err != nil {
			return fmt.Errorf("enable %s on %s: %w", u, h.Name, err)
		}
	}
	return nil
}

// nginx adds a program that answers as one which was built with this host's paths.
func (t *tree) nginx() error {
	program, err := server.Find("nginx")
	if err != nil {
		return err
	}
	prefix, conf := t.h.path("var/lib/nginx"), t.h.path("etc/nginx/nginx.conf")
	t.add("bin/nginx", 0o755, fmt.Sprintf("#!/bin/sh\nif [ \"$1\" = -V ]; then\n\techo 'configure arguments: --prefix=%s --conf-path=%s' >&2\n\texit\nfi\n"+
		"exec %s -p %q -c %q \"$@\"\n", prefix, conf, program, prefix, conf))
	return nil
}

// services adds the Go services: a program, a configuration file that names the primary, a unit each.
func (t *tree) services() {
	for _, s := range services {
		t.add("wwwroot/go/"+s+"/"+s, 0o755, fmt.Sprintf("#!/bin/sh\nexec \"$%s\" %s run %s \"$(dirname \"$0\")/config.yaml\"\n", service.EnvProgram, service.Subcommand, s))
		t.render("wwwroot/go/"+s+"/config.yaml", 0o640, s+".yaml", nil)
		t.render("etc/systemd/system/"+s+".service", 0o644, "unit.service", map[string]any{"Unit": s, "Start": "/wwwroot/go/" + s + "/" + s})
	}
}

// writeInstallFiles puts the install files into root/workdir of the machines that keep them (安装文件备份).
func (c *Company) writeInstallFiles() error {
	archive := &tree{c: c, h: c.must("primary")}
	archive.template = true
	archive.services()
	archive.add("root/workdir/grants.sql", 0o600, c.grants())
	if archive.err != nil {
		return archive.err
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, f := range archive.files {
		err := w.WriteHeader(&tar.Header{Name: f.path, Mode: int64(f.mode), Size: int64(len(f.text)), ModTime: time.Now(), Typeflag: tar.TypeReg})
		if err == nil {
			_, err = w.Write(f.text)
		}
		if err != nil {
			return fmt.Errorf("pack the install files: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("pack the install files: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("pack the install files: %w", err)
	}
	for _, name := range []string{"primary", "standby", "report", "hongkong"} {
		t := &tree{c: c, h: c.must(name)}
		t.files = append(t.files, file{"root/workdir/install.tar.gz", 0o600, b.Bytes()})
		t.render("root/workdir/database_backup_speed.py", 0o755, "database_backup_speed.py", nil)
		t.add("root/workdir/README.txt", 0o644, "install.tar.gz: 程序、配置模板、systemd 单元\ndatabase_backup_speed.py: 备份脚本\n")
		if err := t.write(); err != nil {
			return fmt.Errorf("write install files to %s: %w", name, err)
		}
	}
	for _, role := range []string{"standby", "nginx", "primary"} {
		script, err := render("provision-"+role+".sh", nil)
		if err != nil {
			return err
		}
		if err := put(filepath.Join(c.Dir, "provision", role+".sh"), 0o755, script); err != nil {
			return err
		}
	}
	return nil
}
