package config

import "strings"

// suggestion helps with a word that is none of the known ones: the nearest if one is at most two edits away, and half of its letters are
// right at least, else all of them.
func suggestion(word string, known []string) string {
	const furthest = 2
	best, distance := "", furthest+1
	for _, candidate := range known {
		if d := editDistance(strings.ToLower(word), candidate, furthest); d < distance && 2*d <= len(candidate) {
			best, distance = candidate, d
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	return "known: " + strings.Join(known, ", ")
}

// editDistance is the Levenshtein distance in bytes, or any number above limit where the lengths alone say so.
func editDistance(a, b string, limit int) int {
	if max(len(a), len(b))-min(len(a), len(b)) > limit {
		return limit + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitution := diagonal
			if a[i] != b[j] {
				substitution++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitution, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
