package locale

import (
	"fmt"
	"math"
	"strconv"
)

// Duration shows seconds with the two largest units: "44 s", "4 min 31 s", "6 h 40 min", "3 d 2 h".
func Duration(lang string, sec float64) string {
	units := [4]string{"d", "h", "min", "s"}
	if lang == "zh" {
		units = [4]string{"天", "小时", "分", "秒"}
	}
	sign := ""
	if sec < 0 {
		sign, sec = "-", -sec
	}
	if sec > 0 && sec < 1 {
		return fmt.Sprintf("%s%.1f %s", sign, sec, units[3])
	}
	s := int64(math.Round(sec))
	parts := [4]int64{s / 86400, s % 86400 / 3600, s % 3600 / 60, s % 60}
	for i := range 4 {
		if parts[i] == 0 && i < 3 {
			continue
		}
		out := sign + strconv.FormatInt(parts[i], 10) + " " + units[i]
		if i < 3 && parts[i+1] > 0 {
			out += " " + strconv.FormatInt(parts[i+1], 10) + " " + units[i+1]
		}
		return out
	}
	return "0 " + units[3]
}

// Bytes shows a size in decimal units: "612 MB", "1.2 GB".
func Bytes(n int64) string {
	v, unit := float64(n), "B"
	for _, u := range []string{"kB", "MB", "GB", "TB"} {
		if math.Abs(v) < 1000 {
			break
		}
		v, unit = v/1000, u
	}
	if unit == "B" || v >= 100 {
		return fmt.Sprintf("%.0f %s", v, unit)
	}
	return fmt.Sprintf("%.1f %s", v, unit)
}
