#!/bin/sh
# Installs the programs that the tests drive, where they are missing. On Debian
# as root it uses apt-get; elsewhere it says what to install and goes on, and
# the tests that need a missing program say so again.
set -eu

missing=""
need() { # program, Debian package
	command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need aws awscli
need openssl openssl
need dig bind9-dnsutils
need delv bind9-dnsutils
need kdig knot-dnsutils
need drill ldnsutils
need unbound unbound
need dnsmasq dnsmasq-base
need knotd knot
need nsd nsd
need haproxy haproxy
need nginx nginx-light
python3 -c 'import boto3' 2>/dev/null || missing="$missing python3-boto3"

[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
	echo "The tests need programs that are not here. On Debian: apt-get install$missing" >&2
fi
