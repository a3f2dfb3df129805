#!/usr/bin/env bash
# Sees to it that a container engine runs here and has the public base images that this project names.
#
#   test/lab/docker.sh                              # engine + every image of `defaults` below
#   test/lab/docker.sh engine                       # only the engine
#   test/lab/docker.sh compose                      # engine + Compose, the plugin of Docker or docker-compose
#   test/lab/docker.sh node:24-bookworm-slim        # engine + these images
#
# An image that is there is left alone; one that is missing is pulled. Where no registry answers, a Debian machine
# builds a stand-in of the same name from Debian's packages and the npm registry: Redis 7.0 under the names of Valkey
# and Redis, PostgreSQL 15 under those of PostgreSQL, the newest Node.js of the major version that is asked for.
# Stand-ins carry the label holdfast.stand-in. A missing engine is installed and started only on Debian, as root.
# About two minutes the first time, half a second when everything is there. Exit 1 with the reason on standard error.
set -euo pipefail

# Nobody can write in the folder of another user.
work=/var/tmp/holdfast-lab
[ "$(id -u)" = 0 ] || work+=-$(id -u)
readonly work
readonly defaults=(compose node:24-bookworm-slim postgres:16-alpine valkey/valkey:8.1-alpine nginx:1-alpine)
readonly engine_seconds=30 pull_seconds=300

die() {
  echo "docker.sh: $*" >&2
  exit 1
}

has_images() { docker image inspect "$@" >/dev/null 2>&1; }

engine_runs() { command -v docker >/dev/null && docker info >/dev/null 2>&1; }

is_own_debian() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

apt_install() {
  export DEBIAN_FRONTEND=noninteractive
  local log=$work/apt.log
  apt-get install -y --no-install-recommends "$@" >"$log" 2>&1 && return
  # The package lists may be missing or old.
  { apt-get update && apt-get install -y --no-install-recommends "$@"; } >>"$log" 2>&1 ||
    die "apt-get install $* failed; see $log"
}

start_engine() {
  engine_runs && return
  is_own_debian || die "no container engine answers; start yours, then run this again"
  command -v dockerd >/dev/null && command -v iptables >/dev/null || apt_install docker.io iptables
  # Installing the package may have started it.
  if ! engine_runs; then
    # It must not hold this script's lock.
    (cd / && exec setsid dockerd) >"$work/dockerd.log" 2>&1 </dev/null 9>&- &
  fi
  local end=$((SECONDS + engine_seconds))
  until engine_runs; do
    [ "$SECONDS" -lt "$end" ] || die "dockerd did not answer within $engine_seconds s; see $work/dockerd.log"
    sleep 0.2
  done
}

has_compose() { docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null; }

provide_compose() {
  has_compose && return
  is_own_debian || die "Docker has no Compose here; install its plugin, then run this again"
  apt_install docker-compose
}

registry_answers=unknown
pull() { # pull NAME: one that gives no answer is not asked again
  [ "$registry_answers" != no ] || return 1
  if timeout "$pull_seconds" docker pull -q "$1" >"$work/pull.log" 2>&1; then
    registry_answers=yes
    echo "pulled $1"
  else
    registry_answers=no
    echo "no registry gave $1 ($(tail -n 1 "$work/pull.log")): building stand-ins"
    return 1
  fi
}

new_context() { rm -rf "$work/context" && mkdir -p "$work/context"; }

build() { # build NAME: the Dockerfile on standard input, the context in $work/context
  DOCKER_BUILDKIT=0 docker build -q -t "$1" -f - "$work/context" >"$work/build.log" 2>&1 ||
    die "building $1 failed; see $work/build.log"
}

debian_image() { # the base of the other stand-ins
  is_own_debian || die "debian:bookworm-slim is missing; its stand-in can only be built by root on Debian"
  command -v debootstrap >/dev/null || apt_install debootstrap
  local rootfs=$work/rootfs
  rm -rf "$rootfs"
  debootstrap --variant=minbase bookworm "$rootfs" >"$work/debootstrap.log" 2>&1 ||
    die "debootstrap failed; see $work/debootstrap.log"
  rm -rf "$rootfs"/var/cache/apt/*.bin "$rootfs"/var/cache/apt/archives/*.deb "$rootfs"/var/lib/apt/lists/*
  rm -rf "$rootfs"/usr/share/doc/* "$rootfs"/usr/share/man/* "$rootfs"/usr/share/locale/*
  # As in the official image: apt-get leaves no package cache of 70 MB behind in every image.
  printf '%s\n' 'Dir::Cache::pkgcache "";' 'Dir::Cache::srcpkgcache "";' \
    'APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };' \
    'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };' >"$rootfs/etc/apt/apt.conf.d/docker-clean"
  printf '%s\n' 'path-exclude=/usr/share/doc/*' 'path-exclude=/usr/share/man/*' 'path-exclude=/usr/share/locale/*' \
    >"$rootfs/etc/dpkg/dpkg.cfg.d/docker-slim"
  # Whom this machine trusts, the images trust: a network with a certificate authority of its own works in them too.
  mkdir -p "$rootfs/etc/ssl/certs"
  cp /etc/ssl/certs/ca-certificates.crt "$rootfs/etc/ssl/certs/host-bundle.crt"
  tar -C "$rootfs" -c . | docker import --change 'LABEL holdfast.stand-in=yes' - "$1" >/dev/null
  rm -rf "$rootfs"
}

node_image() { # node:MAJOR-anything
  local major=${1#node:} machine
  major=${major%%[.-]*}
  case $(uname -m) in
    x86_64) machine=x64 ;;
    aarch64 | arm64) machine=arm64 ;;
    *) die "no stand-in for $1 on $(uname -m); pull it" ;;
  esac
  local packages=$work/node-$major
  mkdir -p "$packages"
  npm install --silent --no-save --prefix "$packages" "node-linux-$machine@$major" npm@11 >"$work/npm.log" 2>&1 ||
    die "the npm registry gave no Node.js $major; see $work/npm.log"
  new_context
  cp "$packages/node_modules/node-linux-$machine/bin/node" "$work/context/node"
  cp -r "$packages/node_modules/npm" "$work/context/npm"
  rm -rf "$packages"
  # `npm ci` in the image asks the registry that this machine asks.
  echo "registry=$(npm config get registry 2>/dev/null | tail -n 1)" >"$work/context/npmrc"
  build "$1" <<'DOCKERFILE'
FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libatomic1 libstdc++6 \
 && rm -rf /var/lib/apt/lists/*
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
COPY npmrc /usr/local/etc/npmrc
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/host-bundle.crt
RUN for tool in npm npx; do ln -s ../lib/node_modules/npm/bin/$tool-cli.js /usr/local/bin/$tool; done \
 && groupadd --gid 1000 node \
 && useradd --uid 1000 --gid node --create-home node
CMD ["node"]
DOCKERFILE
}

postgres_image() {
  new_context
  cat >"$work/context/docker-entrypoint.sh" <<'ENTRYPOINT'
#!/bin/bash
# POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB and PGDATA mean what they mean in the official image.
set -e
user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
mkdir -p "$PGDATA" /var/run/postgresql
chown -R postgres "$PGDATA" /var/run/postgresql
chmod 700 "$PGDATA"
as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  install -o postgres -m 600 /dev/null /tmp/password
  printf '%s' "${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD}" >/tmp/password
  as_postgres initdb -D "$PGDATA" -U "$user" --pwfile=/tmp/password -A scram-sha-256 >/dev/null
  rm /tmp/password
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  as_postgres pg_ctl -D "$PGDATA" -o '-c listen_addresses=' -w start >/dev/null
  if [ "$database" != postgres ]; then
    PGPASSWORD=$POSTGRES_PASSWORD psql -q -h /var/run/postgresql -U "$user" -d postgres \
      -c "create database \"$database\""
  fi
  as_postgres pg_ctl -D "$PGDATA" -w stop >/dev/null
fi
[ "${1:-postgres}" = postgres ] || exec "$@"
shift || true
exec setpriv --reuid=postgres --regid=postgres --init-groups postgres -D "$PGDATA" -c listen_addresses='*' "$@"
ENTRYPOINT
  chmod 755 "$work/context/docker-entrypoint.sh"
  build "$1" <<'DOCKERFILE'
FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends postgresql postgresql-client \
 && rm -rf /var/lib/apt/lists/*
ENV PATH=/usr/lib/postgresql/15/bin:$PATH PGDATA=/var/lib/postgresql/data LANG=C.UTF-8
COPY docker-entrypoint.sh /usr/local/bin/
STOPSIGNAL SIGINT
EXPOSE 5432
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
DOCKERFILE
}

redis_image() { # under the names of Valkey's programs too
  new_context
  cat >"$work/context/docker-entrypoint.sh" <<'ENTRYPOINT'
#!/bin/sh
# Options alone are options of the server.
[ "${1#-}" = "$1" ] || set -- valkey-server "$@"
exec "$@"
ENTRYPOINT
  chmod 755 "$work/context/docker-entrypoint.sh"
  build "$1" <<'DOCKERFILE'
FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends redis-server openssl \
 && rm -rf /var/lib/apt/lists/* \
 && for tool in server cli benchmark; do ln -s /usr/bin/redis-$tool /usr/local/bin/valkey-$tool; done \
 && mkdir -p /data
COPY docker-entrypoint.sh /usr/local/bin/
WORKDIR /data
EXPOSE 6379
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["valkey-server", "--protected-mode", "no"]
DOCKERFILE
}

nginx_image() {
  new_context
  build "$1" <<'DOCKERFILE'
FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends nginx gettext-base wget \
 && rm -rf /var/lib/apt/lists/* /etc/nginx/sites-enabled/default
EXPOSE 80
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
DOCKERFILE
}

python_image() {
  new_context
  pip config get global.index-url >"$work/context/index" 2>/dev/null || : >"$work/context/index"
  build "$1" <<'DOCKERFILE'
FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 python3-pip python3-venv ca-certificates \
 && rm -rf /var/lib/apt/lists/* /usr/lib/python3*/EXTERNALLY-MANAGED \
 && ln -s /usr/bin/python3 /usr/local/bin/python
COPY index /tmp/index
ENV PIP_CERT=/etc/ssl/certs/host-bundle.crt SSL_CERT_FILE=/etc/ssl/certs/host-bundle.crt
RUN [ ! -s /tmp/index ] || pip config --global set global.index-url "$(cat /tmp/index)"
CMD ["python3"]
DOCKERFILE
}

provide() { # provide NAME
  has_images "$1" && return
  pull "$1" && return
  case $1 in
    debian:bookworm-slim) debian_image "$1" ;;
    node:*)
      provide debian:bookworm-slim
      node_image "$1"
      ;;
    postgres:*)
      provide debian:bookworm-slim
      postgres_image "$1"
      ;;
    valkey/valkey:* | redis:*)
      provide debian:bookworm-slim
      redis_image "$1"
      ;;
    nginx:*)
      provide debian:bookworm-slim
      nginx_image "$1"
      ;;
    python:*)
      provide debian:bookworm-slim
      python_image "$1"
      ;;
    *) die "there is no stand-in for $1; pull it, or add it to this script" ;;
  esac
  echo "built a stand-in for $1"
}

names=("$@")
[ $# -gt 0 ] || names=("${defaults[@]}")
images=()
compose=no
for name in "${names[@]}"; do
  case $name in
    engine) ;;
    compose) compose=yes ;;
    *) images+=("$name") ;;
  esac
done
if engine_runs && { [ "$compose" = no ] || has_compose; } && { [ ${#images[@]} = 0 ] || has_images "${images[@]}"; }; then
  exit 0
fi

mkdir -p "$work"
# Two runs at once would write over each other's files. macOS has no flock, and builds no stand-ins.
exec 9>"$work/lock"
! command -v flock >/dev/null || flock 9
start_engine
[ "$compose" = no ] || provide_compose
for name in ${images[@]+"${images[@]}"}; do provide "$name"; done
