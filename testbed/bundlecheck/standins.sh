# shellcheck shell=bash disable=SC2154 # $root, $cache and $telemetry are of scripts/bundle-check
# Images under the real names, for a machine that cannot reach a registry of images. scripts/bundle-check sources this.
#
# What is in them: a base of Debian packages (debootstrap); Go and the relay's modules; the Collector and Prometheus built from
# their Go modules; Uptime Kuma from a checkout outside of ours ($KUMA_SRC) on this machine's Node.js; for Grafana a program that
# answers its health check and nothing else.

readonly standin_base=standin/debian:bookworm

# standin_of prints what a stand-in was made of, and nothing for a real image. Not there at all: status 1.
standin_of() {
  docker image inspect --format '{{if .Config.Labels}}{{index .Config.Labels "standin"}}{{end}}' "$1" 2>/dev/null
}

# build_standin builds one from a context that has a Dockerfile.
build_standin() {
  local image="$1" made_of="$2" context="$3" log="$cache/standin.log"
  docker build -q --label "standin=$made_of" -t "$image" "$context" >"$log" 2>&1 || { tail -n 20 "$log" >&2; fail "the stand-in for $image could not be built"; }
  rm -rf "$context"
}

need_base() {
  local rootfs="$cache/rootfs" mirror
  docker image inspect "$standin_base" >/dev/null 2>&1 && return
  if [ ! -e "$rootfs/done" ]; then
    command -v debootstrap >/dev/null || fail "debootstrap is needed for stand-ins (apt-get install debootstrap)"
    [ "$(id -u)" = 0 ] || fail "debootstrap needs root"
    # shellcheck disable=SC2016 # apt-get expands it
    mirror="$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep '/debian/$' | head -n 1)" || true
    say "stand-ins: a Debian base (two minutes)"
    rm -rf "$rootfs"
    debootstrap --variant=minbase --include=ca-certificates bookworm "$rootfs" ${mirror:+"$mirror"} >"$cache/debootstrap.log" 2>&1 ||
      { tail -n 5 "$cache/debootstrap.log" >&2; fail "debootstrap failed; all it said is in $cache/debootstrap.log"; }
    touch "$rootfs/done"
  fi
  tar -C "$rootfs" -c --exclude='./proc/*' --exclude='./sys/*' --exclude='./dev/*' --exclude=./done . | docker import - "$standin_base" >/dev/null
}

# standin_go has the relay's modules as a module proxy of files, so that the relay's own Dockerfile runs as it is, without a network.
standin_go() {
  local image="$1" made_of="$2" context="$3"
  need_base
  (cd "$root" && GOFLAGS=-modcacherw GOMODCACHE="$context/modules" go mod download) || fail "the relay's modules could not be had"
  mv "$context/modules/cache/download" "$context/proxy"
  rm -rf "$context/modules"
  cp -r "$(go env GOROOT)" "$context/go"
  cat >"$context/Dockerfile" <<DOCKERFILE
FROM $standin_base
COPY go /usr/local/go
COPY proxy /proxy
ENV PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin GOPROXY=file:///proxy GOSUMDB=off GOTOOLCHAIN=local GOPATH=/go
DOCKERFILE
  build_standin "$image" "$made_of" "$context"
}

# newest prints the newest of the files.
newest() {
  local newest='' f
  for f in "$@"; do if [ -z "$newest" ] || [ "$f" -nt "$newest" ]; then newest="$f"; fi; done
  printf '%s' "$newest"
}

standin_collector() {
  local image="$1" made_of="$2" context="$3" binary
  need_base # what Go builds here is linked to the C library
  "$root/scripts/telemetry-check" --build-only >&2
  binary="$(newest "$telemetry/bin/otelcol-v${image##*:}"-*)"
  [ -x "$binary" ] || fail "scripts/telemetry-check builds another version of the collector than $image"
  cp "$binary" "$context/otelcol-contrib"
  cat >"$context/Dockerfile" <<DOCKERFILE
FROM $standin_base
COPY otelcol-contrib /otelcol-contrib
USER 10001
ENTRYPOINT ["/otelcol-contrib"]
CMD ["--config", "/etc/otelcol-contrib/config.yaml"]
DOCKERFILE
  build_standin "$image" "$made_of" "$context"
}

# v3.13.5 of Prometheus is v0.313.5 of its module.
prometheus_module() {
  local major minor patch
  IFS=. read -r major minor patch <<<"${1##*:v}"
  printf 'v0.%d%02d.%d' "$major" "$minor" "$patch"
}

standin_prometheus() {
  local image="$1" made_of="$2" context="$3" version
  need_base
  version="$(prometheus_module "$image")"
  [ -x "$telemetry/bin/prometheus-$version" ] || "$root/scripts/telemetry-check" --build-only >&2
  [ -x "$telemetry/bin/promtool-$version" ] || "$root/scripts/dashboard-check" --rules >&2
  cp "$telemetry/bin/prometheus-$version" "$context/prometheus" || fail "scripts/telemetry-check builds another version than $image"
  cp "$telemetry/bin/promtool-$version" "$context/promtool" || fail "scripts/dashboard-check builds another version than $image"
  cat >"$context/Dockerfile" <<DOCKERFILE
FROM $standin_base
COPY prometheus promtool /bin/
RUN mkdir -p /prometheus && chown 65534:65534 /prometheus
USER 65534
WORKDIR /prometheus
ENTRYPOINT ["/bin/prometheus"]
DOCKERFILE
  build_standin "$image" "$made_of" "$context"
}

standin_grafana() {
  local image="$1" made_of="$2" context="$3"
  CGO_ENABLED=0 go -C "$root/testbed" build -o "$context/grafana" ./bundlecheck/grafanastub || fail "the stand-in for Grafana does not build"
  cat >"$context/Dockerfile" <<'DOCKERFILE'
FROM scratch
COPY grafana /usr/bin/grafana
COPY grafana /usr/bin/wget
ENV PATH=/usr/bin
USER 472
ENTRYPOINT ["/usr/bin/grafana"]
DOCKERFILE
  build_standin "$image" "$made_of" "$context"
}

# standin_kuma takes the checkout's own server and packages: only Node.js and the libraries that it was built with are ours.
standin_kuma() {
  local image="$1" made_of="$2" context="$3" node version
  [ -n "${KUMA_SRC:-}" ] || fail "KUMA_SRC must name a checkout of Uptime Kuma ${image##*:} with its node_modules and dist (npm ci; any dist/index.html)"
  version="$(sed -n 's/^ *"version": "\(.*\)",$/\1/p' "$KUMA_SRC/package.json" | head -n 1)"
  [ "$version" = "${image##*:}" ] || fail "KUMA_SRC holds Uptime Kuma $version, and the bundle wants ${image##*:}"
  need_base
  node="$(readlink -f "$(command -v node)")" || fail "Node.js is needed for Uptime Kuma"
  mkdir "$context/app"
  (cd "$KUMA_SRC" && cp -r db dist extra node_modules package.json public server src config "$context/app/")
  (cd "$KUMA_SRC/extra" && CGO_ENABLED=0 go build -o "$context/app/extra/healthcheck" healthcheck.go) || fail "Kuma's health check does not build"
  cp "$node" "$context/node"
  mkdir "$context/lib"
  ldd "$node" | awk '/libstdc|libgcc_s/ {print $3}' | while read -r library; do cp -L "$library" "$context/lib/"; done
  cat >"$context/Dockerfile" <<DOCKERFILE
FROM $standin_base
COPY lib /usr/local/lib
COPY node /usr/local/bin/node
RUN ldconfig
COPY app /app
WORKDIR /app
ENV NODE_ENV=production
CMD ["node", "server/server.js"]
DOCKERFILE
  build_standin "$image" "$made_of" "$context"
}

# make_standin makes the one for an image, unless the real one is there or the stand-in is what it would become.
make_standin() {
  local image="$1" kind made_of there context
  case "$image" in
    golang:*) kind=go made_of="$(go env GOVERSION)-$(cat "$root/go.mod" "$root/go.sum" | cksum | cut -d ' ' -f 1)" ;;
    otel/*) kind=collector made_of="${image##*:}" ;;
    prom/*) kind=prometheus made_of="${image##*:}" ;;
    grafana/*) kind=grafana made_of=health-check-only ;;
    louislam/*) kind=kuma made_of="its-own-repository-${image##*:}" ;;
    *) fail "there is no stand-in for $image" ;;
  esac
  if there="$(standin_of "$image")"; then
    [ -n "$there" ] && [ "$there" != "$made_of" ] || return 0
  fi
  say "stand-ins: $image"
  context="$(mktemp -d "$cache/context.XXXXXX")"
  "standin_$kind" "$image" "$made_of" "$context"
}
