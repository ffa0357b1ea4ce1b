package command

import (
	"io"
	"os"

	"github.com/rs/zerolog"
)

// newLog returns the log: for people on a terminal, JSON lines elsewhere.
// Nothing that names a user, a message or an address is ever given to it.
func (c Config) newLog(w io.Writer) zerolog.Logger {
	if isTerminal(w) {
		w = zerolog.ConsoleWriter{Out: w, TimeFormat: "15:04:05"}
	}
	level, err := zerolog.ParseLevel(c.LogLevel)
	if err != nil {
		level = zerolog.Disabled // off: the one word of ours that zerolog does not know
	}
	return zerolog.New(w).Level(level).With().Timestamp().Logger()
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
