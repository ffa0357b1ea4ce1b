#!/bin/sh
# Tells somebody when a disk is nearly full, once until it has room again. For
# cron:
#
#   */15 * * * *  ALERT_TO=0123... /usr/local/bin/alert.sh
#
# The reader may use a client of any API the relay serves: ALERT_TO is his id as
# that client shows it. The message is plain text: it goes through the relay, and
# whoever has the relay's disk can read it. Do not put secrets in it.
#
#   ALERT_RELAY   where the relay is (http://127.0.0.1:8080)
#   CURL_OPTS     for curl: --unix-socket /run/restante/relay.sock, or --socks5-hostname 127.0.0.1:9050
#   ALERT_TO      who is told
#   ALERT_DISKS   what to look at, paths separated by spaces (/)
#   ALERT_FULL    percent from which on a disk is nearly full (90)
#   ALERT_STATE   directory for the sender's account and what was told already (~/.local/state/restante-alert)
set -eu
umask 077

relay=${ALERT_RELAY:-http://127.0.0.1:8080}
to=${ALERT_TO:?who is to be told: set ALERT_TO}
full=${ALERT_FULL:-90}
state=${ALERT_STATE:-${XDG_STATE_HOME:-$HOME/.local/state}/restante-alert}
mkdir -p "$state"

# ask PATH < JSON
# posts a request and leaves the answer in $answer; fails with what the relay says.
ask() {
  # CURL_OPTS is meant to be split into words.
  # shellcheck disable=SC2086
  answer=$(curl -sS --max-time 60 ${CURL_OPTS-} -w '\n%{http_code}' --data-binary @- "$relay$1")
  status=$(printf '%s\n' "$answer" | tail -n 1)
  answer=$(printf '%s\n' "$answer" | sed '$d')
  [ "$status" = 200 ] || { echo "alert.sh: $1: $status $answer" >&2; return 1; }
}

# field prints a string of a flat JSON object.
field() { printf '%s' "$answer" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

# The first time, an account to send from; its token stays in $state.
if [ ! -s "$state/account" ]; then
  ask /register </dev/null
  printf '%s %s\n' "$(field userId)" "$(field authToken)" >"$state/account.new"
  mv "$state/account.new" "$state/account"
fi
read -r from token <"$state/account"

for disk in ${ALERT_DISKS:-/}; do
  used=$(df -P "$disk" | awk 'NR == 2 { sub("%", "", $5); print $5 }')
  told="$state/told$(printf '%s' "$disk" | tr '/' '_')"
  if [ "$used" -lt "$full" ]; then
    rm -f "$told"
  elif [ ! -e "$told" ]; then
    text="$(uname -n): $disk is $used % full"
    text=$(printf '%s' "$text" | sed 's/[\\"]/\\&/g')
    printf '{"object":"SendMessage","fromUserId":"%s","authToken":"%s","toId":"%s","encContent":"%s"}' \
      "$from" "$token" "$to" "$text" | ask /postmsg
    : >"$told"
  fi
done
