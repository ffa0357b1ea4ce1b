// Package command is the command line of restante: its flags, one file per
// command, the listeners, and the admin socket through which the commands reach
// a relay that runs.
//
// [Main] finds the command in its table and gives it an [Env]. Everything that
// can be configured is one row of the settings table in config.go: the flag,
// its environment variable, its unit, its default and its help are all read
// from there, and so is the table in the README, which a test compares.
//
// The package knows files, sockets and words. What is served, and in which
// order it starts and stops, is told by main.go, which passes itself in as a
// [Program].
package command
