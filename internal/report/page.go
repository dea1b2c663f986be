package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// page is Markdown in parts. If the whole would be too long, rows of its tables
// are left out; everything else stays, so it must be short by itself.
type page struct {
	parts []*part
	cut   bool // people, groups or ends of names were left out
}

// rank says how much a table matters: tables of a later rank are left out first.
type rank int

const (
	changes  rank = iota // people who lose something, and groups
	details              // details of what is also shown elsewhere
	comments             // other than people and groups that change
)

// part is a text that is always shown, and the rows that follow it.
type part struct {
	text strings.Builder
	rows []string // one line each, without a line break
	of   string   // what the rows are, in the plural
	rank rank

	shown int // how many of the rows are shown, from the first
}

// line adds a line that is always shown.
func (p *page) line(format string, args ...any) {
	if len(p.parts) == 0 || p.last().rows != nil {
		p.parts = append(p.parts, &part{})
	}
	_, _ = fmt.Fprintf(&p.last().text, format+"\n", args...)
}

// paragraph adds a line and an empty one.
func (p *page) paragraph(format string, args ...any) { p.line(format+"\n", args...) }

// table adds the rows of a table whose header is the last line.
func (p *page) table(rank rank, of string, rows []string) {
	last := p.last()
	last.rank, last.of, last.rows = rank, of, rows
	p.line("")
}

func (p *page) last() *part { return p.parts[len(p.parts)-1] }

// render returns the page in at most limit bytes. rest says where to see what is
// left out.
func (p *page) render(limit int, rest string) string {
	left := limit
	var tables []*part
	for _, part := range p.parts {
		left -= part.text.Len()
		if len(part.rows) > 0 {
			left -= len(part.omission(len(part.rows), rest))
			tables = append(tables, part)
		}
	}
	// The shortest table of a rank first: what it does not need of its equal
	// share goes to longer ones.
	slices.SortStableFunc(tables, func(a, b *part) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.size(), b.size()))
	})
	alike := map[rank]int{} // tables of a rank that are still to be fitted
	for _, part := range tables {
		alike[part.rank]++
	}
	for _, part := range tables {
		size := 0
		part.shown, size = part.fit(left / alike[part.rank])
		alike[part.rank]--
		left -= size
	}
	var b strings.Builder
	for _, part := range p.parts {
		b.WriteString(part.text.String())
		for _, row := range part.rows[:part.shown] {
			b.WriteString(row)
			b.WriteByte('\n')
		}
		if left := len(part.rows) - part.shown; left > 0 {
			p.cut = p.cut || part.rank != comments
			b.WriteString(part.omission(left, rest))
		}
	}
	return b.String()
}

func (p *part) omission(n int, rest string) string {
	return fmt.Sprintf("\n… and %d more %s, left out because GitHub limits the length: %s.\n", n, p.of, rest)
}

func (p *part) size() int {
	_, size := p.fit(math.MaxInt)
	return size
}

// fit counts the rows from the first that fit in left bytes, and their bytes.
func (p *part) fit(left int) (rows, size int) {
	for _, row := range p.rows {
		if size+len(row)+1 > left {
			break
		}
		size += len(row) + 1
		rows++
	}
	return rows, size
}
