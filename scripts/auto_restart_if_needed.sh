#!/usr/bin/env bash
# Restarts a relay that has far too many goroutines. The usage text below says how.
set -uo pipefail

here="$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}" 2>/dev/null || echo "${BASH_SOURCE[0]}")")" && pwd)"
lacking() { echo "auto_restart_if_needed: lib/$1.sh is missing: copy the whole scripts folder" >&2; exit 8; }
# shellcheck source=scripts/lib/health.sh
source "$here/lib/health.sh" || lacking health
# shellcheck source=scripts/lib/state.sh
source "$here/lib/state.sh" || lacking state
# shellcheck source=scripts/lib/notify.sh
source "$here/lib/notify.sh" || lacking notify

readonly EXIT_TOO_SOON=10 EXIT_LOCKED=11 EXIT_RESTART_FAILED=12

usage() {
  say '用法: auto_restart_if_needed.sh [地址] [选项]

goroutines > 10000 时重启服务（谨慎使用）。顺序: 加锁，读取，检查最短间隔，保存 goroutine 转储，
docker compose（或 docker-compose）restart one-api，确认已重启，记录日志，发送通知。无法读取时不重启；减去空闲客户端连接
（health 的 client_connections.idle，各占一个 goroutine）后不超过阈值时也不重启。只有 health 的 uptime_seconds 变小才算已重启。

  --threshold 数量      超过它才重启（默认 10000）
  --min-interval 秒     两次重启的最短间隔（默认 1800）
  --service 名称        compose 里的服务名（默认 one-api）
  --compose-file 文件   compose 文件（默认当前目录的；没有则为 ../deploy/docker-compose.yml）
  --dump-dir 目录       转储保存到哪里（默认在 ~/.local/state/one-api/dumps，保留最近 10 份）
  --log 文件            追加日志的文件（默认只输出到终端）
  --config 文件         读取下面的设置（权限必须为 600）
  --state 文件          状态文件（默认在 ~/.local/state/one-api/）
  --wait 秒             重启命令结束后，等待 uptime_seconds 变小的最长时间（默认 90）
  --dry-run             只显示会做什么：不转储，不重启，不通知

转储: 有 ADMIN_TOKEN 时取 /debug/pprof/goroutine?debug=2，否则取 /api/monitor/goroutines（需要时用 MONITOR_TOKEN）。

例（crontab，每分钟）:
  * * * * * cd /path/to/deploy && /path/to/scripts/auto_restart_if_needed.sh --config /etc/one-api-alert.conf --log /var/log/oneapi-restart.log

退出码: 0 不需要重启，或已重启；9 已重启但通知没有送达；10 需要重启但距上次太近；11 另一次运行还在进行；
12 重启失败，或没有看到重启；其余见下' 'Usage: auto_restart_if_needed.sh [ADDRESS] [options]

Restarts the service above 10000 goroutines (use with care). In this order: lock, look, minimum interval, save a goroutine dump,
docker compose (or docker-compose) restart one-api, see that it did, log, notify. A relay that cannot be read is not restarted, nor
one that is above only by idle client connections (client_connections.idle of the health; a goroutine each). A restart is believed when
uptime_seconds of the health has fallen, and not before.

  --threshold N           restart above it (default 10000)
  --min-interval SECONDS  the shortest time between two restarts (default 1800)
  --service NAME          the service in the compose file (default one-api)
  --compose-file FILE     the compose file (default: the current folder'\''s, else ../deploy/docker-compose.yml)
  --dump-dir FOLDER       where dumps go (default ~/.local/state/one-api/dumps; the last 10 are kept)
  --log FILE              a file to append the log to (default: only the terminal)
  --config FILE           read the settings below (its mode must be 600)
  --state FILE            the state file (default: in ~/.local/state/one-api/)
  --wait SECONDS          how long uptime_seconds may take to fall, after the command that restarts has ended (default 90)
  --dry-run               only say what would be done: no dump, no restart, no notice

The dump: /debug/pprof/goroutine?debug=2 with ADMIN_TOKEN, else /api/monitor/goroutines (with MONITOR_TOKEN where needed).

Example (crontab, every minute):
  * * * * * cd /path/to/deploy && /path/to/scripts/auto_restart_if_needed.sh --config /etc/one-api-alert.conf --log /var/log/oneapi-restart.log

Exit codes: 0 no restart needed, or restarted; 9 restarted, but a notice was not delivered; 10 needed, but too soon after the last;
11 another run is at it; 12 the restart failed, or was not seen; the rest below'
  notify_usage
}

choose_language "$@"
threshold=10000 min_interval=1800 service=one-api compose_file='' dump_dir='' log='' config='' state='' dry_run=no patience=90
while [ $# -gt 0 ]; do
  case "$1" in
    --threshold) wants_value "$@"; threshold="$2"; shift 2 ;;
    --min-interval) wants_value "$@"; min_interval="$2"; shift 2 ;;
    --service) wants_value "$@"; service="$2"; shift 2 ;;
    --compose-file) wants_value "$@"; compose_file="$2"; shift 2 ;;
    --dump-dir) wants_value "$@"; dump_dir="$2"; shift 2 ;;
    --log) wants_value "$@"; log="$2"; shift 2 ;;
    --config) wants_value "$@"; config="$2"; shift 2 ;;
    --state) wants_value "$@"; state="$2"; shift 2 ;;
    --wait) wants_value "$@"; patience="$2"; shift 2 ;;
    --dry-run) dry_run=yes; shift ;;
    *) common_option "$@"; shift "$taken" ;;
  esac
done
settle 1
wants_number --threshold "$threshold"
wants_number --min-interval "$min_interval"
wants_number --wait "$patience"
[ -z "$config" ] || read_settings "$config"
recognise
[ -n "$state" ] || state="$(default_state_file auto_restart).json"
[ -n "$dump_dir" ] || dump_dir="$(dirname "$state")/dumps"
if [ -n "$compose_file" ] && [ ! -r "$compose_file" ]; then
  fail "$EXIT_LOCAL" '无法读取 %s' '%s cannot be read' "$compose_file"
fi
umask 077

# record shows a line, and adds it to the log with the time.
record() {
  local line
  line="$(say "$@")"
  echo "$line"
  [ -z "$log" ] || { printf '[%s] %s\n' "$(date '+%Y-%m-%d %H:%M:%S')" "$line" >>"$log"; } 2>/dev/null ||
    say '无法写入 %s' '%s cannot be written' "$log" >&2
}

# choose_compose sets composes to the commands that may restart the service, the likelier one first: docker-compose of Python (v1) cannot
# read the files of this project, and on many machines it is still there beside the plugin.
choose_compose() {
  local own=no candidate words=()
  composes=()
  if docker compose version >/dev/null 2>&1; then composes+=('docker compose'); fi
  if command -v docker-compose >/dev/null 2>&1; then composes+=(docker-compose); fi
  if [ "${#composes[@]}" -eq 0 ]; then
    record '缺少 docker-compose（或 docker compose）' 'docker-compose (or docker compose) is missing'
    exit "$EXIT_LOCAL"
  fi
  if [ -z "$compose_file" ] && [ -z "${COMPOSE_FILE:-}" ]; then
    for candidate in docker-compose.yml docker-compose.yaml compose.yml compose.yaml; do [ ! -e "$candidate" ] || own=yes; done
    [ "$own" = yes ] || [ ! -r "$here/../deploy/docker-compose.yml" ] || compose_file="$here/../deploy/docker-compose.yml"
  fi
  [ -z "$compose_file" ] || words+=(-f "$compose_file")
  restart_words=("${words[@]+"${words[@]}"}" restart "$service")
}

# run_restart asks one Compose to restart the service: run_restart COMPOSE. Its exit code is Compose's.
run_restart() {
  local words
  read -ra words <<<"$1"
  words+=("${restart_words[@]}")
  if [ -n "$log" ] && [ -w "$log" ]; then
    "${words[@]}" 9>&- 2>&1 | tee -a "$log"
  else
    "${words[@]}" 9>&-
  fi
}

# restart tries each Compose until one has done it. Sets restart_code to the last one's exit code.
restart() {
  local compose
  for compose in "${composes[@]}"; do
    restart_code=0
    run_restart "$compose" || restart_code=$?
    [ "$restart_code" -ne 0 ] || return 0
    record '%s 无法重启（退出码 %s）' '%s could not restart it (exit code %s)' "$compose ${restart_words[*]}" "$restart_code"
  done
  return 1
}

# see_restart waits until the health comes from a process that is younger than the one before: see_restart UPTIME-BEFORE. It fails where
# that does not happen, and doubt says what was seen instead.
see_restart() {
  local deadline=$((SECONDS + patience))
  while :; do
    if read_health; then
      case "$1/$uptime" in
        */- | -/*) doubt="$(say 'health 没有 uptime_seconds' 'the health has no uptime_seconds')" ;;
        *)
          [ "$uptime" -ge "$1" ] || return 0
          doubt="$(say 'uptime_seconds 没有变小: %s -> %s' 'uptime_seconds has not fallen: %s -> %s' "$1" "$uptime")"
          ;;
      esac
    else
      doubt="$problem"
    fi
    [ "$SECONDS" -lt "$deadline" ] || return 1
    rest 1
  done
}

# save_dump keeps what the goroutines are doing. Without one the restart goes on: the relay is in danger.
save_dump() {
  local stamp ending=json path=/api/monitor/goroutines token="${MONITOR_TOKEN:-}"
  stamp="$(date '+%Y%m%d-%H%M%S')"
  if ! mkdir -p "$dump_dir" 2>/dev/null; then
    record '⚠️ 没有转储：无法写入 %s' '⚠️ no dump: %s cannot be written' "$dump_dir"
    return
  fi
  [ -z "${ADMIN_TOKEN:-}" ] || path='/debug/pprof/goroutine?debug=2' token="$ADMIN_TOKEN" ending=txt
  dump="$dump_dir/goroutines-$stamp-$$.$ending"
  # A dump of many goroutines is large, and takes the relay some seconds.
  fetch "$path" "$token" 60 "$dump" || answer_status="curl $answer_status"
  if [ "$answer_status" != 200 ] && [ "$ending" = txt ]; then
    record 'pprof 不可用（%s），改用 /api/monitor/goroutines' 'no pprof (%s): taking /api/monitor/goroutines' "$answer_status"
    rm -f "$dump"
    dump="${dump%.txt}.json"
    fetch /api/monitor/goroutines "${MONITOR_TOKEN:-}" 60 "$dump" || answer_status="curl $answer_status"
  fi
  if [ "$answer_status" != 200 ] || [ ! -s "$dump" ]; then
    record '⚠️ 没有转储（%s）：请设置 ADMIN_TOKEN 或 MONITOR_TOKEN' '⚠️ no dump (%s): set ADMIN_TOKEN or MONITOR_TOKEN' "$answer_status"
    rm -f "$dump"
    dump=''
    return
  fi
  record '已保存 goroutine 转储: %s' 'saved a goroutine dump: %s' "$dump"
  # Names begin with the time, so the first are the oldest.
  local all=("$dump_dir"/goroutines-*) i
  for ((i = 0; i < ${#all[@]} - 10; i++)); do rm -f "${all[i]}"; done
}

prepare_state "$state" || fail "$EXIT_LOCKED" '另一次运行还在进行' 'another run is at it'

code=0
read_health || code=$?
if [ "$code" -ne 0 ]; then
  record '不重启: %s' 'no restart: %s' "$problem"
  exit "$code"
fi
if [ "$goroutines" -le "$threshold" ]; then
  say '无需重启: Goroutines %s（阈值 %s）' 'no restart needed: goroutines %s (threshold %s)' "$goroutines" "$threshold"
  exit 0
fi

if [ "$busy" -le "$threshold" ]; then
  record '不重启: Goroutines %s > %s，但其中 %s 个是空闲客户端连接，重启没有用' \
    'no restart: goroutines %s > %s, but %s of them are idle client connections, which no restart cures' "$goroutines" "$threshold" "$idle"
  exit 0
fi

now="$(date +%s)"
since=$((now - $(read_state "$state" .restarted)))
if [ "$since" -lt "$min_interval" ]; then
  record '⚠️ Goroutines %s > %s，但 %s 秒前刚尝试过重启（最短间隔 %s 秒），不重启' \
    '⚠️ Goroutines %s > %s, but a restart was tried %s s ago (minimum interval %s s): no restart' "$goroutines" "$threshold" "$since" "$min_interval"
  exit "$EXIT_TOO_SOON"
fi
choose_compose

record "⚠️ Goroutines > %s, restarting service..." "⚠️ Goroutines > %s, restarting service..." "$threshold"
if [ "$dry_run" = yes ]; then
  say '演练: 会保存转储到 %s，然后运行: %s' 'dry run: a dump would go to %s, then: %s' "$dump_dir" "${composes[0]} ${restart_words[*]}"
  exit 0
fi
dump=''
save_dump
# Remembered before the restart: one that fails half-way must not be repeated every minute.
# shellcheck disable=SC2016 # jq's variables
write_state "$state" --argjson now "$now" '.restarted = $now'
before="$uptime" many="$goroutines" held="$(show_busiest)" doubt='' restart_code=0

if ! restart; then
  event=restart_failed code="$EXIT_RESTART_FAILED"
  text="$(say '🔴 OneAPI 自动重启失败（Goroutine过多: %s，退出码 %s）' '🔴 OneAPI could not be restarted (too many goroutines: %s, exit code %s)' "$many" "$restart_code")"
elif ! see_restart "$before"; then
  event=restart_failed code="$EXIT_RESTART_FAILED"
  text="$(say '🔴 OneAPI 没有重启成功（Goroutine过多: %s；%s）' '🔴 OneAPI was not seen to restart (too many goroutines: %s; %s)' "$many" "$doubt")"
else
  event=restart
  text="$(say 'OneAPI 已自动重启（Goroutine过多: %s）' 'OneAPI was restarted (too many goroutines: %s)' "$many")"
fi
record '%s' '%s' "$text"
[ -z "$held" ] || { record '%s' '%s' "$held"; text="$text"$'\n'"$held"; }
if can_notify; then
  # shellcheck disable=SC2016 # jq's variables
  notify '⚠️ OneAPI Alert: Restart' "$text" "$(jq -cn --arg event "$event" --arg service "$(shown_url)" --argjson goroutines "$many" --arg dump "$dump" \
    --arg time "$(date -u '+%Y-%m-%dT%H:%M:%SZ')" '{event: $event, level: "severe", service: $service, goroutines: $goroutines, dump: $dump, time: $time}')"
  [ "$undelivered" -eq 0 ] || [ "$code" -ne 0 ] || code="$EXIT_UNDELIVERED"
fi
exit "$code"
