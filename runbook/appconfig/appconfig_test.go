package appconfig

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestParseFindsEndpoints(t *testing.T) {
	t.Parallel()
	shop := MySQL{Host: "192.0.2.21", Port: 3306, User: "go", Password: "p@ss:w/rd", Database: "speed"}
	cache := Redis{Host: "192.0.2.21", Port: 6379, Password: "hush", DB: 2}
	for name, c := range map[string]struct {
		file, text string
		want       Settings
	}{
		"go dsn and redis map": {"config.yaml", `
# the shop
mysql:
  dsn: "go:p@ss:w/rd@tcp(192.0.2.21:3306)/speed?charset=utf8mb4&parseTime=true"
redis: {addr: "192.0.2.21:6379", password: hush, db: 2}
listen: 0.0.0.0:8080
`, Settings{MySQL: []MySQL{shop}, Redis: []Redis{cache}}},
		"maps": {"config.yaml", `
database: {host: 192.0.2.21, port: 3306, user: go, password: "p@ss:w/rd", dbname: speed}
cache: {host: 192.0.2.21, port: 6379, password: hush, db: 2}
`, Settings{MySQL: []MySQL{shop}, Redis: []Redis{cache}}},
		"json nested": {"app.json", `{"mysql": {"master": {"Host": "192.0.2.21", "UserName": "go", "Password": "p@ss:w/rd", "DbName": "speed"}},
 "CacheRedis": [{"Host": "192.0.2.21:6379", "Pass": "hush", "db": 2}]}`, Settings{MySQL: []MySQL{shop}, Redis: []Redis{cache}}},
		"env": {".env", `
# comment
export DB_HOST=192.0.2.21
DB_PORT=3306
DB_USER=go
DB_PASS='p@ss:w/rd'
DB_NAME=speed
REDIS_ADDR=192.0.2.21:6379 # cache
REDIS_PASSWORD="hush"
REDIS_DB=2
HTTP_ADDR=0.0.0.0:80
`, Settings{MySQL: []MySQL{shop}, Redis: []Redis{cache}}},
		"ini": {"app.ini", `
[mysql]
host = 192.0.2.21
port = 3306
user = go
password = p@ss:w/rd
db_name = speed
[redis]
host = 192.0.2.21
password = hush
db = 2
`, Settings{MySQL: []MySQL{shop}, Redis: []Redis{cache}}},
		"urls": {"config.yaml", `
db_url: mysql://go:p%40ss%3Aw%2Frd@192.0.2.21/speed
redis_url: redis://:hush@192.0.2.21:6379/2
`, Settings{MySQL: []MySQL{shop}, Redis: []Redis{cache}}},
		"socket": {"config.yaml", `dsn: root@unix(/run/mysqld/mysqld.sock)/speed`,
			Settings{MySQL: []MySQL{{Socket: "/run/mysqld/mysqld.sock", User: "root", Database: "speed"}}}},
		"scalar redis": {"config.yaml", "redis: localhost:6379\nredis_password: hush\n",
			Settings{Redis: []Redis{{Host: "localhost", Port: 6379, Password: "hush"}}}},
		"two schemas of one server": {"config.yaml", "a: \"go:x123@tcp(localhost:3306)/speed\"\nb: \"go:x123@tcp(localhost:3306)/fly\"\n",
			Settings{MySQL: []MySQL{{Host: "localhost", Port: 3306, User: "go", Password: "x123", Database: "speed"}, {Host: "localhost", Port: 3306, User: "go", Password: "x123", Database: "fly"}}}},
		"nothing": {"config.yaml", "listen: 127.0.0.1:8080\nupload: {host: cdn.example.com, user: u}\nmail: {host: smtp.example.com, port: 25, user: u, password: p}\n", Settings{}},
		"empty":   {"config.yaml", "", Settings{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Parse(c.file, []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			ignore := []cmp.Option{cmpopts.IgnoreFields(MySQL{}, "Path"), cmpopts.IgnoreFields(Redis{}, "Path"), cmpopts.IgnoreUnexported(Settings{})}
			if d := cmp.Diff(c.want, got, ignore...); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestSecretsHaveBothForms(t *testing.T) {
	t.Parallel()
	s, err := Parse("c.yaml", []byte("u: mysql://go:p%40ss@192.0.2.1/speed\n"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"p%40ss", "p@ss"}, s.Secrets()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"speed"}, s.Databases()); d != "" {
		t.Error(d)
	}
}

func TestErrorsDoNotQuoteTheFile(t *testing.T) {
	t.Parallel()
	_, err := Parse("/etc/c.yaml", []byte("password: canary-1\n  bad: [canary-2\n"))
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Fatalf("error %v", err)
	}
	if _, err := Parse("c.yaml", make([]byte, maxSize+1)); err == nil {
		t.Fatal("a huge file was read")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("c.yaml", "a: {host: x, port: 3306}")
	f.Add("c.ini", "[redis]\naddr=:6379")
	f.Fuzz(func(t *testing.T, name, text string) { _, _ = Parse(name, []byte(text)) })
}
