package command

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// A setting is one row of what can be configured.
type setting struct {
	name  string // the flag, without dashes
	unit  string // what kind of value it takes, for the help
	def   string // the default, as one would write it
	about string
	many  bool // may be repeated
	bare  bool // takes no value
	local bool // of one command, and not in the environment
	set   func(c *Config, value string) error
	clear func(c *Config)
}

// one is a setting with one value.
func one[T any](name, unit, def, about string, parse func(string) (T, error), at func(*Config) *T) setting {
	return setting{name: name, unit: unit, def: def, about: about, clear: func(*Config) {},
		set: func(c *Config, s string) error {
			v, err := parse(s)
			if err == nil {
				*at(c) = v
			}
			return err
		}}
}

// many is a setting that may be repeated.
func many[T any](name, unit, def, about string, parse func(string) (T, error), at func(*Config) *[]T) setting {
	return setting{name: name, unit: unit, def: def, about: about, many: true, clear: func(c *Config) { *at(c) = nil },
		set: func(c *Config, s string) error {
			v, err := parse(s)
			if err == nil {
				*at(c) = append(*at(c), v)
			}
			return err
		}}
}

// bare is a flag without a value, of one command.
func bare(name, about string, at func(*Config) *bool) setting {
	return setting{name: name, about: about, bare: true, local: true, clear: func(*Config) {},
		set: func(c *Config, _ string) error { *at(c) = true; return nil }}
}

// local makes a setting one of a single command's.
func local(s setting) setting { s.local = true; return s }

// env returns the name of the setting's environment variable.
func (s setting) env() string {
	return "RESTANTE_" + strings.ToUpper(strings.ReplaceAll(s.name, "-", "_"))
}

// apply sets the setting from the flags given, else from the environment, else
// to its default.
func (s setting) apply(c *Config, given []string, getenv func(string) string) error {
	source, values := "--"+s.name, given
	if len(given) == 0 && !s.local {
		source = s.env()
		values = s.split(getenv(source))
	}
	if len(values) == 0 {
		source, values = "--"+s.name, s.split(s.def)
	}
	s.clear(c)
	for _, v := range values {
		if err := s.set(c, v); err != nil {
			return usageError{fmt.Sprintf("%s: %q is %v", source, v, err)}
		}
	}
	return nil
}

// split takes apart what the environment or the table says: at commas where
// several values are possible, and nothing is no value.
func (s setting) split(text string) (values []string) {
	if text == "" {
		return nil
	}
	if !s.many {
		return []string{text}
	}
	for _, v := range strings.Split(text, ",") {
		if v = strings.TrimSpace(v); v != "" {
			values = append(values, v)
		}
	}
	return values
}

// A usageError is a mistake in how the program was called.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// errHelp is what parse returns when help was asked for.
var errHelp = errors.New("help")

// parse reads a command's arguments into c and returns those that are no flags,
// which may stand before, between and after them.
func parse(c *Config, table []setting, args []string, getenv func(string) string) (rest []string, err error) {
	given := map[string][]string{}
	flags := flag.NewFlagSet("restante", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	for _, s := range table {
		take := func(v string) error {
			if len(given[s.name]) > 0 && !s.many {
				return errors.New("given twice")
			}
			given[s.name] = append(given[s.name], v)
			return nil
		}
		if s.bare {
			flags.BoolFunc(s.name, s.about, take)
		} else {
			flags.Func(s.name, s.about, take)
		}
	}
	for len(args) > 0 {
		if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
			return nil, errHelp
		} else if err != nil {
			return nil, usageError{err.Error()}
		}
		if args = flags.Args(); len(args) > 0 {
			rest, args = append(rest, args[0]), args[1:]
		}
	}
	for _, s := range table {
		if err := s.apply(c, given[s.name], getenv); err != nil {
			return nil, err
		}
	}
	return rest, nil
}
