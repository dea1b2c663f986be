package config

// The commands that have settings.
const (
	Sync    = "sync"
	Plan    = "plan" // Sync with dry-run
	Restore = "restore"
)

// Command is a command of the program as help shows it.
type Command struct{ Name, Args, Meaning string }

// Commands returns all of them, in the order of the documentation.
func Commands() []Command {
	return []Command{
		{Sync, "", "plan the changes and apply them"},
		{Plan, "", "the same as sync --dry-run"},
		{Restore, "", "go back to a snapshot that a sync saved"},
		{"completion", "bash|zsh|fish", "print shell completion"},
		{"version", "", "print the version"},
		{"help", "", "print help; COMMAND --help shows that command's settings"},
	}
}

// hasSettings reports whether a command takes flags.
func hasSettings(command string) bool {
	return command == Sync || command == Plan || command == Restore
}

// tableName is the name by which the table knows a command.
func tableName(command string) string {
	if command == Plan {
		return Sync
	}
	return command
}
