package chatalot

import (
	"crypto/ed25519"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"restante/relay"
)

// Life of tokens.
const (
	accessFor  = 15 * time.Minute
	accessSlip = time.Minute // for clocks that disagree
	refreshFor = 30 * 24 * time.Hour
	audience   = "chatalot"
)

// keys holds the signing key of the relay that is served.
type keys struct {
	mu    sync.Mutex
	relay *relay.Relay       // whose key it is; guarded by mu
	key   ed25519.PrivateKey // guarded by mu
}

// of returns the key with which access tokens of a relay are signed. It comes
// from the relay's key file, so it outlives a restart.
func (k *keys) of(r *relay.Relay) (ed25519.PrivateKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.relay == r {
		return k.key, nil
	}
	seed, err := r.Sign("chatalot access tokens")
	if err != nil {
		return nil, err
	}
	k.relay, k.key = r, ed25519.NewKeyFromSeed(seed[:])
	return k.key, nil
}

// accessClaims are what is read of an access token: its name and rights are for
// the client.
type accessClaims struct {
	Session string `json:"sid"`
	jwt.RegisteredClaims
}

// newAccess signs an access token for a session.
func (a *api) newAccess(r *relay.Relay, who relay.ID, p profile, session string) (string, error) {
	key, err := a.keys.of(r)
	if err != nil {
		return "", err
	}
	now := r.Now().Time()
	claims := jwt.MapClaims{
		"sub": uuid(who).String(), "username": p.Username, "is_admin": p.admin(), "is_owner": p.Owner,
		"iat": now.Unix(), "exp": now.Add(accessFor).Unix(), "jti": newV4().String(), "aud": audience, "sid": session,
	}
	return jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims).SignedString(key)
}

// readAccess checks an access token: one algorithm, our key, our audience, not
// expired. Whether its session is still open is asked by the transaction that
// acts on the claim.
func (a *api) readAccess(r *relay.Relay, token string) (relay.Claim, error) {
	key, err := a.keys.of(r)
	if err != nil {
		return relay.Claim{}, err
	}
	var claims accessClaims
	_, err = jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return key.Public(), nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithLeeway(accessSlip), jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(func() time.Time { return r.Now().Time() }))
	who, ok := parseID(claims.Subject)
	if err != nil || !ok || claims.Session == "" {
		return relay.Claim{}, unauthorized("invalid or expired token")
	}
	return relay.Claim{Named: who, Names: true, Family: family, Device: claims.Session, Proved: true}, nil
}
