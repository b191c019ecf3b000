// Package jsonapi speaks the bot's JSON API over HTTP, as a program of a person does. It does not know what answers mean.
package jsonapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Client is one person at one bot.
type Client struct {
	Base     string // "http://127.0.0.1:8080"
	Token    string
	Language string        // of the answers; "": the bot's own
	Timeout  time.Duration // of one call
}

// Decision is the body of POST /api/runs/ID/decisions.
type Decision struct {
	Step    string            `json:"step,omitempty"`
	Group   string            `json:"group,omitempty"`
	Attempt int               `json:"attempt"`
	Digest  string            `json:"digest"`
	Choice  string            `json:"choice"`
	Reason  string            `json:"reason,omitempty"`
	Fields  map[string]string `json:"fields,omitempty"`
}

// Group is a group's card in the answer to GET /api/runs/ID.
type Group struct {
	ID          string   `json:"id"`
	Digest      string   `json:"digest"`
	Choices     []string `json:"choices"`
	NeedsReason []string `json:"needs_reason"`
}

// Refused is the error of an answer other than 200.
type Refused struct {
	Status        int
	Code, Message string
	Kind, By, At  string // of a conflict
	Body          string
}

func (e *Refused) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message) }

// each call has a connection of its own: bots come and go at one address.
var transport = &http.Transport{DisableKeepAlives: true}

// Call sends in, where it is not nil, and decodes the answer into out. Its error is a *Refused, or says that the bot
// cannot be reached.
func (c Client) Call(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return fmt.Errorf("encode a request: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.Base+path, &body)
	if err != nil {
		return fmt.Errorf("ask the bot: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	req.Header.Set("Content-Type", "application/json")
	if c.Language != "" {
		req.Header.Set("Accept-Language", c.Language)
	}
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return fmt.Errorf("ask the bot: %w", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("read the bot's answer: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return refused(res.StatusCode, text)
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("read the bot's answer: %w", err)
	}
	return nil
}

func refused(status int, text []byte) *Refused {
	var e struct {
		Error    struct{ Code, Message string }
		Conflict struct{ Kind, By, At string }
	}
	_ = json.Unmarshal(text, &e) // the status says enough without it
	return &Refused{Status: status, Code: e.Error.Code, Message: e.Error.Message,
		Kind: e.Conflict.Kind, By: e.Conflict.By, At: e.Conflict.At, Body: string(text)}
}
