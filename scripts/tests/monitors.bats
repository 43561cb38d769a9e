#!/usr/bin/env bats
# monitor_goroutines, continuous_monitor and compare_goroutines.

load helper
setup() { start_relay; }
teardown() { stop_relay; }

@test "the live view shows current, max, min, level, advice, trend and the top three channels" {
  health 900 256 1
  health 2600 256 2
  health 1500 256 3
  channels
  run -0 "$scripts/monitor_goroutines.sh" "$url" 0.01 --count 3
  has_line '当前: 1500  🟢 良好（正常负载）'
  has_line '最大: 2600  最小: 900'
  has_line '趋势: ▁█▃'
  has_line '内存使用: 256MB  🟢 正常'
  has_line '进行中: 12'
  has_line '  1. openai-main  goroutines 400  进行中 120'
  has_line '  2. slow one  goroutines 30  进行中 10'
  has_line '  3. xai  goroutines 3  进行中 1'
  has_not fourth
  has_line '建议: 正常运行'
}

@test "each row of the guide's table has its word" {
  for row in 999:优秀 1000:良好 2000:良好 2001:注意 3001:警告 5001:告警 10000:告警 10001:危险; do
    health "${row%:*}"
    run "$scripts/monitor_goroutines.sh" --count 1
    has " ${row#*:}（"
    [ "$status" -eq "$([ "${row%:*}" -gt 5000 ] && echo 1 || echo 0)" ]
  done
}

@test "each row of the guide's memory table has its word" {
  for row in 1023:正常 1024:良好 2048:注意 3072:警告 4097:危险; do
    health 1 "${row%:*}"
    run -0 "$scripts/monitor_goroutines.sh" --count 1
    grep -q "^内存使用: ${row%:*}MB .*${row#*:}" <<<"$output"
  done
}

@test "colour goes to a terminal only, and can be switched off there" {
  health 900
  run -0 "$scripts/monitor_goroutines.sh" --count 1
  has_not $'\033'
  run -0 script -qec "TERM=xterm '$scripts/monitor_goroutines.sh' --count 1" /dev/null
  has $'\033[32m900'
  run -0 script -qec "TERM=xterm '$scripts/monitor_goroutines.sh' --count 1 --no-color" /dev/null
  has_not $'\033['
}

@test "without access to the channels it says so in one line and goes on" {
  health 900
  channels s3cret
  run -0 "$scripts/monitor_goroutines.sh" --count 1
  has_line '渠道明细不可用（HTTP 401）：需要环境变量 MONITOR_TOKEN'
  has_line '建议: 无需操作'
  MONITOR_TOKEN=s3cret run -0 "$scripts/monitor_goroutines.sh" --count 1
  has '1. openai-main'
}

@test "a relay without that page costs one line too" {
  health 900
  run -0 "$scripts/monitor_goroutines.sh" --count 1 --lang en
  has_line 'no channels to show (HTTP 404)'
}

@test "the view goes on while the relay is away, and remembers max and min" {
  health 900 256 1
  answers /api/monitor/health.2 503 application/json '{"status":"draining"}'
  health 700 256 3
  run -0 "$scripts/monitor_goroutines.sh" --interval 0.01 --count 3 --lang en
  has 'is draining'
  has_line 'Max: 900  Min: 700'
}

@test "Ctrl+C ends the view with a summary and exit code 0" {
  health 900
  channels
  # A terminal's Ctrl+C; a shell starts background jobs with it ignored, so TERM stands in where setsid is not enough.
  "$scripts/monitor_goroutines.sh" "$url" 60 >"$BATS_TEST_TMPDIR/view" 3>&- &
  view=$!
  until grep -q 建议 "$BATS_TEST_TMPDIR/view"; do kill -0 "$view"; sleep 0.02; done
  kill -TERM "$view"
  wait "$view"
  grep -q '已停止。共 1 次，最大 900，最小 900' "$BATS_TEST_TMPDIR/view"
}

@test "the monitor writes the guide's lines, and raises an alert in the log and on the terminal" {
  health 856 256 1
  health 5234 300 2
  health 900 256 3
  run -0 "$scripts/continuous_monitor.sh" --interval 0.01 --count 3
  [[ "$output" =~ ^\[[0-9]{4}-[0-9]{2}-[0-9]{2}\ [0-9:]{8}\]\ ⚠️\ ALERT:\ Goroutines=5234$ ]]
  [ "$(cut -d' ' -f3- "$LOG_FILE")" = "Goroutines: 856, Memory: 256MB
Goroutines: 5234, Memory: 300MB ⚠️ ALERT: Goroutines=5234
Goroutines: 900, Memory: 256MB" ]
}

@test "the guide's tail and awk commands give the right figures on such a log" {
  health 1000 256 1
  health 6000 256 2
  health 2000 256 3
  run -0 "$scripts/continuous_monitor.sh" --interval 0.01 --count 3
  [ "$(tail -1000 "$LOG_FILE" | awk '{print $4}' | awk '{sum+=$1; count++} END {print "平均值:", sum/count}')" = '平均值: 3000' ]
  [ "$(tail -60 "$LOG_FILE" | awk '{print $4}' | sort -rn | head -1)" = '6000,' ]
  [ "$(tail -60 "$LOG_FILE" | awk '{print $4}' | sort -n | head -1)" = '1000,' ]
  [ "$(tail -60 "$LOG_FILE" | awk '{print $4}' | sort -n | uniq -c | wc -l)" -eq 3 ]
}

@test "a look that failed is in a file of its own, so that the figures stay figures" {
  health 856 256 1
  answers /api/monitor/health 502 text/html '<html>'
  run -5 "$scripts/continuous_monitor.sh" --interval 0.01 --count 2
  [ "$(wc -l <"$LOG_FILE")" -eq 1 ]
  grep -q 'HTTP 502' "$LOG_FILE.errors"
  has 'HTTP 502'
}

@test "a log that cannot be written is exit code 8" {
  health 1
  run -8 "$scripts/continuous_monitor.sh" --count 1 --log "$BATS_TEST_TMPDIR/no/such/folder/log"
  has '--log'
}

old_log() {
  for n in 856 1200 1200 2156; do echo "[2025-10-27 10:30:00] Goroutines: $n, Memory: 256MB"; done >"$LOG_FILE"
  echo '[2025-10-27 10:31:30] ⚠️ ALERT: Goroutines=9999' >>"$LOG_FILE"
}

@test "compare shows distribution, current, peak, trough, average and growth" {
  health 1284
  old_log
  run -0 "$scripts/compare_goroutines.sh"
  has_line '📊 Goroutine 数量趋势分析'
  has_line '========================'
  has_line '      2 1200'
  has_line '📈 统计：'
  has_line '当前: 1284'
  has_line '峰值: 2156'
  has_line '谷值: 856'
  has_line '平均值: 1353'
  has_line '之前: 856'
  has_line '之后: 1284'
  has_line '增长: +50.0%  ⚠️ 增长 ≥ 20%，请持续观察'
}

@test "before may be a number, the guide's baseline.json, or an old log" {
  health 3000
  old_log
  run -0 "$scripts/compare_goroutines.sh" --before 169000 --lang en
  has_line 'Growth: -98.2%  ✅ below 20%: much as it should be'
  curl -s "$url/api/monitor/health" | jq . >"$BATS_TEST_TMPDIR/baseline.json"
  run -0 "$scripts/compare_goroutines.sh" --before "$BATS_TEST_TMPDIR/baseline.json"
  has_line '增长: +0.0%  ✅ 增长 < 20%，基本正常'
  run -0 "$scripts/compare_goroutines.sh" --before "$LOG_FILE"
  has_line '之前: 1353'
  run -8 "$scripts/compare_goroutines.sh" --before "$BATS_TEST_TMPDIR/nothing"
}

@test "--lines takes the last lines only" {
  health 100
  old_log
  run -0 "$scripts/compare_goroutines.sh" --lines 1
  has_line '谷值: 2156'
}

@test "compare works without a log, says what is missing, and is exit code 1 above 5000" {
  health 5001
  run -1 "$scripts/compare_goroutines.sh" --before 5000
  has 'continuous_monitor.sh'
  has_line '增长: +0.0%  ✅ 增长 < 20%，基本正常'
}

@test "compare without a relay still compares the log, with the relay's exit code" {
  old_log
  stop_relay
  run -3 "$scripts/compare_goroutines.sh"
  has '当前: 未知'
  has_line '之后: 2156'
  run -3 env LOG_FILE=/nonexistent "$scripts/compare_goroutines.sh"
  has '没有可比较的数据'
}

@test "no growth is computed from nothing" {
  health 10
  run -0 "$scripts/compare_goroutines.sh" --before 0
  has_line '增长: 无法计算（之前为 0）'
}
