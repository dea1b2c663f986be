package config

import (
	"errors"

	"go.yaml.in/yaml/v4"

	"xc-group-sync/internal/directory"
)

// policyOnly are the keys of the policy file that are not settings.
var policyOnly = map[string]struct {
	meaning string
	schema  map[string]any
	read    func(*loader, *yaml.Node)
}{
	"names": {
		"API names of groups, instead of those formed from the CN. A key is a DN, or `CN=…` alone for every DN with that CN.",
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
	const must, hint = "must be a mapping from API group names to lists of roles", `write one group per line, as in xc-auditors: [system/ves-io-monitor-role]`
	before := l.failed
	all := map[directory.GroupName][]directory.Role{}
	l.readMapping("roles", node, must, hint, func(key, value *yaml.Node) {
		group, ok := l.groupName("roles", key)
		switch _, twice := all[group]; {
		case !ok:
		case twice:
			l.failAt(at(key), "", "duplicate group %q in roles", group)
		default:
			all[group] = l.rolesOf(group, value)
		}
	})
	l.invalid["roles"] = l.failed > before
	l.config.Policy.Roles = all
}

// rolesOf returns the roles that a node lists for a group.
func (l *loader) rolesOf(group directory.GroupName, node *yaml.Node) []directory.Role {
	roles := []directory.Role{}
	if node.Kind != yaml.SequenceNode {
		l.failAt(at(node), "write a list, even for one role, or [] for none", "invalid roles of %q: must be a list of NAMESPACE/ROLE", group)
		return roles
	}
	given := map[directory.Role]bool{}
	for _, entry := range node.Content {
		role, err := directory.Role{}, errors.New("must be a string")
		if typeOf(entry) == "string" {
			role, err = directory.ParseRole(entry.Value)
		}
		switch {
		case err != nil:
			l.failAt(at(entry), "", "invalid role %.100q of %q: %v", entry.Value, group, err)
		case given[role]:
			l.failAt(at(entry), "", "duplicate role %q of %q", role, group)
		default:
			given[role] = true
			roles = append(roles, role)
		}
	}
	return roles
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
		l.failAt(at(node), "", "invalid group name %.100q in %s: must consist of letters from a to z, digits and -, begin with a letter, not end with -, and have at most 63 characters", node.Value, in)
		return "", false
	}
	return group, true
}
