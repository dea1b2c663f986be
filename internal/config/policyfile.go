package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"xc-group-sync/internal/directory"
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

// policyOnly are the keys of the policy file that are no settings.
var policyOnly = map[string]struct {
	meaning string
	schema  map[string]any
	read    func(*loader, *yaml.Node)
}{
	"names": {
		"API names of groups, instead of those formed from the CN: from a DN, or `CN=…` alone for every DN with that CN.",
		map[string]any{"type": "object", "propertyNames": map[string]any{"pattern": "="}, "additionalProperties": map[string]any{"type": "string", "pattern": "^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$"}},
		(*loader).readNames,
	},
	"roles": {
		"Roles that groups should have, as `NAMESPACE/ROLE`; `*` is all namespaces. A group gets those it lacks, and with `enforce-roles` loses those that are not listed. Groups that are not listed keep theirs.",
		map[string]any{"type": "object", "propertyNames": map[string]any{"pattern": "^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$"}, "additionalProperties": map[string]any{
			"type": "array", "uniqueItems": true, "items": map[string]any{"type": "string", "pattern": `^(\*|[a-z0-9]([a-z0-9-]*[a-z0-9])?)/[a-z0-9]([a-z0-9-]*[a-z0-9])?$`},
		}},
		(*loader).readRoles,
	},
}

// readPolicy reads the policy file, if the settings name one.
func (l *loader) readPolicy() {
	g := l.look(settingNamed("policy"))
	path, err := oneLine(g.value)
	if path == "" || err != nil {
		return // set reports it
	}
	l.config.PolicyFile.Path = path
	content, err := readFile(path)
	if err != nil {
		l.unread = true
		hint := "check the path"
		if errors.Is(err, os.ErrNotExist) && l.inActions() {
			hint = "commit the file and run actions/checkout first; the action only sees files inside the workspace"
		}
		l.fail(hint, "cannot read the policy file: %v%s", err, g.from())
		return
	}
	sum := sha256.Sum256(content)
	l.config.PolicyFile.SHA256 = hex.EncodeToString(sum[:])
	l.parsePolicy(content)
}

// readFile reads a file of at most maxPolicy bytes.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(file, maxPolicy+1))
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	if len(content) > maxPolicy {
		return nil, fmt.Errorf("%s is larger than 1 MiB", path)
	}
	return content, nil
}

// parsePolicy takes the settings from the one document that the file must be.
func (l *loader) parsePolicy(content []byte) {
	var document, second yaml.Node
	// The library reads YAML 1.2 but rejects the directive that says so.
	content = yaml12.ReplaceAll(content, []byte("$1#$2"))
	loader, err := yaml.NewLoader(bytes.NewReader(content))
	if err == nil {
		err = loader.Load(&document)
	}
	switch {
	case err == io.EOF:
		l.unread = true
		l.failAt(position{inFile: true}, "", "the policy file is empty")
		return
	case err != nil:
		l.failYAML(content, err)
		return
	}
	switch err := loader.Load(&second); {
	case err == nil:
		l.failAt(at(&second), "", "the policy file has more than one YAML document")
	case err != io.EOF:
		l.failYAML(content, err)
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		l.unread = true
		l.failAt(at(root), oneSetting, "the policy file must be a mapping from settings to values")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, node := root.Content[i], root.Content[i+1]
		if seen[key.Value] && key.Kind == yaml.ScalarNode {
			l.failAt(at(key), "", "duplicate key %s", shownKey(key))
			continue
		}
		seen[key.Value] = true
		l.readKey(key, node)
	}
}

// yaml12 matches the directive of a YAML 1.2 document.
var yaml12 = regexp.MustCompile(`(?m)^(\x{FEFF}?)%(YAML[ \t]+1\.2)\b`)

// failYAML reports an error of the YAML library. It names no text of the file,
// which might be a secret.
func (l *loader) failYAML(content []byte, err error) {
	l.unread = true
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
			message, hint = "a tab in the indentation", "indent with blanks"
		}
	}
	l.failAt(position{true, mark.Line, mark.Column}, hint, "invalid YAML: %s", message)
}

// yamlErrors say in other words what the library finds, and what to do about it.
// atBegin means that the mistake is where the construct begins, not where the
// library noticed.
var yamlErrors = []struct {
	of, message, hint string
	atBegin           bool
}{
	{"unknown anchor", "unknown anchor", needsQuotes, false},
	{"expected alphabetic or numeric", "* or & without a name after it", needsQuotes, true},
	{"cannot start any token", "a value cannot begin with this character", needsQuotes, false},
	{"tag", "unknown tag", needsQuotes, false},
	{"expected ',' or ']'", "[ without its ]", "close the list with a ]", true},
	{"expected ',' or '}'", "{ without its }", "close the mapping with a }", true},
	{"unexpected end of stream", "a quote that is not closed", "end the value with the quote that it begins with", true},
	{"could not find expected ':'", "a key without a colon", oneSetting, true},
	{"mapping values are not allowed", "a colon in the wrong place", `quote values that contain a colon and a blank; begin every setting in the first column`, false},
	{"did not find expected key", "neither a key nor an entry of the list above", "indent the entries of a list alike, and quote values with special characters", false},
}

const (
	needsQuotes = `quote values that begin with *, !, @, [ or %, as in "*@example.com"; indent with blanks`
	oneSetting  = "write one setting per line, as in max-removals: 10%"
)

// keyForm is what a key looks like that is a setting's name, or nearly.
var keyForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,39}$`)

// shownKey returns a key fit for a message; a malformed one may be a secret.
func shownKey(key *yaml.Node) string {
	if key.Kind == yaml.ScalarNode && keyForm.MatchString(key.Value) {
		return `"` + key.Value + `"`
	}
	return "here"
}

func (l *loader) readKey(key, node *yaml.Node) {
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
		l.failAt(at(key), hint, "unknown key %s", shownKey(key))
	case s.secret && !s.policy:
		l.hideNode(node)
		l.failAt(at(key), "give it by the environment, from a secret, and replace the one that was in the file", "the policy file must not hold credentials: %s", s.name)
	case !s.policy:
		l.failAt(at(key), "give it as a flag, input or environment variable", "%s cannot be set in the policy file", s.name)
	default:
		l.readValue(s, node)
	}
}

// hideNode notes that all text under a node is secret.
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
	key = strings.ToLower(strings.ReplaceAll(key, "_", "-"))
	for name := range policyOnly {
		if strings.TrimSuffix(key, "s") == strings.TrimSuffix(name, "s") {
			return name
		}
	}
	return nearest(key, settingNames(func(s *setting) bool { return s.policy }))
}

// readValue notes the value of a setting, if it is of the right type.
func (l *loader) readValue(s *setting, node *yaml.Node) {
	g := given{origin: byPolicy, source: l.config.PolicyFile.Path, at: at(node)}
	switch {
	case node.Kind == yaml.SequenceNode && s.isList:
		var entries []string
		for _, entry := range node.Content {
			if !l.isOf(s, entry) {
				return
			}
			if strings.TrimSpace(entry.Value) == "" {
				l.failInvalid(s, entry, "must not be empty")
				return
			}
			if strings.ContainsAny(entry.Value, "\r\n") {
				l.failInvalid(s, entry, "must be one value per entry")
				return
			}
			entries = append(entries, entry.Value)
			g.each = append(g.each, at(entry))
		}
		g.value = strings.Join(entries, "\n")
	case node.Kind == yaml.ScalarNode && node.Tag == "!!null":
	case l.isOf(s, node):
		g.value = node.Value
		for i := range strings.Count(node.Value, "\n") + 1 {
			place := at(node)
			if node.Style&yaml.LiteralStyle != 0 {
				place = position{true, node.Line + 1 + i, 1}
			}
			g.each = append(g.each, place)
		}
	default:
		return
	}
	if s.secretIn != nil && len(s.secretIn(g.value)) > 0 {
		l.config.hide(s, g.value)
		l.invalid[s.name] = true
		l.failAt(g.at, "", "the policy file must not hold credentials: %s has a login", s.name)
		return
	}
	if strings.TrimSpace(g.value) == "" {
		l.empty = append(l.empty, s.name)
	}
	l.policy[s.name] = g
}

// isOf reports whether a node is a single value of a type that the setting
// takes, and says so if it is not.
func (l *loader) isOf(s *setting, node *yaml.Node) bool {
	kind, hint := typeOf(node), ""
	if slices.Contains(s.types, kind) || kind == "integer" && slices.Contains(s.types, "number") {
		return true
	}
	switch {
	case kind == "alias":
		hint = "YAML aliases are not supported"
	case kind == "tag":
		hint = needsQuotes
	case slices.Contains(s.types, "string") && node.Kind == yaml.ScalarNode:
		hint = fmt.Sprintf(`quote it: "%.80s"`, node.Value)
	}
	l.failHint(s, node, hint, "must be "+s.typeNames())
	return false
}

func (l *loader) failInvalid(s *setting, node *yaml.Node, must string) { l.failHint(s, node, "", must) }

func (l *loader) failHint(s *setting, node *yaml.Node, hint, must string) {
	l.invalid[s.name] = true
	shown := ""
	if node.Kind == yaml.ScalarNode {
		shown = s.shown(node.Value)
	}
	l.failAt(at(node), hint, "invalid %s%s: %s", s.name, shown, must)
}

// typeOf returns the JSON type of a node, or what it is instead of one. Values
// are typed as YAML 1.2 does; a date is a string there.
func typeOf(node *yaml.Node) string {
	switch node.Kind {
	case yaml.AliasNode:
		return "alias"
	case yaml.SequenceNode:
		return "array"
	case yaml.MappingNode:
		return "object"
	}
	switch node.Tag {
	case "!!str", "!!timestamp", "!!merge":
		return "string"
	case "!!bool":
		return "boolean"
	case "!!int":
		return "integer"
	case "!!float":
		return "number"
	case "!!null":
		return "null"
	}
	return "tag"
}

// typeNames says what a value must be.
func (s *setting) typeNames() string {
	names := map[string]string{"boolean": "true or false", "integer": "a whole number", "number": "a number", "string": "a string"}
	var parts []string
	for _, kind := range s.types {
		parts = append(parts, names[kind])
	}
	switch {
	case s.isList:
		return "a list of strings, or a string with one value per line"
	case s.limits["enum"] != nil:
		return "one of " + strings.Join(s.choices(), ", ")
	}
	return strings.Join(parts, " or ")
}

// readNames reads the key names.
func (l *loader) readNames(node *yaml.Node) {
	const must, hint = "must be a mapping from DNs to API group names", `write one name per line, as in "CN=APP_ADMINS": xc-admins`
	names := new(directory.Names)
	l.config.Roster.Names = names
	l.readMapping("names", node, must, hint, func(key, value *yaml.Node) {
		if typeOf(value) != "string" {
			l.failAt(at(key), "", "invalid names: %s", must)
			return
		}
		dn, err := directory.ParseAnyDN(key.Value)
		if err != nil {
			l.failAt(at(key), "", "names: %v", err)
			return
		}
		group, ok := l.groupName("names", value)
		if ok && !names.Map(dn, group) {
			l.failAt(at(key), "", "duplicate DN %.100q in names", dn)
		}
	})
}

// readRoles reads the key roles.
func (l *loader) readRoles(node *yaml.Node) {
	const must, hint = "must be a mapping from API group names to lists of roles", `write one group per line, as in xc-admins: ["*/ves-io-admin-role"]`
	before := l.failed
	all := map[directory.GroupName][]directory.Role{}
	l.readMapping("roles", node, must, hint, func(key, value *yaml.Node) {
		group, ok := l.groupName("roles", key)
		if !ok {
			return
		}
		if _, twice := all[group]; twice {
			l.failAt(at(key), "", "duplicate group %q in roles", group)
			return
		}
		all[group] = []directory.Role{}
		given := map[directory.Role]bool{}
		if value.Kind != yaml.SequenceNode {
			l.failAt(at(value), "write a list, also of one role or none: []", "invalid roles of %q: must be a list of NAMESPACE/ROLE", group)
			return
		}
		for _, entry := range value.Content {
			role, err := directory.Role{}, errors.New("must be a string")
			if entry.Kind == yaml.ScalarNode && typeOf(entry) == "string" {
				role, err = directory.ParseRole(entry.Value)
			}
			switch {
			case err != nil:
				l.failAt(at(entry), "", "invalid role %.100q of %q: %v", entry.Value, group, err)
			case given[role]:
				l.failAt(at(entry), "", "duplicate role %q of %q", role, group)
			default:
				given[role] = true
				all[group] = append(all[group], role)
			}
		}
	})
	l.invalid["roles"] = l.failed > before
	l.config.Policy.Roles = all
}

// readMapping calls each for every entry of a mapping whose keys are scalars.
func (l *loader) readMapping(name string, node *yaml.Node, must, hint string, each func(key, value *yaml.Node)) {
	if node.Kind == yaml.ScalarNode && node.Tag == "!!null" {
		return
	}
	if node.Kind != yaml.MappingNode {
		l.failAt(at(node), hint, "invalid %s: %s", name, must)
		return
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			l.failAt(at(key), "", "invalid %s: %s", name, must)
			continue
		}
		each(key, value)
	}
}

// groupName returns the API group name that a node of a key's value holds.
func (l *loader) groupName(in string, node *yaml.Node) (directory.GroupName, bool) {
	group, err := directory.NewGroupName(node.Value)
	if err != nil || string(group) != node.Value {
		l.failAt(at(node), "", "invalid group name %.100q in %s: must be letters from a to z, digits and -, begin with a letter, not end with -, and have at most 63 characters", node.Value, in)
		return "", false
	}
	return group, true
}
