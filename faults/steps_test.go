package faults

import (
	"fmt"
	"strings"
)

// task is one step of the scenario and the trace by which its effect is counted.
type task struct {
	id    string
	yaml  string // what the step says besides its id and title
	trace func(*company) string
}

// tasks are one step of each kind of execution, in the order of the scenario all.
var tasks = []task{
	{"form", `
    kind: manual
    with:
      instruction: {en: Say it, zh: 请填写}
      form: [{name: word, type: string, required: true, title: {en: word, zh: 词}}]`, nil},
	{"restore", `
    kind: restore
    host: standby
    with: {database: speed, from: [standby]}`, (*company).restored},
	{"seen", `
    kind: ssh
    host: standby
    verify: [{kind: ssh, host: standby}]
    with:
      env: {FILE: $path.standby.workdir}
      script: echo seen >>"$FILE/seen"
      look: |
        [ -s "$FILE/seen" ] || exit 3`, (*company).line},
	{"blind", `
    kind: ssh
    host: standby
    with:
      env: {FILE: $path.standby.workdir}
      script: echo blind >>"$FILE/blind"`, (*company).blindLine},
	{"held", `
    kind: sql
    host: standby
    with:
      database: speed
      two_phase: true
      statements: [{text: "update speed.counter set n = n + 1 where id = 1"}]`, (*company).counter},
	{"rows", `
    kind: sql
    host: standby
    with:
      database: speed
      statements:
        - text: "insert into speed.notes (word) values (?)"
          args: [once]
          show: {text: "select id, word from speed.notes where word = ?", args: [once]}`, (*company).notes},
	{"table", `
    kind: sql
    host: standby
    with:
      database: speed
      tables:
        - name: made
          create: "CREATE TABLE IF NOT EXISTS ` + "`made` (`id` int NOT NULL, PRIMARY KEY (`id`))" + `"`, (*company).made},
	{"edit", `
    kind: edit
    host: standby
    with:
      path: /etc/app.conf
      add_line: [added by the bot]
      verify: grep -q added "$FILE"`, (*company).config},
	{"nginx", `
    kind: nginx
    on: [nginx]
    with: {remove: standby}`, (*company).upstreams},
	{"copy", `
    kind: copy
    host: standby
    with: {files: [{from: [nginx2], path: /srv/source, to_path: /srv/copied}]}`, (*company).copied},
	{"service", `
    kind: service
    host: standby
    with: {service: worker, do: restart, within: 5s}`, (*company).restarts},
	{"roles", `
    kind: roles
    with: {assign: {standby: [standby]}}`, (*company).roles},
}

// slow gives a person time to cancel it.
var slow = task{"slow", `
    kind: ssh
    host: standby
    with:
      env: {FILE: $path.standby.workdir}
      script: sleep 1 && echo slow >>"$FILE/slow"
      look: |
        [ -s "$FILE/slow" ] || exit 3`, (*company).slowLine}

// scenario is the YAML of a scenario with these steps.
func scenario(name string, tasks ...task) string {
	var b strings.Builder
	fmt.Fprintf(&b, "name: %s\ntitle: {en: Faults, zh: 故障}\nsteps:\n", name)
	for _, t := range tasks {
		fmt.Fprintf(&b, "  - id: %s\n    title: {en: %[1]s, zh: 步骤}%s\n", t.id, t.yaml)
	}
	return b.String()
}

// taskOf finds a task by the id of one of its steps: that of a member begins with the group's.
func taskOf(step string) task {
	id, _, _ := strings.Cut(step, ".")
	for _, t := range append([]task{slow}, tasks...) {
		if t.id == id {
			return t
		}
	}
	return task{id: id}
}
