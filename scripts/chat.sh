#!/bin/sh
#
# chat.sh - two people and a relay, with nothing but curl and openssl.
#
#     scripts/chat.sh [http://127.0.0.1:8080]
#     CURL_OPTS='--socks5-hostname 127.0.0.1:9050' scripts/chat.sh http://<name>.onion
#     CURL_OPTS='--unix-socket /run/restante/relay.sock' scripts/chat.sh http://localhost
#
# It is documentation that runs. Alice and Bob register, agree on a key that the relay never learns, write to each
# other, make a group, and wait for each other's messages. Every message is compared with what was sent, byte for byte;
# the script ends with a status other than 0 at the first difference or refusal.
#
# It wants curl 7.68 and openssl 1.1.1 or newer, and a POSIX shell.
#
# It is not a messenger. Keys are passed to openssl as arguments, which other users of this machine can see while they
# run. There is no ratchet: whoever takes the key files later reads what was written before. And messages carry no
# number, so a relay could deliver one twice or leave one out. What it shows is what goes over the wire.

set -eu
umask 077

relay=${1:-http://127.0.0.1:8080}
relay=${relay%/}
work=$(mktemp -d "${TMPDIR:-/tmp}/restante-chat.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

# Everything a person has lies in a directory of theirs: id, token, key.pem, and one cursor for each place they read.
alice=$work/alice
bob=$work/bob
mkdir "$alice" "$bob"

say() { printf '%s\n' "$*"; }
die() { say "chat.sh: $*" >&2; exit 1; }


# --- Talking to the relay ---------------------------------------------------------------------------------------------

# call PATH [HEADER...] < JSON
# posts a request and prints the answer. The JSON comes by stdin, so that no token is among curl's arguments.
# Success is 200, always. Anything else comes with one line of plain text that says why.
call() {
    path=$1
    shift
    for header in "$@"; do
        set -- "$@" -H "$header"
        shift
    done
    # CURL_OPTS is meant to be split into words.
    # shellcheck disable=SC2086
    answer=$(curl -sS --max-time 90 ${CURL_OPTS-} -w '\n%{http_code}' "$@" --data-binary @- "$relay$path") ||
        die "$path: no answer from $relay"
    status=$(printf '%s\n' "$answer" | tail -n 1)
    answer=$(printf '%s\n' "$answer" | sed '$d')
    [ "$status" = 200 ] || die "$path: $status $answer"
    printf '%s\n' "$answer"
}

# field NAME < JSON
# prints the value of every member of that name, a line each. All that this script looks for is hex, base64 or a
# number, so nothing needs unescaping, and an object can be told from the next by its brace.
field() {
    tr '{,' '\n\n' | sed -n -e 's/^ *"'"$1"'" *: *"\([^"]*\)".*/\1/p' -e 's/^ *"'"$1"'" *: *\([0-9][0-9]*\).*/\1/p'
}

# objects TYPE < JSON
# prints the objects of one type, a line each.
objects() { tr '{' '\n' | grep '"object" *: *"'"$1"'"' || true; }

# me WHO
# prints how WHO proves who they are. Posts call the same id fromUserId.
me()   { printf '"userId":"%s","authToken":"%s"' "$(cat "$1/id")" "$(cat "$1/token")"; }
from() { printf '"fromUserId":"%s","authToken":"%s"' "$(cat "$1/id")" "$(cat "$1/token")"; }

# cursor WHO PLACE, and advance WHO PLACE < ANSWER
# A cursor is the largest timestamp seen in a place: the mailbox, or a group. The relay promises that whatever is
# committed later gets a larger one, so nothing is missed and nothing comes twice.
cursor() { cat "$1/cursor-$2" 2>/dev/null || echo 0; }
advance() {
    last=$(field timestamp | sort -n | tail -n 1)
    [ -z "$last" ] || echo "$last" >"$1/cursor-$2"
}

# register WHO
register() {
    made=$(call /register </dev/null)
    printf '%s\n' "$made" | field userId >"$1/id"
    printf '%s\n' "$made" | field authToken >"$1/token"
    [ -s "$1/id" ] && [ -s "$1/token" ] || die "/register gave no account: $made"
}

# receive WHO
# prints what has come to WHO's mailbox since the last time.
receive() {
    got=$(printf '{"object":"User",%s,"lastMessageTimestamp":%s}' "$(me "$1")" "$(cursor "$1" mailbox)" | call /receive)
    printf '%s\n' "$got" | advance "$1" mailbox
    printf '%s\n' "$got"
}

# poll WHO GROUP
# does the same for a group.
poll() {
    got=$(printf '{"object":"PollGroup",%s,"groupId":"%s","lastMessageTimestamp":%s}' \
        "$(me "$1")" "$2" "$(cursor "$1" "$2")" | call /pollgroup)
    printf '%s\n' "$got" | advance "$1" "$2"
    printf '%s\n' "$got"
}

# wait_for WHO PLACE IDS [HEADER]
# long-polls: the answer comes when there is something newer than the cursor of PLACE, in any of the ids. It is the id
# that has it, or nothing when the time is up. The time is the relay's (a minute) unless a header asks for less.
wait_for() {
    who=$1 place=$2 ids=$3
    shift 3
    printf '{"object":"PollGroups",%s,"groupIds":[%s],"lastMessageTimestamp":%s}' \
        "$(me "$who")" "$ids" "$(cursor "$who" "$place")" | call /longpoll "$@"
}


# --- Sealing ----------------------------------------------------------------------------------------------------------
#
# A sealed message is base64( IV, 16 bytes | AES-256-CBC | HMAC-SHA-256, 32 bytes ).
#
# CBC hides but does not protect: one who flips bits of it flips bits of the text. "openssl enc" has no mode that does
# both (it refuses GCM), so there is a separate HMAC under a key of its own, over what was encrypted: encrypt, then
# MAC, and when reading check before decrypting. The HMAC also covers who wrote to whom, so that the relay cannot hand
# Alice's words back to her as Bob's.

hex() { od -An -v -tx1 | tr -d ' \n'; }

# hmac HEXKEY < BYTES > 32 BYTES
hmac() { openssl dgst -sha256 -mac HMAC -macopt "hexkey:$1" -binary; }

# expand INFO < SECRET
# prints two keys in hex, one to encrypt and one to authenticate. This is HKDF with SHA-256 (RFC 5869), the salt being
# "restante chat": not every openssl has "openssl kdf", but three HMACs are all there is to it.
expand() {
    extracted=$(hmac "$(printf 'restante chat' | hex)" | hex)
    { printf '%s' "$1"; printf '\001'; } | hmac "$extracted" >"$work/t1"
    { cat "$work/t1"; printf '%s' "$1"; printf '\002'; } | hmac "$extracted" >"$work/t2"
    printf '%s %s\n' "$(hex <"$work/t1")" "$(hex <"$work/t2")"
}

# seal KEYS FROM TO < TEXT > BASE64
seal() {
    enc=${1% *} mac=${1#* }
    openssl rand 16 >"$work/iv"
    openssl enc -aes-256-cbc -K "$enc" -iv "$(hex <"$work/iv")" >"$work/hidden"
    { printf '%s %s ' "$2" "$3"; cat "$work/iv" "$work/hidden"; } | hmac "$mac" >"$work/mac"
    cat "$work/iv" "$work/hidden" "$work/mac" | openssl base64 -A
}

# opened KEYS FROM TO < BASE64 > TEXT
# fails if a single bit is not as it was sealed.
opened() {
    enc=${1% *} mac=${1#* }
    openssl base64 -d -A >"$work/sealed"
    size=$(($(wc -c <"$work/sealed")))
    [ "$size" -ge 64 ] || return 1
    head -c 16 "$work/sealed" >"$work/iv"
    head -c $((size - 32)) "$work/sealed" | tail -c +17 >"$work/hidden"
    tail -c 32 "$work/sealed" >"$work/mac"
    want=$({ printf '%s %s ' "$2" "$3"; cat "$work/iv" "$work/hidden"; } | hmac "$mac" | hex)
    # A real client compares in constant time; a shell on one's own machine has nobody to tell.
    [ "$want" = "$(hex <"$work/mac")" ] || return 1
    openssl enc -d -aes-256-cbc -K "$enc" -iv "$(hex <"$work/iv")" <"$work/hidden"
}

# public WHO
# prints WHO's public key: the last 32 bytes of its DER form, in base64. The 12 before them are always the same.
public() { openssl pkey -in "$1/key.pem" -pubout -outform DER | tail -c 32 | openssl base64 -A; }

# agree WHO PUBLIC
# makes WHO's half of the X25519 exchange: from their private key and the other's public one, what both can compute and
# nobody else. The two public keys are part of the derivation, in an order both sides agree on.
agree() {
    {
        printf '\060\052\060\005\006\003\053\145\156\003\041\000' # what DER writes before an X25519 key (RFC 8410)
        printf '%s' "$2" | openssl base64 -d -A
    } >"$work/peer.der"
    openssl pkey -pubin -inform DER -in "$work/peer.der" -out "$work/peer.pem"
    openssl pkeyutl -derive -inkey "$1/key.pem" -peerkey "$work/peer.pem" -out "$work/secret"
    both=$({ public "$1"; echo; printf '%s\n' "$2"; } | sort | tr '\n' ' ')
    expand "$both" <"$work/secret" >"$1/keys"
    # To be compared over the telephone, or face to face. Without that the relay could sit in the middle.
    printf '%s' "$both" | openssl dgst -sha256 -binary | hex | cut -c 1-32 >"$1/fingerprint"
}


# --- The conversation -------------------------------------------------------------------------------------------------

# same SENT READ WHAT
# is what makes this a test: both are files.
same() { cmp -s "$1" "$2" || die "$3: what was read is not what was sent"; }

# last_body < ANSWER
# prints the youngest sealed message. Answers are ordered, the oldest first.
last_body() { objects SendMessage | tail -n 1 | field encContent; }

# tell FROM TO NAME TEXT [HEADER]
# sends a direct message, has the other read it, and compares.
tell() {
    sender=$1 reader=$2 name=$3 text=$4
    shift 4
    printf '%s' "$text" >"$work/sent"
    seal "$(cat "$sender/keys")" "$(cat "$sender/id")" "$(cat "$reader/id")" <"$work/sent" >"$work/post"
    printf '{"object":"SendMessage",%s,"toId":"%s","encContent":"%s"}' \
        "$(from "$sender")" "$(cat "$reader/id")" "$(cat "$work/post")" >"$work/request"
    call /postmsg "$@" <"$work/request" >/dev/null
    # One who got no answer cannot know whether the message was stored. With an Idempotency-Key they simply send it
    # again: the relay knows the key, and says 200 without storing it twice.
    [ $# -eq 0 ] || call /postmsg "$@" <"$work/request" >/dev/null
    receive "$reader" >"$work/inbox"
    [ "$(objects SendMessage <"$work/inbox" | wc -l)" -eq 1 ] || die "$name sent one message, another number came"
    last_body <"$work/inbox" >"$work/got"
    opened "$(cat "$reader/keys")" "$(cat "$sender/id")" "$(cat "$reader/id")" <"$work/got" >"$work/read" ||
        die "$name's message does not open"
    same "$work/sent" "$work/read" "$name's message"
    say "$name> $text"
}

# tell_group FROM READER NAME TEXT
# has the reader wait for the group, posts to it, and compares.
tell_group() {
    sender=$1 reader=$2 name=$3
    printf '%s' "$4" >"$work/sent"
    # One long-poll can watch the mailbox, too: one's own id among the groups. They have different cursors, though, and
    # this one is the group's; so the mailbox is left to /receive here.
    wait_for "$reader" "$group" "\"$group\"" >"$work/woken" &
    waiting=$!
    # Only to make the story true: without it the answer would just come at once. The cursor makes either order safe.
    sleep 1
    kill -0 "$waiting" 2>/dev/null || die "$name's reader did not wait"
    seal "$(cat "$sender/groupkeys")" "$(cat "$sender/id")" "$group" <"$work/sent" >"$work/post"
    printf '{"object":"SendMessage",%s,"toId":"%s","encContent":"%s"}' \
        "$(from "$sender")" "$group" "$(cat "$work/post")" | call /postgroup >/dev/null
    wait "$waiting" || die "$name's reader waited in vain"
    [ "$(cat "$work/woken")" = "$group" ] || die "woken by \"$(cat "$work/woken")\" instead of the group"
    poll "$reader" "$group" | last_body >"$work/got"
    opened "$(cat "$reader/groupkeys")" "$(cat "$sender/id")" "$group" <"$work/got" >"$work/read" ||
        die "$name's message does not open"
    same "$work/sent" "$work/read" "$name's message to the group"
    # One's own message is in the group, too: it is read, so that the next wait is for the other's.
    poll "$sender" "$group" >/dev/null
    say "$name (to the group)> $4"
}

say "# $relay"

# 1. Two accounts. Nobody is asked for a name; the id is the address, the token the password. The relay keeps only a
#    hash of the token and cannot give it out again.
register "$alice"
register "$bob"
say "# alice is $(cat "$alice/id")"
say "# bob is $(cat "$bob/id")"

# 2. Keys. Alice needs to know Bob's id (he told her); her public key goes to his mailbox, his comes back to hers. The
#    relay gives protocol and cryptoData no meaning.
openssl genpkey -algorithm X25519 -out "$alice/key.pem"
openssl genpkey -algorithm X25519 -out "$bob/key.pem"

printf '{"object":"FriendRequest",%s,"toUserId":"%s","protocol":"DH_AND_AES","cryptoData":"%s"}' \
    "$(from "$alice")" "$(cat "$bob/id")" "$(public "$alice")" | call /connect >/dev/null

receive "$bob" | objects FriendRequest >"$work/asked"
[ "$(field fromUserId <"$work/asked")" = "$(cat "$alice/id")" ] || die "bob has no request from alice"
agree "$bob" "$(field cryptoData <"$work/asked")"

printf '{"object":"FriendResponse",%s,"toUserId":"%s","cryptoData":"%s"}' \
    "$(from "$bob")" "$(cat "$alice/id")" "$(public "$bob")" | call /connect2 >/dev/null

receive "$alice" | objects FriendResponse >"$work/agreed"
[ "$(field fromUserId <"$work/agreed")" = "$(cat "$bob/id")" ] || die "alice has no answer from bob"
agree "$alice" "$(field cryptoData <"$work/agreed")"

same "$alice/keys" "$bob/keys" "the keys"
same "$alice/fingerprint" "$bob/fingerprint" "the fingerprints"
say "# they share a key; both see the fingerprint $(cat "$alice/fingerprint")"

# 3. Messages. The first is sent twice on purpose.
tell "$alice" "$bob" alice 'Have you been to the post office?' "Idempotency-Key: $(openssl rand -hex 16)"
tell "$bob" "$alice" bob 'Not yet. Is it "poste restante"?'
tell "$alice" "$bob" alice "Ja, natürlich 📮
 on two lines, with a \\ and a trailing space "

# What the relay could try: the last message opened as it came, above; with one byte changed it must not.
openssl base64 -d -A <"$work/got" >"$work/raw"
{ head -c 20 "$work/raw"; printf '\000'; tail -c +22 "$work/raw"; } >"$work/changed"
if cmp -s "$work/raw" "$work/changed"; then # that byte was 0 already
    { head -c 20 "$work/raw"; printf '\001'; tail -c +22 "$work/raw"; } >"$work/changed"
fi
if openssl base64 -A <"$work/changed" | opened "$(cat "$bob/keys")" "$(cat "$alice/id")" "$(cat "$bob/id")" >/dev/null; then
    die "a changed message opens"
fi
say "# a message changed on the way does not open"

# 4. A group. Its id is a secret of its kind: whoever knows it may post and poll. Alice makes it, thinks of a key, and
#    sends both to Bob, the key sealed with the one they share.
group=$(printf '{"object":"User",%s}' "$(me "$alice")" | call /register2 | field groupId)
[ -n "$group" ] || die "/register2 gave no group"
openssl rand -hex 32 >"$alice/groupkey"
expand "$group" <"$alice/groupkey" >"$alice/groupkeys"

sealed=$(seal "$(cat "$alice/keys")" "$(cat "$alice/id")" "$(cat "$bob/id")" <"$alice/groupkey")
printf '{"object":"GroupInvite",%s,"toUserId":"%s","groupId":"%s","algorithm":"AES_256","cryptoData":"%s"}' \
    "$(from "$alice")" "$(cat "$bob/id")" "$group" "$sealed" | call /groupinv >/dev/null

receive "$bob" | objects GroupInvite >"$work/invited"
[ "$(field groupId <"$work/invited")" = "$group" ] || die "bob has no invitation"
field cryptoData <"$work/invited" >"$work/got"
opened "$(cat "$bob/keys")" "$(cat "$alice/id")" "$(cat "$bob/id")" <"$work/got" >"$bob/groupkey" ||
    die "the invitation does not open"
same "$alice/groupkey" "$bob/groupkey" "the group's key"
expand "$group" <"$bob/groupkey" >"$bob/groupkeys"
say "# bob is in the group $group"

# 5. Waiting. Each waits in turn while the other writes.
tell_group "$alice" "$bob" alice 'Anybody here?'
tell_group "$bob" "$alice" bob 'Just the two of us, and a relay that cannot read this.'
poll "$bob" "$group" >/dev/null

# One need not wait for a minute: "Prefer: wait=1" (RFC 7240) asks for a second. Nothing comes, so nothing is said.
quiet=$(wait_for "$bob" "$group" "\"$group\"" 'Prefer: wait=1')
[ -z "$quiet" ] || die "woken by \"$quiet\" although nobody wrote"
say "# and then silence"
