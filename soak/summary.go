package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The bounds beyond which something is wrong. An answer may wait for hosts that do not answer: a click asks guards.
const (
	slowAnswer = 45 * time.Second
	slowStart  = 10 * time.Second // its supervisor waits for one of them
	muchMemory = 400 << 20
	manyFiles  = 400

	manyGoroutines = 1000
)

// summary is what came of all rounds.
type summary struct {
	o     options
	began time.Time

	mu                                                        sync.Mutex
	wrong                                                     []string
	over                                                      map[string]bool // runs that were told of
	runs                                                      map[string]int  // by how they ended
	faults                                                    map[string]int  // by kind
	clicks                                                    map[string]map[string]int
	answers                                                   map[string]int // what became of unknown outcomes
	restarts                                                  []time.Duration
	slowest                                                   time.Duration
	slow                                                      string
	requests                                                  int
	most                                                      vitals // of the bot
	lives                                                     []life
	approved, unknowns, jobs, effects, doubles, whole, rounds int
}

func newSummary(o options) *summary {
	return &summary{o: o, began: time.Now(), over: map[string]bool{}, runs: map[string]int{}, faults: map[string]int{}, clicks: map[string]map[string]int{}, answers: map[string]int{}}
}

func (s *summary) do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *summary) problem(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	fmt.Printf("%s WRONG: %s\n", time.Now().Format(time.TimeOnly), text)
	s.do(func() { s.wrong = append(s.wrong, text) })
}

func (s *summary) killed(took time.Duration, err error) {
	s.faulted("kill the bot", err)
	s.do(func() { s.restarts = append(s.restarts, took) })
	if took > slowStart {
		s.problem("the bot answered %s after it was killed", took.Round(time.Millisecond))
	}
}

func (s *summary) faulted(kind string, err error) {
	s.do(func() { s.faults[kind]++ })
	if err != nil {
		s.problem("%s: %v", kind, err)
	}
}

func (s *summary) clicked(kind, told string) {
	s.do(func() {
		if s.clicks[kind] == nil {
			s.clicks[kind] = map[string]int{}
		}
		s.clicks[kind][told]++
	})
}

func (s *summary) answered(method, path string, took time.Duration) {
	s.do(func() {
		s.requests++
		if took > s.slowest {
			s.slowest, s.slow = took, method+" "+path
		}
	})
	if took > slowAnswer {
		s.problem("%s %s took %s", method, path, took.Round(time.Millisecond))
	}
}

func (s *summary) unknownTo(state string) { s.do(func() { s.answers[state]++ }) }

func (s *summary) ended(r run) {
	how := r.Scenario + " " + r.State
	var left []string
	for _, x := range r.Steps {
		if x.State == "skipped" || x.State == "deferred" {
			left = append(left, x.ID)
		}
	}
	if r.State == "done" && len(left) > 0 {
		how += " with steps left out"
	}
	s.do(func() {
		if !s.over[r.ID] { // both people see it end
			s.over[r.ID] = true
			s.runs[how]++
			fmt.Printf("%s   %s %s\n", time.Now().Format(time.TimeOnly), how, strings.Join(left, " "))
		}
	})
}

// vitals is how much a process has of what must not grow.
type vitals struct{ memory, files, goroutines int }

func (v vitals) String() string {
	return fmt.Sprintf("%d MB, %d open files, %d goroutines", v.memory>>20, v.files, v.goroutines)
}

// life is one process of the bot, as it was seen.
type life struct {
	pid         int
	began       time.Time
	first, last vitals
	lasted      time.Duration
}

// settled is how old a bot is when it has what it needs; from then on it must not grow.
const settled = 30 * time.Second

// watch looks at the bot's processes until ctx ends.
func (s *summary) watch(ctx context.Context, c *company) {
	l := life{}
	defer func() { s.do(func() { s.lives = append(s.lives, l) }) }()
	for ctx.Err() == nil {
		pause(ctx, 5*time.Second)
		pid := c.pid()
		v, err := look(pid, c.d.Console)
		if err != nil {
			continue // it was killed
		}
		if pid != l.pid {
			s.do(func() { s.lives = append(s.lives, l) })
			l = life{pid: pid, began: time.Now()}
		}
		if l.lasted = time.Since(l.began); l.lasted < settled {
			l.first = v
		}
		l.last = v
		s.do(func() {
			s.most = vitals{max(s.most.memory, v.memory), max(s.most.files, v.files), max(s.most.goroutines, v.goroutines)}
		})
		if v.memory > muchMemory || v.files > manyFiles || v.goroutines > manyGoroutines {
			s.problem("the bot has grown to %s", v)
			return
		}
	}
}

func look(pid int, console string) (v vitals, err error) {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	statm, err := os.ReadFile(filepath.Join(proc, "statm"))
	if err != nil {
		return v, err
	}
	open, err := os.ReadDir(filepath.Join(proc, "fd"))
	if err != nil {
		return v, err
	}
	pages, err := strconv.Atoi(strings.Fields(string(statm))[1])
	if err != nil {
		return v, err
	}
	res, err := client.Get(console + "/metrics")
	if err != nil {
		return v, err
	}
	defer res.Body.Close()
	metrics, err := io.ReadAll(res.Body)
	if _, after, ok := strings.Cut(string(metrics), "\ngo_goroutines "); ok {
		line, _, _ := strings.Cut(after, "\n")
		v.goroutines, _ = strconv.Atoi(line)
	}
	v.memory, v.files = pages*os.Getpagesize(), len(open)
	return v, err
}

func (s *summary) print(w io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(w, "\nseed %d, %s\n", s.o.seed, time.Since(s.began).Round(time.Second))
	fmt.Fprintf(w, "rounds: %d; runs: %s; of these %d went through whole, and service was seen\n", s.rounds, counts(s.runs), s.whole)
	fmt.Fprintf(w, "faults: %s\n", counts(s.faults))
	for _, kind := range slices.Sorted(maps.Keys(s.clicks)) {
		fmt.Fprintf(w, "clicks, %s: %s\n", kind, counts(s.clicks[kind]))
	}
	fmt.Fprintf(w, "approved executions and commits: %d; jobs on hosts: %d; changes of services: %d; double effects: %d\n", s.approved, s.jobs, s.effects, s.doubles)
	fmt.Fprintf(w, "unknown outcomes: %d; they went to: %s\n", s.unknowns, counts(s.answers))
	fmt.Fprintf(w, "slowest of %d API answers: %s (%s)\n", s.requests, s.slowest.Round(time.Millisecond), s.slow)
	if len(s.restarts) > 0 {
		slices.Sort(s.restarts)
		fmt.Fprintf(w, "from kill to answer: %s in the middle, %s at most\n", s.restarts[len(s.restarts)/2].Round(time.Millisecond), s.restarts[len(s.restarts)-1].Round(time.Millisecond))
	}
	fmt.Fprintf(w, "the bot at most: %s\n", s.most)
	if len(s.lives) > 0 {
		l := slices.MaxFunc(s.lives, func(a, b life) int { return int(a.lasted - b.lasted) })
		fmt.Fprintf(w, "the one that lived longest: %s when it had settled, %s after %s\n", l.first, l.last, l.lasted.Round(time.Second))
	}
	for _, x := range s.wrong {
		fmt.Fprintf(w, "WRONG: %s\n", x)
	}
	if len(s.wrong) == 0 {
		fmt.Fprintln(w, "nothing is wrong")
	}
}

// counts is a map as people read it.
func counts(m map[string]int) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, fmt.Sprintf("%s %d", k, m[k]))
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}
