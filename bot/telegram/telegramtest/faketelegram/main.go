// Command faketelegram is a Telegram on this machine, to try the bot or any other client against: it prints what to set,
// and people act in it on its page, or by JSON over HTTP on -control (POST /say, /press, /fail, …).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"recoverbot/bot/telegram/telegramtest"
)

func main() {
	var o telegramtest.Options
	flag.StringVar(&o.Addr, "addr", "127.0.0.1:3004", "listen `address`")
	flag.StringVar(&o.Token, "token", telegramtest.DefaultToken, "token that is taken")
	flag.BoolVar(&o.RateLimits, "rate-limits", false, "answer 429 as Telegram does")
	flag.BoolVar(&o.SeesAll, "sees-all", false, "turn the privacy mode off")
	control := flag.String("control", "", "listen for POST /say, /press, /fail, … on this `address`")
	chats := flag.String("chats", fmt.Sprintf("%d:ops", telegramtest.DefaultChat), "id:title of groups, separated by commas; -100… are supergroups")
	topics := flag.String("topics", "", "id:name of topics, separated by commas, which make the first group a forum")
	users := flag.String("users", "1001:ops1,1002:ops2", "id:name of people, separated by commas")
	flag.Parse()
	err := errors.Join(
		pairs(*chats, func(id int64, title string) { o.Chats = append(o.Chats, telegramtest.Chat{ID: id, Title: title}) }),
		pairs(*users, func(id int64, name string) { o.Users = append(o.Users, telegramtest.User{ID: id, Name: name}) }),
		pairs(*topics, func(id int64, name string) {
			o.Chats[0].Forum, o.Chats[0].Topics = true, append(o.Chats[0].Topics, telegramtest.Topic{ID: int(id), Name: name})
		}))
	if err == nil {
		err = run(o, *control)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "faketelegram:", err)
		os.Exit(1)
	}
}

func run(o telegramtest.Options, control string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := telegramtest.Start(o)
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Printf("TELEGRAM_API_ENDPOINT=%s\nTELEGRAM_BOT_TOKEN=%s\nTELEGRAM_CHAT_ID=%d\n# people act at %[1]s/\n", s.URL(), o.Token, o.Chats[0].ID)
	if control != "" {
		h := &http.Server{Addr: control, Handler: controls(s)}
		defer func() { _ = h.Close() }()
		go func() {
			if err := h.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
				fmt.Fprintln(os.Stderr, "faketelegram: control:", err)
				stop()
			}
		}()
	}
	<-ctx.Done()
	return nil
}

// pairs reads "id:name,id:name", in order.
func pairs(list string, add func(id int64, name string)) error {
	for p := range strings.SplitSeq(list, ",") {
		if p = strings.TrimSpace(p); p == "" {
			continue
		}
		digits, name, _ := strings.Cut(p, ":")
		id, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			return fmt.Errorf("read %q: write id:name", p)
		}
		add(id, name)
	}
	return nil
}
