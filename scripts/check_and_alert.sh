#!/usr/bin/env bash
# Looks once at a relay and tells people when it is in trouble. The usage text below says how.
set -uo pipefail

here="$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}" 2>/dev/null || echo "${BASH_SOURCE[0]}")")" && pwd)"
lacking() { echo "check_and_alert: lib/$1.sh is missing: copy the whole scripts folder" >&2; exit 8; }
# shellcheck source=scripts/lib/health.sh
source "$here/lib/health.sh" || lacking health
# shellcheck source=scripts/lib/state.sh
source "$here/lib/state.sh" || lacking state
# shellcheck source=scripts/lib/notify.sh
source "$here/lib/notify.sh" || lacking notify

usage() {
  say '用法: check_and_alert.sh [地址] [选项]

检查一次，需要时发送告警；适合放进 crontab。
  级别1 警告: goroutines > 2000     发送通知，继续观察
  级别2 紧急: goroutines > 5000     立即检查，准备重启
  级别3 严重: goroutines > 10000    立即重启服务
  无法读取:   连续 --down-after 次没有可用的回答（正在停机不算）
空闲客户端连接（health 的 client_connections.idle）各占一个 goroutine，判断级别时会减去：它们不是故障，不值得叫醒人。
同一级别在静默时间内不重复；降到 2000 及以下时发送恢复通知，之后的紧急和严重会立即再次告警。

  --config 文件     读取下面的设置（权限必须为 600）
  --quiet 秒        同一级别的静默时间（默认 3600）
  --down-after 次   连续多少次无法读取才告警（默认 2）
  --state 文件      状态文件（默认在 ~/.local/state/one-api/）
  --dry-run         只显示要发送的内容，不发送，也不改变状态

例（crontab，每 5 分钟）:
  */5 * * * * /path/to/scripts/check_and_alert.sh http://localhost:3000 --config /etc/one-api-alert.conf

退出码: 0 不超过 5000（不含空闲连接）；1 超过 5000；9 通知没有送达；其余见下' 'Usage: check_and_alert.sh [ADDRESS] [options]

Looks once, and sends an alert where one is due. Made for crontab.
  level 1, warning:   goroutines > 2000     tell, and keep watching
  level 2, critical:  goroutines > 5000     look at once, prepare a restart
  level 3, severe:    goroutines > 10000    restart the service at once
  unreadable:         no usable answer --down-after times in a row (draining does not count)
Idle client connections (client_connections.idle of the health) have a goroutine each, and are taken off before a level is judged: they
are no trouble, and nobody is woken for them. A level is not told again within the quiet interval. At 2000 and below a recovery notice is sent; after it critical and severe are
told at once again.

  --config FILE       read the settings below (its mode must be 600)
  --quiet SECONDS     how long a level is not told again (default 3600)
  --down-after N      how many unreadable looks in a row are told (default 2)
  --state FILE        the state file (default: in ~/.local/state/one-api/)
  --dry-run           show what would be sent; send nothing, remember nothing

Example (crontab, every 5 minutes):
  */5 * * * * /path/to/scripts/check_and_alert.sh http://localhost:3000 --config /etc/one-api-alert.conf

Exit codes: 0 5000 or fewer (idle connections taken off); 1 more than 5000; 9 a notice was not delivered; the rest below'
  notify_usage
}

choose_language "$@"
config='' quiet=3600 down_after=2 state='' dry_run=no
while [ $# -gt 0 ]; do
  case "$1" in
    --config) wants_value "$@"; config="$2"; shift 2 ;;
    --quiet) wants_value "$@"; quiet="$2"; shift 2 ;;
    --down-after) wants_value "$@"; down_after="$2"; shift 2 ;;
    --state) wants_value "$@"; state="$2"; shift 2 ;;
    --dry-run) dry_run=yes; shift ;;
    *) common_option "$@"; shift "$taken" ;;
  esac
done
settle 1
wants_number --quiet "$quiet"
wants_number --down-after "$down_after"
[ -z "$config" ] || read_settings "$config"
recognise
[ -n "$state" ] || state="$(default_state_file check_and_alert).json"
umask 077
prepare_state "$state" || { say '另一次检查还在运行' 'another check is still running' >&2; exit 0; }

# alert_text is what people read. Its first three lines are the guide's.
alert_text() {
  local threshold="$1" level="$2" name held calls
  if [ "$level" = down ]; then
    say '⚠️ OneAPI告警\n%s' '⚠️ OneAPI alert\n%s' "$problem"
    return
  fi
  say '⚠️ OneAPI告警\n当前Goroutine数量: %s\n已超过阈值%s，请检查！' '⚠️ OneAPI alert\nGoroutines now: %s\nabove the threshold of %s: please look!' \
    "$goroutines" "$threshold"
  case "$level" in
    warning) say '级别1: 警告（继续观察）' 'Level 1: warning (keep watching)' ;;
    critical) say '级别2: 紧急（立即检查，准备重启）' 'Level 2: critical (look at once, prepare a restart)' ;;
    severe) say '级别3: 严重（立即重启服务）' 'Level 3: severe (restart the service at once)' ;;
  esac
  show_idle
  show_busiest
  if read_top_channels && [ -n "$top_channels" ]; then
    say '占用最多的渠道:' 'The channels that hold most:'
    while IFS=$'\t' read -r name held calls; do
      say '- %s: goroutines %s，进行中 %s' '- %s: goroutines %s, in flight %s' "$name" "$held" "$calls"
    done <<<"$top_channels"
  fi
  say '服务: %s' 'Service: %s' "$(shown_url)"
}

# tell sends a notice and shows it; true where it went out by at least one way, or where standard output is the only one.
tell() {
  local event="$1" level="$2" subject="$3" text="$4" mail_head=''
  printf '%s\n' "$text"
  if [ "$dry_run" = yes ]; then return; fi
  if ! can_notify; then
    say '%s: 没有配置通知方式，只在这里显示（--help 查看用法）' '%s: no way to notify is set, so it is only shown here (see --help)' "$program" >&2
    return
  fi
  # A mail begins with the guide's line.
  [ "$event/$level" = alert/down ] || [ "$event" = recovery ] || mail_head="High goroutine count: $goroutines"
  # shellcheck disable=SC2016 # jq's variables
  notify "$subject" "$text" "$(jq -cn --arg event "$event" --arg level "$level" --arg service "$(shown_url)" --argjson goroutines "${goroutines:-null}" \
    --arg time "$(date -u '+%Y-%m-%dT%H:%M:%SZ')" '{event: $event, level: $level, service: $service, goroutines: $goroutines, time: $time}')" \
    "$mail_head"
  [ "$undelivered" -eq 0 ] || exit_code="$EXIT_UNDELIVERED"
  [ "$delivered" -gt 0 ]
}

remember() { [ "$dry_run" = yes ] || write_state "$state" "$@"; }

now="$(date +%s)"
exit_code=0
read_health || exit_code=$?
case "$exit_code" in
  0)
    level=normal threshold=2000
    [ "$busy" -le 2000 ] || level=warning
    [ "$busy" -le 5000 ] || { level=critical threshold=5000 exit_code="$EXIT_ALARM"; }
    [ "$busy" -le 10000 ] || { level=severe threshold=10000; }
    subject="⚠️ OneAPI Alert: High Goroutine Count"
    ;;
  "$EXIT_DRAINING")
    echo "$problem"
    exit "$exit_code"
    ;;
  *)
    failed=$(($(read_state "$state" .failed) + 1)) threshold='' subject="⚠️ OneAPI Alert: No Health Answer"
    # shellcheck disable=SC2016 # jq's variables
    remember --argjson failed "$failed" '.failed = $failed'
    echo "$problem" >&2
    [ "$failed" -ge "$down_after" ] || exit "$exit_code"
    level=down
    ;;
esac

# incident is whether something was told since the last recovery; told.LEVEL is when that level was told last.
if [ "$level" = normal ]; then
  if [ "$(read_state "$state" .incident)" = true ]; then
    text="$(say '✅ OneAPI恢复\n当前Goroutine数量: %s，已恢复正常（期间峰值: %s）\n服务: %s' \
      '✅ OneAPI recovered\nGoroutines now: %s, normal again (peak: %s)\nService: %s' \
      "$goroutines" "$(read_state "$state" .peak)" "$(shown_url)"; show_idle)"
    tell recovery normal '✅ OneAPI Recovered' "$text" &&
      remember '{told: {warning: (.told.warning // 0)}, incident: false, failed: 0}'
  else
    remember '.failed = 0 | .peak = 0'
    say '正常: Goroutines %s' 'normal: goroutines %s' "$goroutines"
    show_idle
  fi
  exit "$exit_code"
fi

# shellcheck disable=SC2016 # jq's variables
[ "$level" = down ] || remember --argjson now "$goroutines" '.failed = 0 | .peak = ([.peak // 0, $now] | max)'
if [ $((now - $(read_state "$state" ".told.$level"))) -lt "$quiet" ]; then
  say '静默中，不重复 %s（goroutines: %s）' 'quiet: %s is not told again (goroutines: %s)' "$level" "${goroutines:--}"
  exit "$exit_code"
fi
text="$(alert_text "$threshold" "$level")"
# shellcheck disable=SC2016 # jq's variables
tell alert "$level" "$subject" "$text" &&
  remember --arg level "$level" --argjson now "$now" '.told[$level] = $now | .incident = true'
exit "$exit_code"
