package wire

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"time"

	"golang.org/x/crypto/argon2"

	"restante/ratelimit"
	"restante/relay"
)

// What a password costs: argon2id over 19 MiB, two passes, one lane (OWASP's
// first choice for small machines). They are in the hash, so that they can grow.
const (
	passwordMemory = 19 << 10 // KiB
	passwordTime   = 2
	passwordLine   = 16 // that wait for their turn
	passwordForm   = 1
	saltSize       = 16
)

// Wrong passwords that one login stands before it is refused for a while.
const (
	wrongBurst  = 10
	wrongAnHour = 40 // one more every 90 s
)

// passwords are worked on one at a time: a Pi has not the memory for more, and a
// crowd that guesses must not take the machine from those who write.
type passwords struct {
	turn  chan struct{}
	line  chan struct{}
	wrong *ratelimit.Limiter
}

func newPasswords(limited bool) passwords {
	p := passwords{turn: make(chan struct{}, 1), line: make(chan struct{}, passwordLine)}
	if limited {
		p.wrong = ratelimit.New(ratelimit.PerHour(wrongAnHour, wrongBurst), ratesKept)
	}
	return p
}

// HashPassword returns what to store of a password. It takes long and is not
// for transactions. Busy: too many wait already.
func (s *Service) HashPassword(ctx context.Context, password string) ([]byte, error) {
	salt := make([]byte, saltSize)
	rand.Read(salt)
	sum, err := s.derive(ctx, password, salt)
	if err != nil {
		return nil, err
	}
	return append(append([]byte{passwordForm}, salt...), sum...), nil
}

// CheckPassword reports whether a password is that of a hash. A nil hash is
// nobody's and takes as long, so that time does not tell which names exist.
// Busy: too many wait already.
func (s *Service) CheckPassword(ctx context.Context, hash []byte, password string) (bool, error) {
	known := len(hash) == 1+saltSize+sha256.Size && hash[0] == passwordForm
	if !known {
		hash = make([]byte, 1+saltSize+sha256.Size)
	}
	sum, err := s.derive(ctx, password, hash[1:1+saltSize])
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(sum, hash[1+saltSize:]) == 1 && known, nil
}

// derive does the work, when it is its turn and the memory is there.
func (s *Service) derive(ctx context.Context, password string, salt []byte) ([]byte, error) {
	busy := &relay.Error{Code: relay.Busy, Text: "busy", RetryAfter: 2 * time.Second}
	select {
	case s.passwords.line <- struct{}{}:
	default:
		return nil, busy
	}
	defer func() { <-s.passwords.line }()
	select {
	case s.passwords.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.passwords.turn }()
	if !s.Purse.Take(passwordMemory << 10) {
		return nil, busy
	}
	defer s.Purse.Give(passwordMemory << 10)
	return argon2.IDKey([]byte(password), salt, passwordTime, passwordMemory, 1, sha256.Size), nil
}

// LoginTry fails with TooMany when a login has seen too many wrong passwords of
// late. It is asked before the password is looked at; a lock never touches
// sessions that are open.
func (s *Service) LoginTry(family, login string) error {
	return allowed(s.passwords.wrong.Peek(loginKey(family, login), 1))
}

// LoginWrong counts a wrong password of a login, there be such a login or not.
func (s *Service) LoginWrong(family, login string) {
	s.passwords.wrong.Spend(loginKey(family, login), 1)
}

func loginKey(family, login string) []byte {
	d := relay.DigestOf([]byte(family), []byte(login))
	return d[:]
}
