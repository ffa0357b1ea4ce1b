package wiretest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A story is a parsed transcript.
type story struct {
	settings []setting
	steps    []step
}

// A setting is one key=value of a directive.
type setting struct{ line, key, value string }

// A step is one line of a story, and what it asks of the player.
type step struct {
	at     string // file:line
	kind   kind
	client string

	method, path string   // request, connect
	headers      []header // request, connect, answer
	status       int      // answer, closed
	body         body     // request, answer, message, frame
	reason       *string  // closed
	words        []string // advance, rise, set
}

// A kind of step.
type kind string

const (
	request kind = "request" // alice> POST /path
	answer  kind = "answer"  // alice< 200
	connect kind = "connect" // alice+ /ws
	message kind = "message" // alice> {...}
	frame   kind = "frame"   // alice< {...}
	silence kind = "silence" // alice!
	leave   kind = "leave"   // alice-
	closed  kind = "closed"  // alice< closed 4001
	advance kind = "advance" // ! advance 1h
	rise    kind = "rise"    // ! $a < $b
	set     kind = "set"     // ! $a = 1
	invited kind = "invited" // ! $a = invite
	coded   kind = "coded"   // ! $a = code password
	done    kind = "done"    // ! $a = deed word ...
)

type header struct{ name, value string }

// A body is what follows the headers.
type body struct {
	form form
	text string
}

// A form says how a body is written.
type form string

const (
	none    form = "none"  // nothing there
	plain   form = "plain" // as it stands: JSON, or what only looks like it
	text    form = "text"  // text "..."
	bytes_  form = "bytes" // bytes "..."
	event   form = "event" // event name {...}: of Socket.IO, text is its packet's array
	empty   form = "empty"
	anybody form = "_"
)

var (
	clientLine  = regexp.MustCompile(`^([a-z][a-z0-9]*)([><+!-])\s*`)
	requestLine = regexp.MustCompile(`^([A-Z]+)\s+(/\S*)\s*`)
	statusLine  = regexp.MustCompile(`^(\d{3})(?:\s+|$)`)
	closedLine  = regexp.MustCompile(`^closed\s+(\d{4})\s*`)
	eventLine   = regexp.MustCompile(`(?s)^event\s+([a-z_]+)\s+(.+)$`)
	headerField = regexp.MustCompile(`^\[([A-Za-z][A-Za-z0-9-]*): *([^\]]*)\]\s*`)
)

// parse reads the transcript in src; name is for messages.
func parse(name, src string) (*story, error) {
	st := &story{}
	lines := strings.Split(src, "\n")
	for i := 0; i < len(lines); i++ {
		at := fmt.Sprintf("%s:%d", name, i+1)
		text := strings.TrimRight(lines[i], " \t\r")
		if text == "" || text[0] == '#' {
			continue
		}
		for i+1 < len(lines) && continues(lines[i+1]) {
			i++
			text += "\n" + strings.TrimSpace(lines[i])
		}
		if err := st.line(at, text); err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
	}
	return st, nil
}

func continues(line string) bool {
	return strings.TrimSpace(line) != "" && (line[0] == ' ' || line[0] == '\t')
}

// line adds one line, with its continuations.
func (st *story) line(at, text string) error {
	if rest, ok := strings.CutPrefix(text, "!"); ok {
		return st.directive(at, strings.Fields(rest))
	}
	m := clientLine.FindStringSubmatch(text)
	if m == nil {
		return fmt.Errorf("want a client's name and one of > < + - !, got %q", firstLine(text))
	}
	s := step{at: at, client: m[1]}
	if err := s.parse(m[2], text[len(m[0]):]); err != nil {
		return err
	}
	st.steps = append(st.steps, s)
	return nil
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// directive adds a line that begins with an exclamation mark.
func (st *story) directive(at string, words []string) error {
	switch {
	case len(words) == 2 && words[0] == "advance":
		st.steps = append(st.steps, step{at: at, kind: advance, words: words[1:]})
	case len(words) >= 3 && words[1] == "<":
		st.steps = append(st.steps, step{at: at, kind: rise, words: words})
	case len(words) == 3 && words[1] == "=" && strings.HasPrefix(words[0], "$"):
		s := step{at: at, kind: set, words: words}
		if words[2] == "invite" {
			s.kind = invited
		}
		st.steps = append(st.steps, s)
	case len(words) == 4 && words[1] == "=" && words[2] == "code" && strings.HasPrefix(words[0], "$"):
		st.steps = append(st.steps, step{at: at, kind: coded, words: words})
	case len(words) >= 4 && words[1] == "=" && strings.HasPrefix(words[0], "$"):
		st.steps = append(st.steps, step{at: at, kind: done, words: words})
	case len(words) > 0 && strings.Contains(words[0], "="):
		if len(st.steps) > 0 {
			return fmt.Errorf("settings come before the first client")
		}
		for _, w := range words {
			k, v, _ := strings.Cut(w, "=")
			st.settings = append(st.settings, setting{at, k, v})
		}
	default:
		return fmt.Errorf("no such directive: %q", strings.Join(words, " "))
	}
	return nil
}

// parse reads what follows a client's name and mark.
func (s *step) parse(mark, rest string) (err error) {
	switch mark {
	case ">":
		err = s.parseRequest(rest)
	case "<":
		err = s.parseAnswer(rest)
	case "+":
		s.kind, s.method = connect, "GET"
		s.path, rest, _ = strings.Cut(strings.TrimSpace(rest), " ")
		rest = s.takeHeaders(rest)
		if !strings.HasPrefix(s.path, "/") || rest != "" {
			err = fmt.Errorf("want a path and headers, got %q", s.path+" "+rest)
		}
	case "!":
		s.kind = silence
	case "-":
		s.kind = leave
	}
	if err == nil && (mark == "!" || mark == "-") && rest != "" {
		err = fmt.Errorf("nothing may follow %q, got %q", mark, rest)
	}
	return err
}

func (s *step) parseRequest(rest string) (err error) {
	s.kind = message
	if m := requestLine.FindStringSubmatch(rest); m != nil {
		s.kind, s.method, s.path = request, m[1], m[2]
		rest = s.takeHeaders(rest[len(m[0]):])
	}
	s.body, err = parseBody(rest)
	if err == nil && s.kind == message && s.body.form == none {
		err = fmt.Errorf("want a method and path, or a message")
	}
	return err
}

func (s *step) parseAnswer(rest string) (err error) {
	if m := closedLine.FindStringSubmatch(rest); m != nil {
		s.kind = closed
		s.status, _ = strconv.Atoi(m[1])
		if rest = rest[len(m[0]):]; rest != "" {
			s.reason = new(string)
			*s.reason, err = strconv.Unquote(rest)
		}
		return err
	}
	s.kind = frame
	if m := statusLine.FindStringSubmatch(rest); m != nil {
		s.kind = answer
		s.status, _ = strconv.Atoi(m[1])
		rest = s.takeHeaders(rest[len(m[0]):])
	}
	switch rest {
	case "empty":
		s.body = body{form: empty}
	case "_":
		s.body = body{form: anybody}
	default:
		s.body, err = parseBody(rest)
	}
	if err == nil && s.body.form == none {
		err = fmt.Errorf(`say what the body is: JSON, text "...", empty or _`)
	}
	return err
}

// takeHeaders reads headers in brackets and returns the rest.
func (s *step) takeHeaders(rest string) string {
	for {
		m := headerField.FindStringSubmatch(rest)
		if m == nil {
			return rest
		}
		s.headers = append(s.headers, header{m[1], m[2]})
		rest = rest[len(m[0]):]
	}
}

func parseBody(rest string) (body, error) {
	for _, f := range []form{text, bytes_} {
		if quoted, ok := strings.CutPrefix(rest, string(f)+" "); ok {
			s, err := strconv.Unquote(strings.TrimSpace(quoted))
			if err != nil {
				return body{}, fmt.Errorf("%s wants a quoted string, got %s", f, quoted)
			}
			return body{f, s}, nil
		}
	}
	if m := eventLine.FindStringSubmatch(rest); m != nil {
		return body{event, fmt.Sprintf("[%q,%s]", m[1], m[2])}, nil
	}
	if rest == "" {
		return body{form: none}, nil
	}
	return body{plain, rest}, nil
}
