package cli

// QuitAfter is how Main ends a run that does not end after a signal.
var QuitAfter = quitAfter
