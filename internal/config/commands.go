package config

// The commands that have settings.
const (
	Sync    = "sync"
	Plan    = "plan" // Sync with dry-run
	Restore = "restore"
	Export  = "export"
	Explain = "explain"
	Doctor  = "doctor"
)

// Which commands have a setting, if not all do.
var (
	applying  = []string{Sync, Plan, Restore}                  // carry out a plan, or would
	reporting = []string{Sync, Plan, Restore, Doctor}          // write a report and a job summary
	planning  = []string{Sync, Plan, Restore, Explain, Doctor} // make a plan
	desiring  = []string{Sync, Plan, Explain, Doctor}          // make one from a CSV
)

// Command is a command of the program as help shows it.
type Command struct{ Name, Args, Meaning string }

// Commands returns all of them, in the order of the documentation.
func Commands() []Command {
	return []Command{
		{Sync, "", "plan the changes and apply them"},
		{Plan, "", "the same as sync --dry-run"},
		{Restore, "", "go back to a snapshot that a sync saved"},
		{Export, "", "write the tenant's groups as a CSV and a policy file"},
		{Explain, "", "say why people are, or are not, in each group; changes nothing"},
		{Doctor, "", "check credentials, connectivity and permissions; sends only GETs"},
		{"completion", "bash|zsh|fish", "print shell completion"},
		{"version", "", "print the version"},
		{"help", "[COMMAND]", "print help, or that command's settings"},
	}
}

// commandNames returns the names of all commands.
func commandNames() (names []string) {
	for _, command := range Commands() {
		names = append(names, command.Name)
	}
	return names
}
