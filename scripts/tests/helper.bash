# shellcheck shell=bash
# What the tests share: a fake relay on a free port, and programs that stand in for docker-compose and mail.
# shellcheck disable=SC2034,SC2154 # bats sets and reads these

bats_require_minimum_version 1.5.0

scripts="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

start_relay() {
  relay="$BATS_TEST_TMPDIR/relay"
  mkdir -p "$relay/answers" "$BATS_TEST_TMPDIR/bin" "$BATS_TEST_TMPDIR/home"
  : >"$relay/asked"
  python3 "$(dirname "${BASH_SOURCE[0]}")/fake_relay.py" "$relay" 3>&- &
  relay_pid=$!
  until [ -s "$relay/port" ]; do kill -0 "$relay_pid" || return 1; sleep 0.02; done
  url="http://127.0.0.1:$(cat "$relay/port")"
  export API_URL="$url" HOME="$BATS_TEST_TMPDIR/home" PATH="$BATS_TEST_TMPDIR/bin:$PATH" LOG_FILE="$BATS_TEST_TMPDIR/goroutines.log"
  # No Docker of this machine's is ever called: a test says which Compose there is.
  printf '#!/usr/bin/env bash\nexit 1\n' >"$BATS_TEST_TMPDIR/bin/docker"
  chmod +x "$BATS_TEST_TMPDIR/bin/docker"
  unset ONEAPI_LANG MONITOR_TOKEN ADMIN_TOKEN NO_COLOR XDG_STATE_HOME WEBHOOK_URL WECOM_WEBHOOK_URL DINGTALK_WEBHOOK_URL DINGTALK_SECRET \
    FEISHU_WEBHOOK_URL FEISHU_SECRET ALERT_MAIL_TO ALERT_MAIL_FROM SMTP_URL SMTP_USER SMTP_PASSWORD COMPOSE_FILE
}

stop_relay() {
  [ -z "${relay_pid:-}" ] || { kill "$relay_pid" && wait "$relay_pid"; } 2>/dev/null || true
}

# answers PATH STATUS TYPE BODY [TOKEN]
answers() { printf '%s %s %s\n%s' "$2" "$3" "${5:-}" "$4" >"$relay/answers/${1//\//_}"; }

# health GOROUTINES [MEMORY [NUMBER-OF-THE-REQUEST]]. The variables uptime, idle and busiest (JSON) change what it says beside.
health() {
  answers "/api/monitor/health${3:+.$3}" 200 application/json "$(jq -cn --argjson n "$1" --argjson m "${2:-120}" --argjson uptime "${uptime:-9000}" \
    --argjson idle "${idle:-0}" --argjson busiest "${busiest:-null}" '
    {status: "ok", goroutines: $n, memory: {alloc_mb: $m, total_alloc_mb: 1024, sys_mb: 512, num_gc: 45}, level: "normal", in_flight: 12,
     open_bodies: 11, unexplained_goroutines: 0, channels: {total: 4, healthy: 3, degraded: 1, disabled: 0}, uptime_seconds: $uptime,
     client_connections: {open: ($idle + 12), idle: $idle}, version: "v1.0.0"} + if $busiest then {busiest: $busiest} else {} end')"
}

# channels [TOKEN]: five of them, and the goroutines of none.
channels() {
  answers /api/monitor/goroutines 200 application/json '{"total":99,"by_channel":[{"channel":"","goroutines":9000,"in_flight":0},
    {"channel":"openai-main","goroutines":400,"in_flight":120},{"channel":"slow one","goroutines":30,"in_flight":10},
    {"channel":"xai","goroutines":3,"in_flight":1},{"channel":"fourth","goroutines":2,"in_flight":1}]}' "${1:-}"
}

# asked JQ-FILTER prints what was asked of the fake relay.
asked() { jq -r "$1" "$relay/asked"; }

# stand_in NAME BODY puts a program on the PATH. It notes its arguments in $BATS_TEST_TMPDIR/called.
stand_in() {
  printf '#!/usr/bin/env bash\nprintf "%%s\\n" "%s $*" >>"%s"\n%s\n' "$1" "$BATS_TEST_TMPDIR/called" "${2:-}" >"$BATS_TEST_TMPDIR/bin/$1"
  chmod +x "$BATS_TEST_TMPDIR/bin/$1"
}

# restarting NAME [BODY] is a stand-in that restarts the relay: afterwards its health is that of a young process.
restarting() {
  local now
  now="$(cat "$relay/answers/_api_monitor_health")"
  uptime=1 health 300
  mv "$relay/answers/_api_monitor_health" "$relay/young"
  printf '%s' "$now" >"$relay/answers/_api_monitor_health"
  stand_in "$1" "${2:-}"$'\n'"case \" \$* \" in *' restart '*) cp '$relay/young' '$relay/answers/_api_monitor_health' ;; esac"
}

# path_without NAME… makes a PATH of the programs that the scripts use, but for those.
path_without() {
  local tool
  mkdir -p "$BATS_TEST_TMPDIR/few"
  for tool in bash env curl jq basename dirname readlink date tr cat mkdir sleep awk sort uniq head tail grep ls mv rm cut od sed base64 sha256sum tee; do
    case " $* " in *" $tool "*) ;; *) ln -sf "$(command -v "$tool")" "$BATS_TEST_TMPDIR/few/$tool" ;; esac
  done
  few="$BATS_TEST_TMPDIR/few"
}

has_line() {
  local line
  for line in "${lines[@]}"; do [ "$line" != "$1" ] || return 0; done
  printf 'no line is: %s\nbut there is:\n%s\n' "$1" "$output"
  return 1
}

has() { [[ "$output" == *"$1"* ]] || { printf 'nowhere: %s\nin:\n%s\n' "$1" "$output"; return 1; }; }
has_not() { [[ "$output" != *"$1"* ]] || { printf 'there is: %s\nin:\n%s\n' "$1" "$output"; return 1; }; }
