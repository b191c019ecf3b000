package faults

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

const room = "C0OPS"

// hears waits until a text stands in the chat.
func (c *company) hears(text string) bool {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for begun := time.Now(); time.Since(begun) < patience; <-tick.C {
		for _, m := range c.chat.Messages(room) {
			if strings.Contains(c.chat.Plain(m), text) {
				return true
			}
		}
	}
	return false
}

// posts waits until the chat shows the end of the run, and says which messages stand there twice.
func (c *company) posts() (problems []string) {
	shown := c.hears("1 step: 1 done")
	times := map[string]int{}
	var all []string
	for _, m := range c.chat.Messages(room) {
		var blocks []struct {
			ID string `json:"block_id"`
		}
		all = append(all, c.chat.Plain(m))
		if json.Unmarshal(m.Blocks, &blocks) == nil && len(blocks) > 0 && m.ThreadTS == "" {
			if times[blocks[0].ID]++; times[blocks[0].ID] > 1 {
				problems = append(problems, "posted twice: "+c.chat.Plain(m))
			}
		}
	}
	if !shown {
		problems = append(problems, fmt.Sprintf("the chat does not show the end: %s", strings.Join(all, "\n--\n")))
	}
	return problems
}
