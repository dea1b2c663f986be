package repotest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"xc-group-sync/internal/cli"
	"xc-group-sync/internal/config"
	"xc-group-sync/internal/run"
)

// settingsPage has a table per topic.
func settingsPage() string {
	var b strings.Builder
	for _, s := range config.Settings() {
		if s.Topic != "" {
			fmt.Fprintf(&b, "\n## %s\n\n| setting | value | default | policy | older variables | meaning |\n|---|---|---|---|---|---|\n", s.Topic)
		}
		form, policy := s.Form, ""
		if form == "" {
			form = "true|false"
		}
		if s.Policy {
			policy = "✔"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", s.Name, code(strings.Split(form, "|")...), code(s.Default), policy, code(s.Env...), s.Meaning)
	}
	b.WriteString("\n## Keys of the policy file only\n\n| key | meaning |\n|---|---|\n")
	keys := config.PolicyOnly()
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", key, keys[key])
	}
	return b.String()
}

func code(values ...string) string {
	var quoted []string
	for _, value := range values {
		if value != "" {
			quoted = append(quoted, "`"+value+"`")
		}
	}
	return strings.Join(quoted, ", ")
}

// guardTable has the settings that stop a run, or bound it. Those that do the same
// share a row.
func guardTable() string {
	var rows []string
	names := map[string][]string{} // by what they do
	for _, s := range config.Settings() {
		if s.Guard == "" {
			continue
		}
		if names[s.Guard] == nil {
			rows = append(rows, s.Guard)
		}
		names[s.Guard] = append(names[s.Guard], s.Name)
	}
	var b strings.Builder
	b.WriteString("| guard | effect |\n|---|---|\n")
	for _, effect := range rows {
		fmt.Fprintf(&b, "| %s | %s |\n", code(names[effect]...), effect)
	}
	return b.String()
}

// actionInterface has the inputs and outputs of action.yml. Except for the token the
// inputs have no defaults there: an input that is given would hide an environment
// variable, the policy file or the retry profile.
func actionInterface() string {
	var b strings.Builder
	b.WriteString("inputs:\n")
	for _, s := range config.Settings() {
		if !s.Action {
			continue
		}
		fmt.Fprintf(&b, "  %s:\n    description: '%s'\n    required: %v\n", s.Name, strings.ReplaceAll(s.Text, "'", "''"), s.Name == "csv")
		if s.Input != "" {
			fmt.Fprintf(&b, "    default: %s\n", s.Input)
		}
	}
	b.WriteString("\noutputs:\n")
	for _, output := range cli.Outputs() {
		fmt.Fprintf(&b, "  %s:\n    description: '%s'\n", output.Name, strings.ReplaceAll(output.Meaning, "`", ""))
	}
	return b.String()
}

func outputTable() string {
	var b strings.Builder
	b.WriteString("| output | meaning |\n|---|---|\n")
	for _, output := range cli.Outputs() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", output.Name, output.Meaning)
	}
	return b.String()
}

// exitCodes renders the exit codes for the README.
func exitCodes() string {
	var b strings.Builder
	b.WriteString("| code | meaning |\n|--:|---|\n")
	for _, code := range run.Codes() {
		fmt.Fprintf(&b, "| %d | %s |\n", code, code.Meaning())
	}
	fmt.Fprintf(&b, "\nIf several apply, the program exits with the first in this order: %s.\n", inOrder(run.Gravity()))
	return b.String()
}
