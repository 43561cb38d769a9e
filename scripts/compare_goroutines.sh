#!/usr/bin/env bash
# Compares a relay's goroutines before and after. The usage text below says how.
set -uo pipefail

here="$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}" 2>/dev/null || echo "${BASH_SOURCE[0]}")")" && pwd)"
# shellcheck source=scripts/lib/health.sh
source "$here/lib/health.sh" || { echo "compare_goroutines: lib/health.sh is missing: copy the whole scripts folder" >&2; exit 8; }

usage() {
  say '用法: compare_goroutines.sh [地址] [选项]

对比前后的 goroutine 数量：分布、当前、峰值、谷值、平均值，以及增长百分比。
历史来自 continuous_monitor 的日志；没有日志时只比较 --before 和当前值。

  --log 文件        日志文件（默认 环境变量 LOG_FILE，没有则为 /var/log/oneapi-goroutines.log）
  --lines 行数      使用日志最后多少行（默认 60，即最近 1 小时）
  --before 值       之前的数量：数字；curl … | jq . > baseline.json 保存的文件；或一份旧日志（取平均值）。
                    默认为上述日志行中最早的一行

例: ./compare_goroutines.sh
    ./compare_goroutines.sh --before baseline.json
    ./compare_goroutines.sh --before 169000

退出码: 0 当前不超过 5000；1 当前超过 5000；8 没有可比较的数据；其余见下' 'Usage: compare_goroutines.sh [ADDRESS] [options]

Compares the goroutines before and after: distribution, current, peak, trough, average, and the growth in percent.
The history is the log of continuous_monitor; without one, --before is compared with the current number.

  --log FILE        the log file (default LOG_FILE of the environment, else /var/log/oneapi-goroutines.log)
  --lines N         how many of its last lines to use (default 60: the last hour)
  --before VALUE    the number before: a number; a file made by curl … | jq . > baseline.json; or an old log (its average).
                    Default: the first of those lines

Examples: ./compare_goroutines.sh
          ./compare_goroutines.sh --before baseline.json
          ./compare_goroutines.sh --before 169000

Exit codes: 0 the current number is 5000 or less; 1 it is more; 8 there is nothing to compare; the rest below'
}

choose_language "$@"
log="${LOG_FILE:-/var/log/oneapi-goroutines.log}" lines=60 before=''
while [ $# -gt 0 ]; do
  case "$1" in
    --log) wants_value "$@"; log="$2"; shift 2 ;;
    --lines) wants_value "$@"; lines="$2"; shift 2 ;;
    --before) wants_value "$@"; before="$2"; shift 2 ;;
    *) common_option "$@"; shift "$taken" ;;
  esac
done
settle 1
wants_number --lines "$lines"
[ "$lines" -gt 0 ] || fail "$EXIT_USAGE" '--lines 必须大于 0' '--lines must be above 0'

# numbers prints the counts that the last lines of a log hold: numbers FILE LINES
numbers() { grep -F 'Goroutines: ' "$1" 2>/dev/null | tail -n "$2" | awk '{ n = $4; sub(/,.*/, "", n); if (n ~ /^[0-9]+$/) print n }'; }

average() { awk '{ sum += $1; count++ } END { if (count) printf "%.0f\n", sum / count }'; }

# before_number prints what --before stands for, or fails.
before_number() {
  local number
  case "$1" in *[!0-9]*) ;; *) printf '%s' "$1"; return ;; esac
  [ -r "$1" ] || return 1
  number="$(jq -rs 'if length == 1 then .[0].goroutines | numbers | floor else empty end' "$1" 2>/dev/null)"
  [ -n "$number" ] || number="$(numbers "$1" 1000000 | average)"
  [ -n "$number" ] && printf '%s' "$number"
}

history="$(numbers "$log" "$lines")"
if [ -n "$before" ]; then
  before_count="$(before_number "$before")" ||
    fail "$EXIT_LOCAL" '--before %s: 既不是数字，也不是可读的 baseline.json 或日志' '--before %s is neither a number nor a readable baseline.json or log' "$before"
else
  before_count="$(printf '%s\n' "$history" | head -1)"
fi

say '📊 Goroutine 数量趋势分析' '📊 Goroutines: the trend'
echo "========================"
if [ -n "$history" ]; then
  printf '%s\n' "$history" | sort -n | uniq -c
else
  say '（%s 中没有数据，先运行 continuous_monitor.sh）' '(nothing in %s: run continuous_monitor.sh first)' "$log"
fi

code=0
read_health || code=$?
echo
say '📈 统计：' '📈 Figures:'
if [ "$code" -eq 0 ]; then
  say '当前: %s' 'Current: %s' "$goroutines"
  [ "$goroutines" -le 5000 ] || code="$EXIT_ALARM"
else
  say '当前: 未知（%s）' 'Current: unknown (%s)' "$problem"
fi
if [ -n "$history" ]; then
  say '峰值: %s' 'Peak: %s' "$(printf '%s\n' "$history" | sort -rn | head -1)"
  say '谷值: %s' 'Trough: %s' "$(printf '%s\n' "$history" | sort -n | head -1)"
  say '平均值: %s' 'Average: %s' "$(printf '%s\n' "$history" | average)"
fi

after_count="${goroutines:-$(printf '%s\n' "$history" | tail -1)}"
if [ -z "$before_count" ] || [ -z "$after_count" ]; then
  [ "$code" -gt 1 ] || code="$EXIT_LOCAL"
  say '%s: 没有可比较的数据：需要 --before 或 continuous_monitor 的日志' '%s: nothing to compare: --before or a log of continuous_monitor is needed' "$program" >&2
  exit "$code"
fi
echo
say '🔁 前后对比：' '🔁 Before and after:'
say '之前: %s' 'Before: %s' "$before_count"
say '之后: %s' 'After: %s' "$after_count"
growth="$(awk -v before="$before_count" -v after="$after_count" 'BEGIN { if (before > 0) printf "%+.1f", (after - before) * 100 / before }')"
if [ -z "$growth" ]; then
  say '增长: 无法计算（之前为 0）' 'Growth: none to compute (0 before)'
elif awk -v growth="$growth" 'BEGIN { exit !(growth < 20) }'; then
  say '增长: %s%%  ✅ 增长 < 20%%，基本正常' 'Growth: %s%%  ✅ below 20%%: much as it should be' "$growth"
else
  say '增长: %s%%  ⚠️ 增长 ≥ 20%%，请持续观察' 'Growth: %s%%  ⚠️ 20%% or more: keep watching' "$growth"
fi
exit "$code"
