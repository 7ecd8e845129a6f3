package endpoint

import "strings"

// Nearest returns the candidate that word was most likely meant to be, or ""
// when none is near. Near is at most two edits away, and fewer than half the
// letters of word; an edit adds, drops or replaces a letter or swaps two
// neighbours. Case does not count. Of equally near candidates the first wins.
func Nearest(word string, candidates []string) string {
	const most = 2
	from := []rune(strings.ToLower(word))
	nearest, least := "", most+1
	for _, c := range candidates {
		to := []rune(strings.ToLower(c))
		if len(to) > len(from)+most || len(from) > len(to)+most {
			continue // the difference in length is the least distance; do not measure a page of text
		}
		if d := editDistance(from, to); d < least && 2*d < len(from) {
			nearest, least = c, d
		}
	}
	return nearest
}

// editDistance returns the Damerau-Levenshtein distance of a and b, where a
// letter may be edited again after a swap: "ca" and "abc" are 2 apart. Lowrance
// and Wagner, "An Extension of the String-to-String Correction Problem" (1975).
func editDistance(a, b []rune) int {
	// d[i+1][j+1] is the distance of a[:i] and b[:j]; row and column 0 are a
	// border that no shortest way takes.
	far := len(a) + len(b)
	d := make([][]int, len(a)+2)
	for i := range d {
		d[i] = make([]int, len(b)+2)
		d[i][0] = far
		if i > 0 {
			d[i][1] = i - 1
		}
	}
	for j := range len(b) + 1 {
		d[0][j+1], d[1][j+1] = far, j
	}

	lastRow := map[rune]int{} // the last i, from 1, at which a had the letter
	for i := 1; i <= len(a); i++ {
		lastCol := 0 // the last j, from 1, at which b had a[i-1]
		for j := 1; j <= len(b); j++ {
			row, col, replaced := lastRow[b[j-1]], lastCol, 1
			if a[i-1] == b[j-1] {
				replaced, lastCol = 0, j
			}
			d[i+1][j+1] = min(
				d[i][j]+replaced,
				d[i+1][j]+1,
				d[i][j+1]+1,
				d[row][col]+(i-row-1)+1+(j-col-1))
		}
		lastRow[a[i-1]] = i
	}
	return d[len(a)+1][len(b)+1]
}
