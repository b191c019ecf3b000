package bot_test

import (
	"testing"

	"recoverbot/bot"
)

func TestBoard(t *testing.T) {
	t.Parallel()
	b := bot.NewBoard(3)
	b.Put(bot.Message{Key: "open", Version: 1, Buttons: []bot.Button{{Choice: "approve"}}})
	b.Put(bot.Message{Key: "run", Version: 1, RunID: "r"})
	b.Put(bot.Message{Key: "a", Version: 2})
	b.Put(bot.Message{Key: "a", Version: 1, Title: "an older version"})
	posts, changed := b.Since(0)
	if len(posts) != 3 || posts[2].Title != "" {
		t.Fatalf("posts: %+v", posts)
	}
	seen := posts[2].Seq
	b.Put(bot.Message{Key: "run", Version: 2, RunID: "r", Ends: true})
	<-changed
	posts, _ = b.Since(seen)
	if len(posts) != 1 || posts[0].Key != "run" || posts[0].Order <= 3 {
		t.Errorf("the closing message is not at the end: %+v", posts)
	}
	b.Put(bot.Message{Key: "b", Version: 1})
	if _, ok := b.Get("a"); ok {
		t.Error("the oldest answered message was kept")
	}
	if _, ok := b.Get("open"); !ok {
		t.Error("an open message was forgotten")
	}
}
