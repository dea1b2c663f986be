package config

import (
	"errors"
	"fmt"
	"strings"
)

// Completion returns the completion script for a shell: bash, zsh or fish.
func Completion(shell string) (string, error) {
	switch shell {
	case "bash":
		return bashCompletion(), nil
	case "zsh":
		return zshCompletion(), nil
	case "fish":
		return fishCompletion(), nil
	}
	return "", errors.New("must be bash, zsh or fish")
}

// completed calls each for every flag of every command that has settings.
func completed(each func(command string, s *setting)) {
	for _, command := range []string{Sync, Plan, Restore, Export, Explain, Doctor} {
		for _, s := range settings {
			if s.of(command) {
				each(command, s)
			}
		}
	}
}

// completion returns what completes the setting's value: a format for the words that
// it may be, else what is for files, or for anything.
func (s *setting) completion(words, files, anything string) string {
	switch choices := s.choices(); {
	case choices != nil:
		return fmt.Sprintf(words, strings.Join(choices, " "))
	case s.form == "FILE":
		return files
	}
	return anything
}

// short returns the first sentence about a setting.
func (s *setting) short() string {
	text, _, _ := strings.Cut(unmarked(s.meaning), ". ")
	return strings.TrimSuffix(text, ".")
}

// What ends a text in a description, and how it is written there instead.
var (
	inZsh  = strings.NewReplacer("'", "’", `\`, `\\`, "[", `\[`, "]", `\]`, ":", `\:`)
	inFish = strings.NewReplacer(`\`, `\\`, "'", `\'`)
)

func bashCompletion() string {
	flags := map[string]string{}
	completed(func(command string, s *setting) { flags[command] += "--" + s.name + " " })
	var b strings.Builder
	b.WriteString("# bash completion for xc-group-sync: source <(xc-group-sync completion bash)\n" +
		// A directory gets a slash and no blank (bash 4 or newer), a name with a blank is one word.
		"_xc_group_sync_files() {\n  local name\n  compopt -o filenames 2>/dev/null || :\n" +
		"  while IFS= read -r name; do COMPREPLY+=(\"$name\"); done < <(compgen -f -- \"$1\")\n}\n" +
		"_xc_group_sync() {\n  COMPREPLY=()\n" +
		"  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n" +
		"  if [[ $word == = ]]; then word=; elif [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi\n")
	fmt.Fprintf(&b, "  if ((COMP_CWORD == 1)) || [[ $COMP_CWORD == 2 && ${COMP_WORDS[1]} == help ]]; then COMPREPLY=($(compgen -W '%s' -- \"$word\")); return; fi\n", strings.Join(commandNames(), " "))
	b.WriteString("  case $before in\n    completion) COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$word\")); return ;;\n")
	for _, s := range settings {
		if !s.isBool() {
			fmt.Fprintf(&b, "    --%s) %s; return ;;\n", s.name, s.completion("COMPREPLY=($(compgen -W '%s' -- \"$word\"))", "_xc_group_sync_files \"$word\"", ":"))
		}
	}
	b.WriteString("  esac\n  case ${COMP_WORDS[1]} in\n")
	for _, command := range Commands() {
		if flags[command.Name] != "" {
			fmt.Fprintf(&b, "    %s) COMPREPLY=($(compgen -W '%s--help' -- \"$word\")) ;;\n", command.Name, flags[command.Name])
		}
	}
	b.WriteString("  esac\n}\ncomplete -F _xc_group_sync xc-group-sync\n")
	return b.String()
}

func zshCompletion() string {
	var b strings.Builder
	b.WriteString("#compdef xc-group-sync\n# zsh completion for xc-group-sync: source <(xc-group-sync completion zsh)\n_xc_group_sync() {\n" +
		"  if ((CURRENT == 2)); then\n    local -a commands=(\n")
	for _, command := range Commands() {
		fmt.Fprintf(&b, "      '%s:%s'\n", command.Name, inZsh.Replace(command.Meaning))
	}
	b.WriteString("    )\n    _describe command commands\n    return\n  fi\n  local command=${words[2]}\n  shift words\n  ((CURRENT--))\n  case $command in\n" +
		"    completion) _arguments '1:shell:(bash zsh fish)' ;;\n" +
		"    help) _arguments '1:command:(" + strings.Join(commandNames(), " ") + ")' ;;\n")
	before := ""
	completed(func(command string, s *setting) {
		if command != before {
			if before != "" {
				b.WriteString(" ;;\n")
			}
			fmt.Fprintf(&b, "    %s) _arguments '--help[show the settings]'", command)
			before = command
		}
		name, value := "--"+s.name, ""
		if s.isList {
			name = "*" + name // repeatable
		}
		if !s.isBool() {
			name += "=" // or the next word
			value = s.completion(":"+s.name+":(%s)", ":file:_files", ":"+s.name+": ")
		}
		fmt.Fprintf(&b, " \\\n      '%s[%s]%s'", name, inZsh.Replace(s.short()), value)
	})
	b.WriteString(" ;;\n  esac\n}\nif [[ $funcstack[1] == _xc_group_sync ]]; then _xc_group_sync \"$@\"; else compdef _xc_group_sync xc-group-sync; fi\n")
	return b.String()
}

func fishCompletion() string {
	var b strings.Builder
	b.WriteString("# fish completion for xc-group-sync: xc-group-sync completion fish | source\ncomplete -c xc-group-sync -f\n")
	for _, command := range Commands() {
		fmt.Fprintf(&b, "complete -c xc-group-sync -n __fish_use_subcommand -a %s -d '%s'\n", command.Name, inFish.Replace(command.Meaning))
	}
	b.WriteString("complete -c xc-group-sync -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'\n" +
		"complete -c xc-group-sync -n '__fish_seen_subcommand_from help' -a '" + strings.Join(commandNames(), " ") + "'\n")
	completed(func(command string, s *setting) {
		value := ""
		if !s.isBool() {
			value = s.completion(" -x -a '%s'", " -r -F", " -x")
		}
		fmt.Fprintf(&b, "complete -c xc-group-sync -n '__fish_seen_subcommand_from %s' -l %s -d '%s'%s\n", command, s.name, inFish.Replace(s.short()), value)
	})
	return b.String()
}
