#!/usr/bin/env bash
# One look at a relay's health. The usage text below says how.
set -uo pipefail

here="$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}" 2>/dev/null || echo "${BASH_SOURCE[0]}")")" && pwd)"
# shellcheck source=scripts/lib/health.sh
source "$here/lib/health.sh" || { echo "quick_check: lib/health.sh is missing: copy the whole scripts folder" >&2; exit 8; }

usage() {
  say '用法: quick_check.sh [地址] [选项]

查看一次 One API 的 goroutine 数量和内存，给出状态。

  -v, --verbose     另外显示进行中的请求、渠道状态和版本

例: ./quick_check.sh
    ./quick_check.sh http://your-server:3000

退出码: 0 正常或略高（不超过 5000）；1 超过 5000，或无法连接；其余见下' 'Usage: quick_check.sh [ADDRESS] [options]

Looks once at the goroutines and the memory of One API, and says how it is.

  -v, --verbose     calls in flight, channels and version too

Examples: ./quick_check.sh
          ./quick_check.sh http://your-server:3000

Exit codes: 0 normal or elevated (up to 5000); 1 above 5000, or unreachable; the rest below'
}

choose_language "$@"
verbose=no
while [ $# -gt 0 ]; do
  case "$1" in
    -v | --verbose) verbose=yes; shift ;;
    *) common_option "$@"; shift "$taken" ;;
  esac
done
settle 1

say '🔍 OneAPI 健康检查' '🔍 OneAPI health check'
echo "=================="

code=0
read_health || code=$?
if [ "$code" -ne 0 ]; then
  say '状态: 🔴 %s' 'Status: 🔴 %s' "$problem"
  # The plan promises 1 for a relay that cannot be reached.
  [ "$code" -ne "$EXIT_UNREACHABLE" ] || code="$EXIT_ALARM"
  exit "$code"
fi

echo "Goroutines: $goroutines"
say '内存使用: %sMB' 'Memory: %sMB' "$memory_mb"
if [ "$verbose" = yes ]; then
  read -r total healthy degraded disabled <<<"$channels"
  say '进行中: %s' 'In flight: %s' "$in_flight"
  say '渠道: 共 %s，健康 %s，降级 %s，停用 %s' 'Channels: %s in all, %s healthy, %s degraded, %s disabled' \
    "$total" "${healthy:--}" "${degraded:--}" "${disabled:--}"
  say '版本: %s' 'Version: %s' "$version"
fi
if [ "$verbose" = yes ] || [ "$goroutines" -gt 2000 ]; then
  show_idle
  show_busiest
fi
if [ "$goroutines" -gt 5000 ]; then
  say '状态: 🔴 危险 - Goroutine过多！' 'Status: 🔴 danger - too many goroutines!'
  exit "$EXIT_ALARM"
elif [ "$goroutines" -gt 2000 ]; then
  say '状态: 🟡 警告 - Goroutine略高' 'Status: 🟡 warning - goroutines somewhat high'
else
  say '状态: 🟢 正常' 'Status: 🟢 normal'
fi
