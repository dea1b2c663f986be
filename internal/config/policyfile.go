package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxPolicy bounds a policy file, in bytes: people review it.
const maxPolicy = 1 << 20

// position is a place in the policy file. The zero value is none, and without a
// line it is the file as a whole.
type position struct {
	inFile       bool
	line, column int // from 1
}

func at(node *yaml.Node) position {
	return position{inFile: true, line: node.Line, column: node.Column}
}

// readPolicy reads the policy file, if the settings name one.
func (l *loader) readPolicy() {
	g := l.look(settingNamed("policy"))
	path, err := oneLine(g.value)
	if path == "" || err != nil {
		return // set reports it
	}
	l.config.PolicyFile.Path = path
	content, err := ReadFile(path, maxPolicy)
	if err != nil {
		l.unread = true
		hint := "check the path"
		if errors.Is(err, os.ErrNotExist) {
			hint = MissingFile(l.inActions())
		}
		l.fail(hint, "cannot read the policy file: %v%s", err, g.from())
		return
	}
	sum := sha256.Sum256(content)
	l.config.PolicyFile.SHA256 = hex.EncodeToString(sum[:])
	l.parsePolicy(content)
}

// MissingFile says what to do about a file that does not exist.
func MissingFile(inActions bool) string {
	if inActions {
		return "commit the file and run actions/checkout first; the action only sees files inside the workspace"
	}
	return "check the path"
}

// ReadFile reads a file of at most limit bytes.
func ReadFile(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(content)) > limit {
		err = fmt.Errorf("%s is larger than %d MiB", path, limit>>20)
	}
	return content, err
}

// parsePolicy takes the settings from the file.
func (l *loader) parsePolicy(content []byte) {
	root := l.document(content)
	if root == nil {
		l.unread = true
		return
	}
	seen, above := map[string]bool{}, ""
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, node := root.Content[i], root.Content[i+1]
		if seen[key.Value] && key.Kind == yaml.ScalarNode {
			l.failAt(at(key), "put the values of both under one", "duplicate key %s", shownKey(key))
			continue
		}
		seen[key.Value] = true
		if _, ok := policyOnly[key.Value]; ok && typeOf(node) == "null" {
			above = key.Value
		}
		l.readKey(key, node, above)
	}
}

// document returns the mapping that the one document of the file must be; nil if
// it is not.
func (l *loader) document(content []byte) *yaml.Node {
	// The library reads YAML 1.2 but rejects the directive that says so.
	content = yaml12.ReplaceAll(content, []byte("$1#$2"))
	var document, second yaml.Node
	loader, err := yaml.NewLoader(bytes.NewReader(content))
	if err == nil {
		err = loader.Load(&document)
	}
	switch {
	case err == io.EOF:
		l.failAt(position{inFile: true}, "", "the policy file is empty")
		return nil
	case err != nil:
		l.failYAML(content, err)
		return nil
	}
	switch err := loader.Load(&second); {
	case err == nil:
		l.failAt(at(&second), "", "the policy file has more than one YAML document")
	case err != io.EOF:
		l.failYAML(content, err)
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		l.failAt(at(root), oneSetting, "the policy file must be a mapping from settings to values")
		return nil
	}
	return root
}

// yaml12 matches the directive of a YAML 1.2 document.
var yaml12 = regexp.MustCompile(`(?m)^(\x{FEFF}?)%(YAML[ \t]+1\.2)\b`)

// failYAML reports an error of the YAML library. It quotes no text from the file,
// which might be a secret.
func (l *loader) failYAML(content []byte, err error) {
	var broken *yaml.LoadError
	if !errors.As(err, &broken) {
		l.failAt(position{inFile: true}, "", "invalid YAML: %v", err)
		return
	}
	mark, message, hint := broken.Mark, broken.Message, ""
	for _, known := range yamlErrors {
		if !strings.Contains(message, known.of) {
			continue
		}
		if known.atBegin && broken.ContextMark.Line > 0 {
			mark = broken.ContextMark
		}
		message, hint = known.message, known.hint
		break
	}
	if lines := bytes.SplitN(content, []byte("\n"), mark.Line+1); mark.Line > 0 && mark.Line <= len(lines) {
		line := lines[mark.Line-1]
		if indent := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]; bytes.ContainsRune(indent, '\t') {
			message, hint = "a tab in the indentation", "indent with spaces"
		}
	}
	l.failAt(position{true, mark.Line, mark.Column}, hint, "invalid YAML: %s", message)
}

// yamlErrors has our words for the library's errors, and what to do about them.
// atBegin means that the mistake is where the construct begins, not where the
// library noticed it.
var yamlErrors = []struct {
	of, message, hint string
	atBegin           bool
}{
	{"unknown anchor", "unknown anchor", needsQuotes, false},
	{"expected alphabetic or numeric", "* or & without a name after it", needsQuotes, true},
	{"cannot start any token", "a value cannot begin with this character", needsQuotes, false},
	{"tag", "unknown tag", needsQuotes, false},
	{"expected ',' or ']'", "unclosed [", "close the list with a ]", true},
	{"expected ',' or '}'", "unclosed {", "close the mapping with a }", true},
	{"unexpected end of stream", "unclosed quote", "end the value with the quote it begins with", true},
	{"could not find expected ':'", "a key without a colon", oneSetting, true},
	{"mapping values are not allowed", "a colon in the wrong place", `quote values that contain a colon and a space; start every setting in the first column`, false},
	{"did not find expected key", "neither a key nor an entry of the list above", "indent all entries of a list equally, and quote values with special characters", false},
}

const (
	needsQuotes = `quote values that begin with *, !, @, [ or %, as in "*@example.com"; indent with spaces`
	oneSetting  = "write one setting per line, as in max-removals: 10%"
)

// keyForm matches keys that are, or nearly are, a setting's name.
var keyForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,39}$`)

// shownKey returns a key fit for a message; a malformed one may be a secret.
func shownKey(key *yaml.Node) string {
	if key.Kind == yaml.ScalarNode && keyForm.MatchString(key.Value) {
		return `"` + key.Value + `"`
	}
	return "here"
}

// readKey reads a key. above is the mapping before it that has no entries, or "".
func (l *loader) readKey(key, node *yaml.Node, above string) {
	if extra, ok := policyOnly[key.Value]; ok {
		extra.read(l, node)
		return
	}
	s := settingNamed(key.Value)
	switch {
	case key.Kind != yaml.ScalarNode || s == nil:
		hint := ""
		if l.failed < maxErrors {
			hint = didYouMean("", nearestKey(key.Value))
		}
		if hint == "" && above != "" {
			hint = "indent it, if it belongs to " + above
		}
		l.failAt(at(key), hint, "unknown key %s", shownKey(key))
	case s.secret && !s.policy:
		l.hideNode(node)
		l.failAt(at(key), "set it in the environment, from a secret, and replace the credential that was in the file", "the policy file must not contain credentials: %s", s.name)
	case !s.policy:
		l.failAt(at(key), "give it as a flag, input or environment variable", "%s cannot be set in the policy file", s.name)
	default:
		l.readValue(s, node)
	}
}

// hideNode marks all text under a node as secret.
func (l *loader) hideNode(node *yaml.Node) {
	if node.Value != "" && typeOf(node) != "null" {
		l.config.secrets = append(l.config.secrets, node.Value)
	}
	for _, child := range node.Content {
		l.hideNode(child)
	}
}

// nearestKey returns the key that a misspelled one was probably meant to be.
func nearestKey(key string) string {
	names := append(settingNames(func(s *setting) bool { return s.policy }), slices.Sorted(maps.Keys(policyOnly))...)
	return nearest(strings.ToLower(strings.ReplaceAll(key, "_", "-")), names)
}
