package actions

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sethvargo/go-githubactions"
)

// Level is how grave an annotation is.
type Level string

// The levels, as the runner names them.
const (
	Error   Level = "error"
	Warning Level = "warning"
)

// Annotation is a remark that GitHub shows beside the run, and beside a line of
// a file where one is named. Texts may hold anything.
type Annotation struct {
	Level          Level
	File           string // as the user named it; empty or "-": none
	Line           int    // from 1; 0: none
	Title, Message string
}

const (
	maxAnnotations = 10        // of a level that GitHub shows of a step
	maxAnnotation  = 4<<10 - 1 // bytes of one
	maxTitle       = 200       // bytes
	maxFile        = 1 << 10   // bytes; a longer path is left out
)

// Annotate writes annotations, ten of each level at most, and counts the rest
// in one notice. It is for once a run.
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

// annotation is the command of one, with its message cut to what fits.
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

// escapedLength is how many bytes the library makes of a rune of a message.
func escapedLength(r rune) int {
	if r == '%' || r == '\r' || r == '\n' {
		return 3
	}
	return utf8.RuneLen(r)
}

// cut shortens a text to so many bytes, as length counts them; a mark at its
// end tells that it did.
func cut(text string, room int, length func(rune) int) string {
	const mark = "…"
	text = strings.ToValidUTF8(text, "\uFFFD") // so that a rune is as long as it says
	whole, fits := 0, 0                        // fits: what of the text leaves room for the mark
	for i, r := range text {
		if whole += length(r); whole <= room-len(mark) {
			fits = i + utf8.RuneLen(r)
		}
	}
	if whole <= room {
		return text
	}
	return text[:fits] + mark
}

// inWorkspace is the path as GitHub names the file: from the workspace, with
// slashes. It is empty where there is no file, or it lies elsewhere.
func (e *Edge) inWorkspace(file string) string {
	workspace := e.getenv("GITHUB_WORKSPACE")
	if file == "" || file == "-" || len(file) > maxFile || !filepath.IsAbs(workspace) {
		return ""
	}
	if !filepath.IsAbs(file) {
		here, err := os.Getwd()
		if err != nil {
			return ""
		}
		file = filepath.Join(here, file)
	}
	inside, err := filepath.Rel(workspace, file)
	if err != nil || !filepath.IsLocal(inside) || inside == "." {
		return ""
	}
	return filepath.ToSlash(inside)
}

// Group begins a group of lines that the log shows folded, until end is called.
func (e *Edge) Group(title string) (end func()) {
	if !e.Active() {
		return func() {}
	}
	title = strings.NewReplacer("\r", " ", "\n", " ").Replace(harmless(title))
	e.command(githubactions.Command{Name: "group", Message: cut(title, maxTitle, utf8.RuneLen)})
	return func() { e.command(githubactions.Command{Name: "endgroup"}) }
}

// command writes a command, a line of its own. That the log cannot be written
// to is nothing that could be told anywhere.
func (e *Edge) command(command githubactions.Command) {
	_, _ = io.WriteString(e.w, command.String()+"\n")
}

// harmless takes out what the library does not escape: the runner's old form of
// commands, which counts anywhere in a line, and what is no text.
func harmless(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", " "), "##[", "## [")
}
