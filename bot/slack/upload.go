package slack

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/slack-go/slack"

	"recoverbot/bot"
)

// upload shares a file in a thread. Its ref names the thread: an upload tells nothing of the message that it became. The
// library's own upload sends the token along, and so refuses addresses outside of Slack's domains.
func (s *Slack) upload(ctx context.Context, at ref, p post) (bot.Ref, error) {
	if p.file == "" {
		return "", errors.New("upload a file: it is empty")
	}
	var to *slack.GetUploadURLExternalResponse
	err := s.call(ctx, "files.getUploadURLExternal", s.pace.call, func(ctx context.Context) (err error) {
		to, err = s.api.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{FileName: p.fileName, FileSize: len(p.file)})
		return err
	})
	if err != nil {
		return "", err
	}
	err = s.call(ctx, "upload", s.pace.call, func(ctx context.Context) error { return s.put(ctx, to.UploadURL, p.file) })
	if err != nil {
		return "", err
	}
	err = s.call(ctx, "files.completeUploadExternal", s.pace.call, func(ctx context.Context) error {
		_, err := s.api.CompleteUploadExternalContext(ctx, slack.CompleteUploadExternalParameters{
			Files: []slack.FileSummary{{ID: to.FileID, Title: p.fileName}}, Channel: at.channel, ThreadTimestamp: at.ts, InitialComment: p.text})
		return err
	})
	if err != nil {
		return "", err
	}
	at.file = to.FileID
	return at.Ref(), nil
}

func (s *Slack) put(ctx context.Context, address, content string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(content))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/octet-stream")
	resp, err := s.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return slack.StatusCodeError{Code: resp.StatusCode, Status: resp.Status}
	}
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<10)) // so that the connection can be used again
	return err
}
