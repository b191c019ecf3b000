package runbook

// Nearest is the known word that a misspelt one probably means, or "".
func Nearest(word string, known []string) string {
	best, distance := "", 3
	if len(word) > 100 {
		return best
	}
	for _, k := range known {
		if n := edits([]rune(word), []rune(k)); n < distance && 2*n <= len(k) && (n < 2 || len([]rune(word)) > 4) {
			best, distance = k, n
		}
	}
	return best
}

// edits is the Levenshtein distance.
func edits(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diag := row[0]
		row[0] = i + 1
		for j := range b {
			cost := diag
			if a[i] != b[j] {
				cost++
			}
			diag = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
