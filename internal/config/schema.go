package config

import (
	"encoding/json"
	"maps"
	"strconv"
)

// Schema returns the JSON schema of the policy file, for editors. It is of draft
// 7, the newest that all of them read.
func Schema() string {
	properties := map[string]any{}
	for _, s := range settings {
		if s.policy {
			properties[s.name] = s.schema()
		}
	}
	for name, key := range policyOnly {
		property := maps.Clone(key.schema)
		property["description"] = unmarked(key.meaning)
		properties[name] = property
	}
	document, _ := json.MarshalIndent(map[string]any{
		"$schema":              "http://json-schema.org/draft-07/schema#",
		"title":                "xc-group-sync policy file",
		"description":          "What a sync may do in one tenant.",
		"type":                 "object",
		"additionalProperties": false,
		"properties":           properties,
	}, "", "  ") // no error: the values are strings, numbers, lists and maps
	return string(document) + "\n"
}

func (s *setting) schema() map[string]any {
	property := map[string]any{"description": unmarked(s.meaning), "type": s.types}
	maps.Copy(property, s.limits)
	if len(s.types) == 1 {
		property["type"] = s.types[0]
	}
	if s.isList {
		property["type"] = []string{"array", "string"}
		property["items"] = map[string]any{"type": "string", "minLength": 1}
	}
	switch number, err := strconv.ParseFloat(s.byDefault, 64); {
	case s.byDefault == "":
	case s.isBool():
		property["default"] = s.byDefault == "true"
	case err == nil:
		property["default"] = number
	default:
		property["default"] = s.byDefault
	}
	return property
}
