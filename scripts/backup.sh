#!/bin/sh
#
# backup.sh - a copy of the store every night, and the last few of them kept. For cron:
#
#     17 3 * * * /usr/local/share/restante/backup.sh /var/backups/restante
#
#     backup.sh DIRECTORY [COPIES]        14 copies, if not said otherwise
#
# It runs as root or as the relay's own user. "restante backup" asks the running relay for the copy, or reads the store
# itself when none runs; the copy is compacted, so it holds no message that was deleted. What is in it is sealed, but
# who got how much and when is not: keep it where the relay's own directory would be safe.
#
# RESTANTE says where the program is, RESTANTE_STATE where the relay keeps its state.

set -eu
umask 077

[ $# -ge 1 ] && [ $# -le 2 ] || { echo "usage: backup.sh DIRECTORY [COPIES]" >&2; exit 2; }
directory=$1
copies=${2:-14}
case $copies in
'' | *[!0-9]* | 0*) echo "backup.sh: $copies is no number of copies" >&2; exit 2 ;;
esac
export RESTANTE_STATE="${RESTANTE_STATE:-/var/lib/restante}"

mkdir -p "$directory"
# Names that sort by age; in UTC, because local time goes through one hour of autumn twice. The file gets its name when
# it is complete, so whatever has such a name is good.
"${RESTANTE:-restante}" backup "$directory/restante-$(date -u +%Y%m%dT%H%M%SZ).db"

# Only now, with a new copy in place, the oldest go. The names are ours, and hold nothing that a shell would mistake.
cd "$directory"
for old in $(ls -r | grep '^restante-[0-9]\{8\}T[0-9]\{6\}Z\.db$' | tail -n "+$((copies + 1))"); do
    rm -f "./$old"
done
