package endpoint

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// A canonical query is name=value&name=value in the order of the names, which
// are unlike; names and values are escaped with querySafe, and an empty value
// has no "=". Endpoints keep their options in this form and targets their
// parameters: as one string they can be compared by ==.

type pair struct{ name, value string }

// queryString returns the canonical query. It sorts pairs, whose names are
// unlike.
func queryString(pairs []pair) string {
	slices.SortFunc(pairs, func(a, b pair) int { return cmp.Compare(a.name, b.name) })
	var b strings.Builder
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(escape(p.name, querySafe))
		if p.value != "" {
			b.WriteByte('=')
			b.WriteString(escape(p.value, querySafe))
		}
	}
	return b.String()
}

// queryAll yields the names and values of a canonical query in its order.
func queryAll(query string) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for rest := query; rest != ""; {
			var part string
			part, rest, _ = strings.Cut(rest, "&")
			name, value, _ := strings.Cut(part, "=")
			if !yield(unescape(name), unescape(value)) {
				return
			}
		}
	}
}

func queryGet(query, name string) (value string, ok bool) {
	for n, v := range queryAll(query) {
		if n == name {
			return v, true
		}
	}
	return "", false
}

// querySet returns the canonical query with name set to value.
func querySet(query, name, value string) string {
	pairs := []pair{{name, value}}
	for n, v := range queryAll(query) {
		if n != name {
			pairs = append(pairs, pair{n, v})
		}
	}
	return queryString(pairs)
}

// queryDelete returns the canonical query without the names that drop reports.
func queryDelete(query string, drop func(name string) bool) string {
	var pairs []pair
	for n, v := range queryAll(query) {
		if !drop(n) {
			pairs = append(pairs, pair{n, v})
		}
	}
	return queryString(pairs)
}
