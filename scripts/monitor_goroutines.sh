#!/usr/bin/env bash
# A live view of a relay's goroutines. The usage text below says how.
set -uo pipefail

here="$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}" 2>/dev/null || echo "${BASH_SOURCE[0]}")")" && pwd)"
# shellcheck source=scripts/lib/health.sh
source "$here/lib/health.sh" || { echo "monitor_goroutines: lib/health.sh is missing: copy the whole scripts folder" >&2; exit 8; }

usage() {
  say '用法: monitor_goroutines.sh [地址 [间隔秒数]] [选项]

实时显示 goroutine 数量：当前、最大、最小、等级与建议、趋势图、占用最多的三个渠道。按 Ctrl+C 停止。

  --interval 秒     刷新间隔（默认 5，同第二个参数）
  --count 次数      看这么多次后结束（默认一直看）

例: ./monitor_goroutines.sh
    ./monitor_goroutines.sh http://your-server:3000 5

退出码: 0 用 Ctrl+C 停止，或最后一次不超过 5000；1 最后一次超过 5000；其余见下（最后一次的结果）' 'Usage: monitor_goroutines.sh [ADDRESS [SECONDS]] [options]

Shows the goroutines live: current, max, min, level and advice, a sparkline, and the three channels that hold most. Ctrl+C stops it.

  --interval SECONDS  time between two looks (default 5; the same as the second argument)
  --count N           stop after N looks (default: never)

Examples: ./monitor_goroutines.sh
          ./monitor_goroutines.sh http://your-server:3000 5

Exit codes: 0 stopped with Ctrl+C, or the last look found 5000 or fewer; 1 the last look found more; the rest below, also for the last look'
}

choose_language "$@"
interval='' count=0
while [ $# -gt 0 ]; do
  case "$1" in
    --interval) wants_value "$@"; interval="$2"; shift 2 ;;
    --count) wants_value "$@"; count="$2"; shift 2 ;;
    *) common_option "$@"; shift "$taken" ;;
  esac
done
settle 2
interval="${interval:-${positional[1]:-5}}"
wants_time --interval "$interval"
wants_number --count "$count"

readonly most_history=60
bars=(▁ ▂ ▃ ▄ ▅ ▆ ▇ █)
history=() highest='' lowest='' looks=0 last_code=0

# sparkline prints the history, the lowest as the smallest bar and the highest as the tallest.
sparkline() {
  local low high value line=''
  low="${history[0]}" high="${history[0]}"
  for value in "${history[@]}"; do
    [ "$value" -ge "$low" ] || low="$value"
    [ "$value" -le "$high" ] || high="$value"
  done
  for value in "${history[@]}"; do
    if [ "$high" -eq "$low" ]; then line+="${bars[0]}"; else line+="${bars[$(((value - low) * 7 / (high - low)))]}"; fi
  done
  printf '%s' "$line"
}

remember() {
  history+=("$1")
  [ "${#history[@]}" -le "$most_history" ] || history=("${history[@]:1}")
  [ -n "$highest" ] && [ "$1" -le "$highest" ] || highest="$1"
  [ -n "$lowest" ] && [ "$1" -ge "$lowest" ] || lowest="$1"
}

show_channels() {
  local name held calls place=0
  if ! read_top_channels; then
    show_busiest
    paint dim "$problem"
    echo
    return
  fi
  say '渠道前三:' 'Top three channels:'
  if [ -z "$top_channels" ]; then
    say '  （没有渠道在工作）' '  (no channel is at work)'
    return
  fi
  while IFS=$'\t' read -r name held calls; do
    place=$((place + 1))
    say '  %s. %s  goroutines %s  进行中 %s' '  %s. %s  goroutines %s  in flight %s' "$place" "$name" "$held" "$calls"
  done <<<"$top_channels"
}

# look is one picture. It is written at once, so that the screen does not flicker.
look() {
  local code=0
  read_health || code=$?
  [ "$code" -ne 0 ] || remember "$goroutines"
  [ "$colour" != always ] || printf '\033[H\033[J'
  say '📊 OneAPI Goroutine 实时监控  %s  %s' '📊 OneAPI goroutines, live  %s  %s' "$(shown_url)" "$(date '+%Y-%m-%d %H:%M:%S')"
  say '每 %s 秒刷新，按 Ctrl+C 停止' 'every %s s; Ctrl+C stops' "$interval"
  echo "========================"
  if [ "$code" -ne 0 ]; then
    paint red "🔴 $problem"
    echo
  else
    grade "$goroutines"
    say '当前: %s  %s' 'Current: %s  %s' "$(paint "$grade_colour" "$goroutines")" \
      "$(paint "$grade_colour" "$grade_icon $(say '%s（%s）' '%s (%s)' "$grade_word" "$grade_note")")"
  fi
  if [ -n "$highest" ]; then
    say '最大: %s  最小: %s' 'Max: %s  Min: %s' "$highest" "$lowest"
    say '趋势: %s' 'Trend: %s' "$(sparkline)"
  fi
  if [ "$code" -eq 0 ]; then
    say '内存使用: %sMB  %s' 'Memory: %sMB  %s' "$memory_mb" "$(memory_grade "$memory_mb")"
    [ "$in_flight" = - ] || say '进行中: %s' 'In flight: %s' "$in_flight"
    show_idle
    local alarm="$goroutines" advice="$grade_advice"
    show_channels
    say '建议: %s' 'Advice: %s' "$advice"
    [ "$alarm" -le 5000 ] || code="$EXIT_ALARM"
  fi
  echo
  return "$code"
}

stop() {
  [ -z "${sleeper:-}" ] || kill "$sleeper" 2>/dev/null
  echo
  [ -z "$highest" ] || say '已停止。共 %s 次，最大 %s，最小 %s' 'Stopped. %s looks, max %s, min %s' "$looks" "$highest" "$lowest"
  exit 0
}
trap stop INT TERM

while :; do
  last_code=0
  # Not in a subshell: it remembers the figures.
  look || last_code=$?
  looks=$((looks + 1))
  [ "$count" -eq 0 ] || [ "$looks" -lt "$count" ] || exit "$last_code"
  rest "$interval"
done
