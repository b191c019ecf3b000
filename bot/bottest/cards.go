package bottest

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"recoverbot/bot"
)

var (
	downAt  = time.Date(2026, 11, 22, 19, 11, 40, 0, time.UTC)
	askedAt = downAt.Add(4*time.Minute + 2*time.Second)
)

func button(choice, label, style string) bot.Button {
	return bot.Button{Label: label, Choice: choice, Style: style, Action: `{"r":"k3v7","s":"restore","d":"3f2a","c":"` + choice + `"}`}
}

func rows(columns []string, marks string, rows ...[]string) bot.Block {
	b := bot.Block{Kind: "table", Columns: columns, Rows: rows}
	if marks != "" {
		for range rows {
			b.Marks = append(b.Marks, marks)
		}
	}
	return b
}

// Cards is one of every kind that the bot shows, by name and language.
func Cards() map[string]bot.Message {
	id, domain := []string{"id", "domain", "status"}, [][]string{{"3", "a.example.com", "1"}, {"9", "img.example.com", "1"}}
	sql := bot.Block{Kind: "sql", Text: "update speed.t_app_dns set status=2 where ip='192.0.2.21' and status=1;"}
	step := func(m bot.Message) bot.Message {
		m.Key, m.Version, m.RunID, m.Since, m.At = "step/k3v7/dns", 7, "k3v7", downAt, askedAt
		return m
	}
	before, after := rows(id, "", domain...), rows(id, "changed", []string{"3", "a.example.com", "2"}, []string{"9", "img.example.com", "2"})
	beforeZH, afterZH := before, after
	before.Label, after.Label, beforeZH.Label, afterZH.Label = "before", "after", "修改前", "修改后"
	danger := button("approve", "Approve", "danger")
	danger.Confirm = "The primary stops for good. Approve?"
	dangerZH := button("approve", "批准", "danger")
	skip := button("skip", "Skip", "")
	skip.NeedsReason = true
	enter := button("input", "Fill in", "primary")
	enter.WithForm = true
	outline := strings.Join([]string{"✅ 1 Switch the dead machine off at the provider: done", "🟡 2 Take it off the domain list: waits for you",
		"· 3 Restart go-api: not begun"}, "\n")
	form := []bot.Field{{Name: "address", Label: "Address", Type: "address", Required: true, Value: "192.0.2.31"},
		{Name: "row_3", Label: "a.example.com 1 → 2", Type: "bool", Value: "true"},
		{Name: "dump", Label: "Dump", Type: "enum", Enum: []string{"02:00, 1.2 GB", "03:00, incomplete"}, Value: "02:00, 1.2 GB"}}
	all := map[string]bot.Message{
		"contract.en": Card("k1", 1),
		"alert.en": {Key: "alert/f1", Version: 1, State: "down", Emoji: "🔴", Title: "primary: not answering at all", At: downAt, Notify: []string{"ops1", "nobody", "ops2"},
			Lines: []string{"since 03:11:40, seen from bot, nginx1", "✗ primary: answers on no port", "Suggested: recover primary"},
			Buttons: []bot.Button{button("recover", "Start recovery", "primary"), button("check", "Check again", ""),
				button("snooze", "Snooze 30 min", "")}},
		"alert.zh": {Key: "alert/f1", Version: 1, State: "down", Emoji: "🔴", Title: "primary：完全无响应", At: downAt, Notify: []string{"ops1"},
			Lines:   []string{"03:11:40 起，已由 bot, nginx1 确认", "✗ primary：所有端口均无响应", "建议：恢复 primary"},
			Buttons: []bot.Button{button("recover", "开始恢复", "primary"), button("check", "重新检查", ""), button("snooze", "静默 30 分钟", "")}},
		"waiting.en": step(bot.Message{State: "waiting", Emoji: "🟡", Title: "3/8 Take the dead machine off the domain list",
			Context: "down 04:02 · lost 1 h 11 min of data · step 3 of 8 · next: Restart go-api",
			Warn:    []string{"Point of no return: primary must stay off after this."},
			Lines: []string{"on standby · document line 3.3 · waits for you", "Change 2 rows of the domain list speed.t_app_dns on standby",
				"You will see the change before it is committed. It rolls back by itself after 3 min."},
			Blocks: []bot.Block{sql, rows(id, "match", domain...)}, Code: "3f2a", Buttons: []bot.Button{danger, skip, button("abort", "Abort run", "")}}),
		"waiting.zh": step(bot.Message{State: "waiting", Emoji: "🟡", Title: "3/8 将挂掉的机器从域名列表下掉",
			Context: "中断 04:02 · 已丢失 1 小时 11 分的数据 · 第 3/8 步 · 下一步：重启 go-api", Warn: []string{"此后不可回退：primary 必须保持关机。"},
			Lines:  []string{"在 standby · 文档 3.3 · 等您决定", "修改 standby 上域名列表 speed.t_app_dns 的 2 行", "提交前您会先看到改动；3 分后自动回滚。"},
			Blocks: []bot.Block{sql, rows(id, "match", domain...)}, Code: "3f2a", Buttons: []bot.Button{dangerZH, button("skip", "跳过", "")}}),
		"held.en": step(bot.Message{State: "held", Emoji: "🔒", Title: "3/8 Changed, NOT committed: 2 rows", Context: "down 04:02",
			Lines: []string{"Nobody else sees the change yet."}, Blocks: []bot.Block{before, after}, UntilText: "Rolls back by itself at 03:17:20",
			Until: askedAt.Add(3 * time.Minute), Code: "91bc", Footer: "approved by ops1 (Slack) 03:14:20",
			Buttons: []bot.Button{button("commit", "Commit", "primary"), button("rollback", "Roll back", "")}}),
		"held.zh": step(bot.Message{State: "held", Emoji: "🔒", Title: "3/8 已修改、未提交：2 行", Context: "中断 04:02", Lines: []string{"其他人还看不到这个改动。"},
			Blocks: []bot.Block{beforeZH, afterZH}, UntilText: "03:17:20 自动回滚", Code: "91bc", Footer: "ops1（Slack）03:14:20 批准",
			Buttons: []bot.Button{button("commit", "提交", "primary"), button("rollback", "回滚", "")}}),
		"running.en": step(bot.Message{State: "running", Emoji: "🔵", Title: "2/8 Restoring speed on standby", Context: "down 04:02", Priority: bot.Ticker,
			Progress: &bot.Progress{Done: 612, Total: 1204, Text: "612 of 1204 MB, 31 MB/s, 19 s left"}, Footer: "approved by ops1 (Slack) 03:14:20"}),
		"running.zh": step(bot.Message{State: "running", Emoji: "🔵", Title: "2/8 正在 standby 上恢复 speed", Context: "中断 1:04:02", Priority: bot.Ticker,
			Progress: &bot.Progress{Done: 612, Total: 1204, Text: "1204 MB 中的 612 MB，31 MB/s，剩余 19 秒"}, Footer: "ops1（Slack）03:14:20 批准"}),
		"failed.en": step(bot.Message{State: "failed", Emoji: "❌", Title: "4/8 Restart go-api", Context: "down 04:02", Lines: []string{"standby: go-api does not run"},
			Output: "listen tcp :8080: bind: address already in use\n", Code: "e872", Priority: bot.Outcome,
			Buttons: []bot.Button{button("retry", "Try again", ""), skip, button("abort", "Abort run", "")}}),
		"failed.zh": step(bot.Message{State: "failed", Emoji: "❌", Title: "4/8 重启 go-api", Context: "中断 04:02", Lines: []string{"standby：go-api 未运行"},
			Output: strings.Repeat("listen tcp :8080: bind: address already in use\n", 90), Code: "e872", Priority: bot.Outcome,
			Buttons: []bot.Button{button("retry", "重试", ""), button("skip", "跳过", "")}}),
		"form.en": step(bot.Message{State: "waiting", Emoji: "🟡", Title: "7/8 A new machine as standby", Form: form, Code: "77aa",
			Warn: []string{"This machine becomes the standby."}, Buttons: []bot.Button{enter, skip}}),
		"form.zh": step(bot.Message{State: "waiting", Emoji: "🟡", Title: "7/8 准备一台新备机", Form: form, Code: "77aa", Buttons: []bot.Button{enter}}),
		"closing.en": {Key: "run/k3v7", State: "done", Emoji: "✅", Title: "The primary application server is dead (run k3v7)", At: askedAt, Ends: true,
			Lines:   []string{"Service is back: 4 min 31 s down. 8 steps: 7 done, 1 skipped.", "Still open: primary was never fenced: it writes again when it boots"},
			Blocks:  []bot.Block{{Kind: "text", Label: "all steps: 8 of 8 settled", Text: outline, Fold: true}},
			Buttons: []bot.Button{button("fence", "Fence primary", "danger")}, Footer: "Audit 7c1e40d2 · started by ops1 (web) 03:12:40"},
		"closing.zh": {Key: "run/k3v7", State: "done", Emoji: "✅", Title: "应用服务器主挂（k3v7）", At: askedAt, Ends: true,
			Lines:   []string{"已恢复：中断 4 分 31 秒。 共 8 步：完成 7，跳过 1。", "待办：primary 从未被隔离：一开机就会再次写数据"},
			Buttons: []bot.Button{button("fence", "隔离 primary", "danger")}, Footer: "审计 7c1e40d2 · ops1（web）03:12:40 发起"},
		"long.en": Long(), "long.zh": Long(),
		"hostile.en": Hostile(),
	}
	maps.Copy(all, realCards())
	return all
}

// Long has a plan, a table and lines that no post can hold.
func Long() bot.Message {
	m := Card("step/k3v7/config", 3)
	var script, diff strings.Builder
	table := bot.Block{Kind: "table", Label: "hosts", Columns: []string{"host", "state"}, More: 3}
	for i := range 400 {
		fmt.Fprintf(&script, "echo step %d\n", i)
		fmt.Fprintf(&diff, "+server 192.0.2.%d;\n", i%250)
		table.Rows = append(table.Rows, []string{fmt.Sprintf("host-%d", i), "down"})
		m.Lines = append(m.Lines, fmt.Sprintf("host-%d: no SSH, no MySQL, no HTTP", i))
	}
	m.Blocks = []bot.Block{{Kind: "script", Label: "on standby", Text: script.String()}, {Kind: "diff", Label: "conf.d/a.conf", Text: diff.String()}, table}
	return m
}

// Hostile is text that means something to platforms, to terminals or to eyes.
func Hostile() bot.Message {
	m := Card("k1", 1)
	bad := "<!channel> <@U1> &amp; *bold* _x_ ~x~ `x` ```x``` <http://x|y> https://example.com a@example.com :x: @here #general 𝄞👩‍👩‍👧"
	m.Title, m.Context, m.Footer, m.UntilText, m.Output = bad, bad, bad, bad, bad+"\n```\n"+bad
	m.Lines, m.Warn = []string{bad, "```", "\x1b[2J\u202egnp.exe nul\x00byte \xff"}, []string{bad}
	m.Blocks = []bot.Block{{Kind: "script", Label: bad, Text: "cat <<'EOF'\n```\n" + bad + "\n```\nEOF\n"}, rows([]string{"`", "<"}, "bad", []string{bad, "```"})}
	m.Form = []bot.Field{{Name: "x", Label: bad, Type: "text", Value: "```\n" + bad}}
	m.Buttons = []bot.Button{{Label: bad, Choice: "approve", Action: bad, Style: "danger", Confirm: bad}}
	return m
}

// Hosts is a card about n machines: a line, a row, a command and three buttons each.
func Hosts(n int) bot.Message {
	m := Card("k1", 1)
	m.Warn, m.Buttons = []string{"This cannot be undone."}, nil
	table := bot.Block{Kind: "table", Label: "machines", Columns: []string{"host", "state"}}
	for i := range n {
		host := fmt.Sprintf("host-%03d.example.com", i)
		table.Rows = append(table.Rows, []string{host, "down"})
		m.Lines = append(m.Lines, host+": go-api does not run, since it was stopped")
		m.Blocks = append(m.Blocks, bot.Block{Kind: "command", Label: host, Text: "systemctl start go-api # " + host})
		for _, c := range []string{"retry", "skip", "abort"} {
			m.Buttons = append(m.Buttons, bot.Button{Label: host + ": " + c, Choice: c, Action: strings.Repeat("a", 180) + host + c})
		}
	}
	m.Blocks = append([]bot.Block{table}, m.Blocks...)
	return m
}
