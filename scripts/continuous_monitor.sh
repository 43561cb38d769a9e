#!/usr/bin/env bash
# Writes a relay's goroutines to a log file. The usage text below says how.
set -uo pipefail

here="$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}" 2>/dev/null || echo "${BASH_SOURCE[0]}")")" && pwd)"
# shellcheck source=scripts/lib/health.sh
source "$here/lib/health.sh" || { echo "continuous_monitor: lib/health.sh is missing: copy the whole scripts folder" >&2; exit 8; }

usage() {
  say '用法: continuous_monitor.sh [地址 [间隔秒数]] [选项]

每隔一段时间把 goroutine 数量和内存写入日志文件，每次一行:
  [2025-10-27 10:30:00] Goroutines: 856, Memory: 256MB
超过 5000 时行尾加 "⚠️ ALERT: Goroutines=N"，并输出到终端。这样日志里每行的第四列都是数量，
指南里的 tail | awk 命令可以直接使用。读取失败写入 <日志>.errors 和标准错误。按 Ctrl+C 停止。

  --log 文件        日志文件（默认 环境变量 LOG_FILE，没有则为 /var/log/oneapi-goroutines.log）
  --interval 秒     间隔（默认 60，同第二个参数）
  --count 次数      记录这么多次后结束（默认一直记录）

例: nohup ./continuous_monitor.sh &
    ./continuous_monitor.sh http://your-server:3000 30 --log /tmp/goroutines.log

退出码: 0 用 Ctrl+C 停止，或最后一次不超过 5000；1 最后一次超过 5000；其余见下（最后一次的结果；8 也表示日志不可写）' 'Usage: continuous_monitor.sh [ADDRESS [SECONDS]] [options]

Writes goroutines and memory to a log file, one line a look:
  [2025-10-27 10:30:00] Goroutines: 856, Memory: 256MB
Above 5000 the line ends with "⚠️ ALERT: Goroutines=N", which the terminal shows too: the fourth column of every line is the
number, so the tail | awk commands of the guide work as they are. A failed look goes to LOG.errors and standard error. Ctrl+C stops it.

  --log FILE          the log file (default LOG_FILE of the environment, else /var/log/oneapi-goroutines.log)
  --interval SECONDS  time between two looks (default 60; the same as the second argument)
  --count N           stop after N looks (default: never)

Examples: nohup ./continuous_monitor.sh &
          ./continuous_monitor.sh http://your-server:3000 30 --log /tmp/goroutines.log

Exit codes: 0 stopped with Ctrl+C, or the last look found 5000 or fewer; 1 the last look found more; the rest below, also for the last look (8: or the log cannot be written)'
}

choose_language "$@"
interval='' count=0 log="${LOG_FILE:-/var/log/oneapi-goroutines.log}"
while [ $# -gt 0 ]; do
  case "$1" in
    --log) wants_value "$@"; log="$2"; shift 2 ;;
    --interval) wants_value "$@"; interval="$2"; shift 2 ;;
    --count) wants_value "$@"; count="$2"; shift 2 ;;
    *) common_option "$@"; shift "$taken" ;;
  esac
done
settle 2
interval="${interval:-${positional[1]:-60}}"
wants_time --interval "$interval"
wants_number --count "$count"

# write appends a line to a file: write FILE LINE
write() {
  printf '%s\n' "$2" 2>/dev/null >>"$1" || fail "$EXIT_LOCAL" '无法写入 %s（可用 --log 指定其他文件）' '%s cannot be written (--log names another file)' "$1"
}

stop() {
  [ -z "${sleeper:-}" ] || kill "$sleeper" 2>/dev/null
  exit 0
}
trap stop INT TERM

: 2>/dev/null >>"$log" || fail "$EXIT_LOCAL" '无法写入 %s（可用 --log 指定其他文件）' '%s cannot be written (--log names another file)' "$log"
looks=0
while :; do
  code=0
  read_health || code=$?
  stamp="$(date '+%Y-%m-%d %H:%M:%S')"
  if [ "$code" -ne 0 ]; then
    write "$log.errors" "[$stamp] $problem"
    echo "[$stamp] $problem" >&2
  elif [ "$goroutines" -gt 5000 ]; then
    code="$EXIT_ALARM"
    write "$log" "[$stamp] Goroutines: $goroutines, Memory: ${memory_mb}MB ⚠️ ALERT: Goroutines=$goroutines"
    echo "[$stamp] ⚠️ ALERT: Goroutines=$goroutines"
  else
    write "$log" "[$stamp] Goroutines: $goroutines, Memory: ${memory_mb}MB"
  fi
  looks=$((looks + 1))
  [ "$count" -eq 0 ] || [ "$looks" -lt "$count" ] || exit "$code"
  rest "$interval"
done
