// Package spelling finds the name that was meant by a misspelled one.
package spelling

import (
	"math"
	"strings"
)

// Nearest returns the name that differs least from word, or "" if all of them differ by
// more than a third of its letters. Case counts only between names that are equally near.
func Nearest(word string, names []string) string {
	best, least, leastCase := "", len(word)/3+1, math.MaxInt
	for _, name := range names {
		d := distance(strings.ToLower(word), strings.ToLower(name))
		if d > least {
			continue
		}
		if c := distance(word, name); d < least || c < leastCase {
			best, least, leastCase = name, d, c
		}
	}
	return best
}

// distance returns how many insertions, deletions, replacements and swaps of
// neighbours turn a into b (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
