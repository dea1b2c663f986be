package actions

import (
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sethvargo/go-githubactions"
)

// Level is the severity of an annotation.
type Level string

// The levels, as the runner names them.
const (
	Error   Level = "error"
	Warning Level = "warning"
)

// Annotation is a message that GitHub shows with the run, and at a line of a file
// if it names one. Its texts may contain anything.
type Annotation struct {
	Level          Level
	File           string // as the user named it; empty or "-": none
	Line           int    // from 1; 0 if none
	Title, Message string
}

const (
	maxAnnotations = 10        // per level; GitHub shows no more per step
	maxAnnotation  = 4<<10 - 1 // bytes of one
	maxTitle       = 200       // bytes
	maxFile        = 1 << 10   // bytes; a longer path is omitted
)

// Annotate writes annotations, at most ten of each level, and counts the rest in
// one notice. Call it once a run.
func (e *Edge) Annotate(annotations []Annotation) {
	if !e.Active() {
		return
	}
	count := map[Level]int{}
	for _, annotation := range annotations {
		if count[annotation.Level]++; count[annotation.Level] <= maxAnnotations {
			e.command(e.annotation(annotation))
		}
	}
	var dropped []string
	for _, level := range []Level{Error, Warning} {
		switch over := count[level] - maxAnnotations; {
		case over == 1:
			dropped = append(dropped, "1 more "+string(level))
		case over > 1:
			dropped = append(dropped, fmt.Sprintf("%d more %ss", over, level))
		}
	}
	if len(dropped) > 0 {
		e.command(githubactions.Command{Name: "notice", Message: strings.Join(dropped, " and ") + ": see the job summary"})
	}
}

// annotation returns the command for an annotation, with its message cut to fit.
func (e *Edge) annotation(a Annotation) githubactions.Command {
	command := githubactions.Command{Name: string(a.Level), Properties: githubactions.CommandProperties{}}
	if file := e.inWorkspace(a.File); file != "" {
		command.Properties["file"] = harmless(file)
		if a.Line > 0 {
			command.Properties["line"] = strconv.Itoa(a.Line)
		}
	}
	if title := cut(harmless(strings.TrimSpace(a.Title)), maxTitle, utf8.RuneLen); title != "" {
		command.Properties["title"] = title
	}
	command.Message = cut(harmless(a.Message), maxAnnotation-len(command.String()), escapedLength)
	return command
}

// escapedLength returns how many bytes the library writes for a rune.
func escapedLength(r rune) int {
	if r == '%' || r == '\r' || r == '\n' {
		return 3
	}
	return utf8.RuneLen(r)
}

// cut shortens text to a size, as length counts it, and then ends it with an
// ellipsis.
func cut(text string, limit int, length func(rune) int) string {
	const mark = "…"
	text = strings.ToValidUTF8(text, "\uFFFD") // so that length counts what will be written
	whole, fits := 0, 0                        // fits: bytes that leave space for the mark
	for i, r := range text {
		if whole += length(r); whole <= limit-len(mark) {
			fits = i + utf8.RuneLen(r)
		}
	}
	if whole <= limit {
		return text
	}
	return text[:fits] + mark
}

// inWorkspace returns the path as GitHub names the file: from the workspace, with
// slashes. It returns "" if there is no file or it is elsewhere.
func (e *Edge) inWorkspace(file string) string {
	workspace := e.getenv("GITHUB_WORKSPACE")
	if file == "" || file == "-" || len(file) > maxFile || !filepath.IsAbs(workspace) {
		return ""
	}
	file, err := filepath.Abs(file)
	if err != nil {
		return ""
	}
	inside, err := filepath.Rel(workspace, file)
	if err != nil || !filepath.IsLocal(inside) || inside == "." {
		return ""
	}
	return filepath.ToSlash(inside)
}

// Group begins a group of lines that the log shows folded until end is called.
func (e *Edge) Group(title string) (end func()) {
	if !e.Active() {
		return func() {}
	}
	title = strings.NewReplacer("\r", " ", "\n", " ").Replace(harmless(title))
	e.command(githubactions.Command{Name: "group", Message: cut(title, maxTitle, utf8.RuneLen)})
	return func() { e.command(githubactions.Command{Name: "endgroup"}) }
}

// command writes a command on a line of its own. An error could not be reported:
// it means that the log cannot be written.
func (e *Edge) command(command githubactions.Command) {
	_, _ = io.WriteString(e.w, command.String()+"\n")
}

// harmless defuses what the library does not escape: the runner's legacy form of
// commands, which works anywhere in a line, and bytes that are not text.
func harmless(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", " "), "##[", "## [")
}
