package relay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"restante/storage"
)

// A Code says what kind of failure an [Error] is. Families translate it into
// their own statuses; none of them carries an HTTP number.
type Code string

const (
	Invalid      Code = "invalid"      // the request makes no sense as it stands
	Unauthorized Code = "unauthorized" // not who it says, or nobody we know
	Forbidden    Code = "forbidden"    // known, but may not do this
	NotFound     Code = "not_found"    // not there, or hidden from this caller
	Conflict     Code = "conflict"     // taken, or already done differently
	TooLarge     Code = "too_large"    // over a limit of size
	TooMany      Code = "too_many"     // over a rate or share; RetryAfter is set
	Full         Code = "full"         // a quota or the disk is used up
	Busy         Code = "busy"         // overloaded or stopping; RetryAfter is set
	Internal     Code = "internal"     // everything else; the text is for the log only
)

// A Subject names what an [Error] is about (a room, a message, a key), for
// families whose errors depend on it.
type Subject string

const (
	SubjectNone    Subject = ""
	SubjectAccount Subject = "account"
	SubjectLogin   Subject = "login"
	SubjectDevice  Subject = "device"
	SubjectToken   Subject = "token"
	SubjectRoom    Subject = "room"
	SubjectMember  Subject = "member"
	SubjectMessage Subject = "message"
	SubjectRecord  Subject = "record"
	SubjectBlob    Subject = "blob"
	SubjectInvite  Subject = "invite"
)

// An Error is a failure that a client may be told of: Text is safe to show and
// names nothing internal.
type Error struct {
	Code       Code
	Subject    Subject
	Text       string
	RetryAfter time.Duration // for TooMany and Busy: when to come again
	err        error         // the cause, for the log
}

func (e *Error) Error() string {
	if e.err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Text, e.err)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Text)
}

func (e *Error) Unwrap() error { return e.err }

// Errorf returns an Error with a text that clients may see.
func Errorf(c Code, s Subject, format string, args ...any) *Error {
	return &Error{Code: c, Subject: s, Text: fmt.Sprintf(format, args...)}
}

// Later returns a TooMany error that asks the client to come again after d.
func Later(d time.Duration, text string) *Error {
	return &Error{Code: TooMany, Text: text, RetryAfter: d}
}

// AsError returns what clients are told of err: itself when it is an Error, the
// fitting code for storage and context errors, and Internal with a text that
// says nothing for anything else.
func AsError(err error) *Error {
	var e *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		return e
	case errors.Is(err, storage.ErrFull):
		return &Error{Code: Full, Text: "relay full", err: err}
	case errors.Is(err, storage.ErrTooLarge):
		return &Error{Code: TooLarge, Text: "too much at once", err: err}
	case errors.Is(err, storage.ErrBusy), errors.Is(err, storage.ErrClosed),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &Error{Code: Busy, Text: "busy", RetryAfter: time.Second, err: err}
	}
	return &Error{Code: Internal, Text: "internal error", err: err}
}

// Is reports whether err is an Error of code c.
func Is(err error, c Code) bool {
	if err == nil {
		return false
	}
	if e, ok := err.(*Error); ok { // nearly always
		return e.Code == c
	}
	var e *Error
	return errors.As(err, &e) && e.Code == c
}
