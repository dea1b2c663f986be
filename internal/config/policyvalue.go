package config

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// readValue records the value of a setting, if it has the right type.
func (l *loader) readValue(s *setting, node *yaml.Node) {
	g := given{origin: byPolicy, at: at(node)}
	switch {
	case node.Kind == yaml.SequenceNode && s.isList:
		var entries []string
		for _, entry := range node.Content {
			switch {
			case !l.isOf(s, entry):
				return
			case strings.TrimSpace(entry.Value) == "":
				l.failInvalid(s, entry, "", "must not be empty")
				return
			case strings.ContainsAny(entry.Value, "\r\n"):
				l.failInvalid(s, entry, "", "must be one value per entry")
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
		l.failAt(g.at, "", "the policy file must not contain credentials: %s has a login", s.name)
		return
	}
	l.policy[s.name] = g
}

// isOf reports whether a node is a single value of a type that the setting takes,
// and adds an error if it is not.
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
	l.failInvalid(s, node, hint, "must be "+s.typeNames())
	return false
}

func (l *loader) failInvalid(s *setting, node *yaml.Node, hint, must string) {
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

// typeNames returns what a value must be.
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
