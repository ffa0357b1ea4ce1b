package relay

// TokenOf returns what a secret is a token of, and whether it is one, without
// the judgement of [Tx.Authenticate]: for families that tell a bearer who is
// known and may not come in why not. The account may be removed or suspended,
// and the token expired.
func (tx *Tx) TokenOf(secret string) (t Token, found bool, err error) {
	found, err = tx.get(newKey(kindToken).digest(secretDigest(secret)), &t)
	return t, found, err
}
