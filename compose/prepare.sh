#!/bin/sh
# Makes what `docker compose up` needs and nobody should type: passwords, the workers' terms. What is there stays.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
chance() { od -An -vtx1 -N "$1" /dev/urandom | tr -d ' \n'; }
keep() { [ -s "$1" ] || cat >"$1"; }

chance 24 | keep secrets/postgres_password
printf 'POSTGRES_PWD=%s\n' "$(cat secrets/postgres_password)" | keep temporal.env
keep secrets/worker.json <<'TERMS'
{
  "mode": "paper",
  "track": "paper-1",
  "home": "/var/lib/ballast/paper/tracks/paper-1",
  "house": "/var/lib/ballast",
  "shelf": ["postgresql://ballast@/mlflow?host=/var/run/postgresql", "/models"],
  "database": "postgresql://ballast@/ballast?host=/var/run/postgresql",
  "temporal": "temporal:7233",
  "namespace": "ballast",
  "venue": "https://api.kraken.com",
  "key": "",
  "secret": "",
  "instruments": ["BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD"],
  "cache": "/var/lib/ballast/cache"
}
TERMS
# The containers' user reads them.
chown -R 10001:10001 secrets 2>/dev/null || chmod -R go+rX secrets
