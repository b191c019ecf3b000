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
	"github.com/redis/go-redis/v9"

	"recoverbot/runbook/appconfig"
)

// callTimeout bounds what one request may wait for MySQL and redis together.
const callTimeout = 2 * time.Second

const tlsPort = 8443

type app struct {
	name  string
	db    *sql.DB
	redis *redis.Client
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
	rc := redis.NewClient(&redis.Options{Addr: net.JoinHostPort(resolve(r.Host), strconv.Itoa(r.Port)), Password: r.Password, DB: r.DB,
		DialTimeout: time.Second, ReadTimeout: time.Second, MaxRetries: 1, PoolSize: 4, ContextTimeoutEnabled: true})
	return &app{name: name, db: db, redis: rc}, c.Server.Port, nil
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

func (a *app) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	if err := errors.Join(a.db.PingContext(ctx), a.redis.Ping(ctx).Err()); err != nil {
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
	hits, err := a.redis.Incr(ctx, "hits:"+a.name).Result()
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
				_ = a.redis.HIncrBy(tctx, "go-job:ticks", os.Getenv(EnvHost), 1).Err() // the next tick tries again
				cancel()
			}
		}
	}
}
