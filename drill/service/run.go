package service

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/goccy/go-yaml"
	"github.com/gomodule/redigo/redis"

	"recoverbot/runbook/appconfig"
)

// callTimeout bounds what one request may wait for MySQL and redis together.
const callTimeout = 2 * time.Second

const tlsPort = 8443

type app struct {
	name  string
	db    *sql.DB
	redis *redis.Pool
}

// Run serves until ctx ends. It answers 200 at /healthz only when MySQL and redis both do, a read (GET) and a write
// (POST) at any other path. go-job also counts ticks in redis.
func Run(ctx context.Context, name, config string) error {
	text, err := os.ReadFile(config)
	if err != nil {
		return fmt.Errorf("read configuration of %s: %w", name, err)
	}
	a, port, err := connect(name, config, text)
	if err != nil {
		return err
	}
	defer a.db.Close()
	defer a.redis.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", a.health)
	mux.HandleFunc("/", a.serve)
	srv := &http.Server{Addr: net.JoinHostPort(loopback(), strconv.Itoa(port)), Handler: mux, ReadHeaderTimeout: callTimeout}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.tick(ctx)
		late, cancel := context.WithTimeout(context.Background(), callTimeout)
		defer cancel()
		_ = srv.Shutdown(late)
	}()
	if file := os.Getenv(EnvCertificate); name == "go-api" && file != "" { // the domain list names its machine
		secure := &http.Server{Addr: net.JoinHostPort(loopback(), strconv.Itoa(tlsPort)), Handler: mux, ReadHeaderTimeout: callTimeout}
		var serving sync.WaitGroup
		serving.Go(func() {
			if err := secure.ListenAndServeTLS(file, file); !errors.Is(err, http.ErrServerClosed) {
				slog.Error("no TLS", "service", name, "error", err)
			}
		})
		defer serving.Wait()
		defer secure.Close()
	}
	slog.Info("service started", "service", name, "port", port)
	if err := srv.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", name, err)
	}
	<-ended
	return nil
}

func connect(name, config string, text []byte) (*app, int, error) {
	var c struct {
		Server struct {
			Port int `yaml:"port"`
		} `yaml:"server"`
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		return nil, 0, fmt.Errorf("parse configuration of %s: %w", name, err)
	}
	s, err := appconfig.Parse(filepath.Base(config), text)
	if err != nil {
		return nil, 0, err
	}
	if len(s.MySQL) != 1 || len(s.Redis) != 1 || c.Server.Port == 0 {
		return nil, 0, fmt.Errorf("parse configuration of %s: want one MySQL, one redis and a port", name)
	}
	m, r := s.MySQL[0], s.Redis[0]
	my := mysql.NewConfig()
	my.User, my.Passwd, my.Net, my.Addr, my.DBName = m.User, m.Password, "tcp", net.JoinHostPort(resolve(m.Host), strconv.Itoa(m.Port)), m.Database
	my.Timeout, my.ReadTimeout, my.WriteTimeout = time.Second, callTimeout, callTimeout
	connector, err := mysql.NewConnector(my)
	if err != nil {
		return nil, 0, fmt.Errorf("configure MySQL of %s: %w", name, err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(4)
	pool := &redis.Pool{MaxIdle: 4, MaxActive: 4, Wait: true}
	pool.DialContext = func(ctx context.Context) (redis.Conn, error) {
		return redis.DialContext(ctx, "tcp", net.JoinHostPort(resolve(r.Host), strconv.Itoa(r.Port)), redis.DialPassword(r.Password),
			redis.DialDatabase(r.DB), redis.DialConnectTimeout(time.Second), redis.DialReadTimeout(time.Second), redis.DialWriteTimeout(time.Second))
	}
	pool.TestOnBorrowContext = func(ctx context.Context, c redis.Conn, _ time.Time) error { // redis may have been restarted since
		_, err := redis.DoContext(c, ctx, "PING")
		return err
	}
	return &app{name: name, db: db, redis: pool}, c.Server.Port, nil
}

// loopback is the address of this host: the drill's hosts share one machine, so localhost is not 127.0.0.1.
func loopback() string {
	if a := os.Getenv(EnvLoopback); a != "" {
		return a
	}
	return "127.0.0.1"
}

func resolve(host string) string {
	if host == "localhost" {
		return loopback()
	}
	return host
}

func (a *app) command(ctx context.Context, name string, args ...any) (any, error) {
	c, err := a.redis.GetContext(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return redis.DoContext(c, ctx, name, args...)
}

func (a *app) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	_, err := a.command(ctx, "PING")
	if err := errors.Join(a.db.PingContext(ctx), err); err != nil {
		a.refuse(w, err)
		return
	}
	fmt.Fprintln(w, "ok")
}

func (a *app) serve(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	if r.Method == http.MethodPost {
		if _, err := a.db.ExecContext(ctx, "INSERT INTO orders (user_id, product, amount_cents, state) VALUES (1, 'load', 100, 'new')"); err != nil {
			a.refuse(w, err)
			return
		}
	}
	var domains int
	if err := a.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM t_app_dns WHERE status = 1").Scan(&domains); err != nil {
		a.refuse(w, err)
		return
	}
	hits, err := redis.Int64(a.command(ctx, "INCR", "hits:"+a.name))
	if err != nil {
		a.refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"service": a.name, "host": os.Getenv(EnvHost), "domains": domains, "hits": hits})
}

func (a *app) refuse(w http.ResponseWriter, err error) {
	slog.Warn("request refused", "service", a.name, "error", err)
	http.Error(w, a.name+" cannot reach its database or redis", http.StatusServiceUnavailable)
}

// tick is go-job's work: two schedulers on one redis would be seen there.
func (a *app) tick(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if a.name == "go-job" {
				tctx, cancel := context.WithTimeout(ctx, callTimeout)
				_, _ = a.command(tctx, "HINCRBY", "go-job:ticks", os.Getenv(EnvHost), 1) // the next tick tries again
				cancel()
			}
		}
	}
}
