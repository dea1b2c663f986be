package cli

// QuitAfter is what Main ends a run by that does not end after a signal.
var QuitAfter = quitAfter
