#!/bin/sh
# Makes an authority and a daemon's certificate for trying TLS out; for production see docs/tls.md.
#
#   docker/make-certificates.sh FOLDER NAME...
#
# NAMEs are what clients write: host names or addresses. The folder gets ca.pem, for clients, and
# daemon.pem and daemon.key, for the daemon. The authority's own key is thrown away, so nothing else can
# ever be signed by it.
set -eu

[ $# -ge 2 ] || { echo "usage: $0 FOLDER NAME..." >&2; exit 2; }
folder=$1
shift
mkdir -p "$folder"
if [ -e "$folder/daemon.key" ]; then
    echo "$folder/daemon.key is there already" >&2
    exit 1
fi
secret=$(mktemp -d)
trap 'rm -rf "$secret"' EXIT

names=
for name in "$@"; do
    case $name in
        *:*) kind=IP ;;
        *[!0-9.]*) kind=DNS ;;
        *) kind=IP ;;
    esac
    names=${names:+$names,}$kind:$name
done
printf 'subjectAltName=%s\n' "$names" > "$secret/names"

openssl req -x509 -newkey ed25519 -nodes -days 365 -subj "/CN=an authority to try spiked with" \
    -keyout "$secret/ca.key" -out "$folder/ca.pem" 2> "$secret/log" || { cat "$secret/log" >&2; exit 1; }
openssl req -newkey ed25519 -nodes -subj "/CN=spiked" \
    -keyout "$secret/daemon.key" -out "$secret/daemon.csr" 2> "$secret/log" || { cat "$secret/log" >&2; exit 1; }
openssl x509 -req -in "$secret/daemon.csr" -CA "$folder/ca.pem" -CAkey "$secret/ca.key" -days 90 \
    -extfile "$secret/names" -out "$folder/daemon.pem" 2> "$secret/log" || { cat "$secret/log" >&2; exit 1; }
# The daemon's user is not who makes this. Whoever can read the folder can read the key.
install -m 644 "$secret/daemon.key" "$folder/daemon.key"
echo "$folder holds ca.pem, daemon.pem and daemon.key for $names"
