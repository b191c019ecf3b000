package fleet

import (
	"errors"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the machine may have no zone files
)

func TestBlackBoxConfig(t *testing.T) {
	t.Parallel()
	parse := func(box string) (*Config, error) {
		return ParseConfig("fleet.yaml", []byte("hosts: [{name: a, address: 192.0.2.1}]\npeople: [{name: p}]\n"+box), func(string) string { return "" })
	}
	if c, err := parse(""); err != nil || c.BlackBox.At != "04:30" || c.BlackBox.Keep != 14 || c.BlackBox.Off {
		t.Errorf("defaults: %+v %v", c, err)
	}
	if c, err := parse("black_box: {off: true, at: \"23:05\", keep: 3, files: [/etc/letsencrypt]}\n"); err != nil || c.BlackBox.At != "23:05" || c.BlackBox.Keep != 3 || !c.BlackBox.Off {
		t.Errorf("given: %+v %v", c, err)
	}
	for box, want := range map[string]string{
		"black_box: {at: 25:00}":         "blackbox.bad_time",
		"black_box: {at: morning}":       "blackbox.bad_time",
		"black_box: {keep: -1}":          "blackbox.bad_keep",
		"black_box: {keep: 4000}":        "blackbox.bad_keep",
		"black_box: {files: [relative]}": "fleet.config_bad_path",
		"black_box: {files: [/a/../b]}":  "fleet.config_bad_path",
		"black_box: {kep: 1}":            "fleet.config_unknown_key",
	} {
		var bad *ConfigError
		if _, err := parse(box + "\n"); !errors.As(err, &bad) || len(bad.Problems) != 1 || !strings.Contains(bad.Problems[0].Msg.ID, want) {
			t.Errorf("%s: %+v", box, err)
		}
	}
}

func TestBlackBoxLast(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	b := BlackBox{At: "02:30"}
	for now, want := range map[time.Time]time.Time{
		time.Date(2026, 11, 23, 2, 30, 0, 0, time.UTC):  time.Date(2026, 11, 23, 2, 30, 0, 0, time.UTC),
		time.Date(2026, 11, 23, 2, 29, 59, 0, time.UTC): time.Date(2026, 11, 22, 2, 30, 0, 0, time.UTC),
		time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC):     time.Date(2026, 2, 28, 2, 30, 0, 0, time.UTC),
		time.Date(2026, 3, 29, 12, 0, 0, 0, berlin):     time.Date(2026, 3, 29, 3, 30, 0, 0, berlin), // there is no 02:30 that day
		time.Date(2026, 10, 25, 12, 0, 0, 0, berlin):    time.Date(2026, 10, 25, 2, 30, 0, 0, berlin),
	} {
		if got := b.Last(now); got.After(now) || now.Sub(got) > 25*time.Hour || !got.Equal(want) {
			t.Errorf("%s: %s, want %s", now, got, want)
		}
	}
}
