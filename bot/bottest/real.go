package bottest

import (
	"cmp"
	"fmt"
	"strings"

	"recoverbot/bot"
)

// realCards are cards as people meet them in a recovery, by name and language: with all of their buttons, and tables as
// wide as they are.
func realCards() map[string]bot.Message {
	out := map[string]bot.Message{}
	for _, lang := range []string{"en", "zh"} {
		in := func(en, zh string) string {
			if lang == "zh" {
				return zh
			}
			return en
		}
		buttons := func(choices ...string) []bot.Button {
			labels := map[string]string{"approve": in("Approve", "批准"), "input": in("Enter values", "填写"), "replan": in("Look again", "重新查看"),
				"look": in("Look again", "重新查看"), "done": in("Mark done", "标记完成"), "retry": in("Run again", "再执行一次"), "skip": in("Skip", "跳过"),
				"defer": in("Later", "稍后再做"), "abort": in("Abort run", "中止")}
			var all []bot.Button
			for _, c := range choices {
				member, choice, grouped := strings.Cut(c, "/")
				if !grouped {
					member, choice = "", c
				}
				b := button(strings.Replace(choice, "replan", "retry", 1), labels[choice], map[string]string{"approve": "primary", "abort": "danger"}[choice])
				if grouped {
					b.Label, b.For, b.Code = member+": "+b.Label, member, map[string]string{"go-upload": "56b0", "go-fly": "91aa", "go-feedback": "c3d0"}[member]
				}
				switch choice {
				case "input":
					b.WithForm = true
				case "skip":
					b.Confirm = in("Really leave out: Restart go-api?", "确定跳过：重启 go-api？")
				case "abort":
					b.Confirm = in("Really stop this recovery? What is done stays done.", "确定中止恢复？已完成的步骤不会撤销。")
				}
				all = append(all, b)
			}
			return all
		}
		add := func(name string, m bot.Message) {
			if m.Key == "" {
				m.Key, m.Code = "step/k3v7/"+name, "5bcc"
			}
			if m.Code != "" {
				m.Context = cmp.Or(m.Context, in("down 04:02 · lost 1 h 11 min of data · step 4 of 8 · next: Is service back, seen from outside?",
					"中断 04:02 · 已丢失 1 小时 11 分的数据 · 第 4/8 步 · 下一步：从外部确认服务已恢复"))
			}
			m.Version, m.RunID, m.Since, m.At = 3, "k3v7", downAt, askedAt
			out[name+"."+lang] = m
		}
		add("unknown", bot.Message{State: "unknown", Emoji: "❓", Title: in("4/8 Restart go-api", "4/8 重启 go-api"),
			Lines: []string{in("on standby · document line 3.5 · outcome unknown", "在 standby · 文档 3.5 · 结果未知"), in("It broke off while it ran.", "执行中途中断。"),
				in("Seen now: standby: go-api runs. So it probably took effect.", "现在看到：standby：go-api 运行正常。因此很可能已生效。"), in("Nothing is repeated without you.", "没有您的决定不会重复执行。")},
			Buttons: buttons("look", "done", "retry", "skip", "abort"), Footer: in("approved by ops1 (console) 03:16:02", "ops1（控制台）03:16:02 批准")})
		rows := bot.Block{Kind: "table", Label: "t_app_dns", Columns: []string{"id", "domain", "status"}, Rows: [][]string{{"3", "a.example.com", "1"}, {"9", "img.example.com", "1"}}}
		add("stale", bot.Message{State: "waiting", Emoji: "🟡", Title: in("3/8 Take the dead machine off the domain list", "3/8 将挂掉的机器从域名列表下掉"),
			Lines: []string{in("on standby · document line 3.3 · waits for you", "在 standby · 文档 3.3 · 等您决定"),
				in("Something changed since you saw it, so nothing was done: The rows of speed.t_app_dns changed since you saw them. New plan below.",
					"您看到之后情况有变，因此没有执行：speed.t_app_dns 的数据在您查看之后有变化。新计划如下。")},
			Blocks:  []bot.Block{{Kind: "sql", Label: "speed", Text: "begin;\nupdate speed.t_app_dns set status=2 where ip='192.0.2.21' and status=1;"}, rows},
			Buttons: buttons("approve", "replan", "skip", "defer", "abort")})
		list := bot.Block{Kind: "table", Label: "speed.t_app_dns", Columns: []string{"id", "domain", "ip", "status", "host", "answers"}}
		for i := range 6 {
			row, mark := []string{fmt.Sprint(i + 1), fmt.Sprintf("n%d.example.com", i+1), fmt.Sprintf("192.0.2.1%d", i+1), "1", fmt.Sprintf("nginx%d", i+1), "yes"}, "ok"
			switch i {
			case 2:
				row[3], row[5], mark = "1 → 2", "down", "bad"
			case 4:
				row[4], row[5], mark = "", "?", ""
			}
			list.Rows, list.Marks = append(list.Rows, row), append(list.Marks, mark)
		}
		danger := buttons("approve", "input", "replan", "skip", "defer", "abort")
		danger[0].Style, danger[0].Confirm = "danger", in("Dangerous: Take the nginx machine off the domain list, on primary. Change 1 row of the domain list speed.t_app_dns on primary. Really do it?",
			"危险：将 nginx 从域名列表下掉。修改 primary 上域名列表 speed.t_app_dns 的 1 行。确定执行？")
		add("domains", bot.Message{State: "waiting", Emoji: "🟡", Title: in("3/14 Take the nginx machine off the domain list", "3/14 将 nginx 从域名列表下掉"),
			Context: in("degraded 04:02 · step 3 of 14 · next: Get a new machine to be the nginx", "降级 04:02 · 第 3/14 步 · 下一步：准备新的 nginx 机器"),
			Lines: []string{in("on primary · document line 1.2 · waits for you", "在 primary · 文档 1.2 · 等您决定"),
				in("Change 1 row of the domain list speed.t_app_dns on primary", "修改 primary 上域名列表 speed.t_app_dns 的 1 行")},
			Blocks:  []bot.Block{{Kind: "sql", Label: "speed", Text: "begin;\nupdate speed.t_app_dns set status=2 where id=3 and ip='192.0.2.13' and status=1;"}, list},
			Form:    []bot.Field{{Name: "row_3", Label: in("Take n3.example.com (nginx3, 192.0.2.13) off: 1 → 2", "下线 n3.example.com（nginx3，192.0.2.13）：1 → 2"), Type: "bool", Value: "true"}},
			Buttons: danger})
		insert := []bot.Field{{Name: "add_1", Label: in("Add row 1: n1.example.com → 192.0.2.41", "新增第 1 行：n1.example.com → 192.0.2.41"), Type: "bool", Value: "true"},
			{Name: "by", Label: in("Who ordered the machine", "谁订购的机器"), Type: "string", Required: true}, {Name: "ip", Label: in("Address", "地址"), Type: "address", Required: true, Value: "192.0.2.41"}}
		for _, column := range []string{"id", "domain", "ip", "status", "remark", "created_at", "updated_at"} {
			insert = append(insert, bot.Field{Name: "row_1_" + column, Label: in("Row 1: ", "第 1 行：") + column, Type: "string", Value: "DEFAULT"})
		}
		add("insert", bot.Message{State: "waiting", Emoji: "🟡", Title: in("12/14 Put the new nginx on the domain list", "12/14 将新 nginx 加入域名列表"),
			Lines:  []string{in("on primary · document line 1.3 · waits for you", "在 primary · 文档 1.3 · 等您决定")},
			Blocks: []bot.Block{{Kind: "sql", Label: "speed", Text: "begin;\ninsert into speed.t_app_dns (`domain`, `ip`, `status`) values ('n1.example.com', '192.0.2.41', 1);"}},
			Form:   insert, Buttons: danger})
		group := bot.Message{State: "failed", Emoji: "❌", Title: in("6/8 Start the other services", "6/8 恢复其他服务"), Code: "56b0", Key: "step/k3v7/others",
			Lines: []string{in("on standby · document line 3.10 · failed", "在 standby · 文档 3.10 · 失败")}}
		var answers []string
		for _, name := range []string{"go-upload", "go-fly", "go-feedback"} {
			group.Lines = append(group.Lines, name+": "+in("standby: "+name+" does not run", "standby："+name+" 未运行"))
			answers = append(answers, name+"/retry", name+"/skip")
		}
		group.Buttons = buttons(append(answers, "abort")...)
		group.Buttons[len(answers)].Code = "k3v7"
		add("group", group)
		add("returned", bot.Message{Key: "alert/f2", State: "down", Emoji: "🔴", Priority: bot.Prompt, Notify: []string{"ops1"},
			Title: in("primary is back: two machines may write at once", "primary 恢复了：可能有两台机器同时写数据"),
			Lines: []string{in("since 03:31:02, seen from bot, nginx1. It answers there: MySQL, redis, go-job", "03:31:02 起，bot, nginx1 可见。其上有响应：MySQL, redis, go-job"),
				in("In run k3v7 (Both application servers are dead) another machine took the place of primary.", "在 k3v7（两台应用服务器同时挂）中，另一台机器已接替 primary。")},
			Buttons: []bot.Button{button("fence", in("Fence primary", "隔离 primary"), "danger"), button("check", in("Check again", "重新检查"), "")}})
		add("parked", bot.Message{Key: "run/k3v7", State: "parked", Emoji: "⏭", Ends: true, Title: in("The primary application server is dead (run k3v7)", "应用服务器主挂（k3v7）"),
			Lines: []string{in("Service is back: 4 min 31 s down. 8 steps: 5 done, 1 skipped, 2 deferred.", "已恢复：中断 4 分 31 秒。共 8 步：完成 5，跳过 1，推迟 2。"),
				in("Parked: nothing is being done. Go on with the button, or type: resume k3v7", "已搁置：未执行任何操作。点按钮继续，或输入：resume k3v7"),
				in("Still open: A new machine as standby: deferred", "待办：准备一台新备机：已推迟")},
			Blocks: []bot.Block{{Kind: "text", Label: in("all steps: 8 of 8 settled", "全部步骤：8 步中已处理 8 步"), Fold: true,
				Text: in("⏭ 1 Switch the dead machine off at the provider: skipped\n⏭ 7 A new machine as standby: deferred", "⏭ 1 在服务商处关闭挂掉的机器：已跳过\n⏭ 7 准备一台新备机：已推迟")}},
			Buttons: []bot.Button{button("reopen", in("Resume", "继续"), "primary"), button("abort", in("Abort run", "中止恢复"), "danger"),
				button("todo", in("Do 1: Switch the dead machine off at the provider", "做第 1 步：在服务商处关闭挂掉的机器"), ""), button("todo2", in("Do 7: A new machine as standby", "做第 7 步：准备一台新备机"), "")},
			Footer: in("Audit 7c1e40d2 · started by ops1 (console) 03:12:40", "审计 7c1e40d2 · ops1（控制台）03:12:40 发起")})
	}
	return out
}
