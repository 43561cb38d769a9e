#!/usr/bin/env bats
# quick_check, and what every script does with an answer that is none.

load helper
setup() { start_relay; }
teardown() { stop_relay; }

@test "a quiet relay is normal, in the guide's words" {
  health 856 256
  run -0 "$scripts/quick_check.sh"
  [ "$output" = "🔍 OneAPI 健康检查
==================
Goroutines: 856
内存使用: 256MB
状态: 🟢 正常" ]
}

@test "2000 is normal and 2001 is a warning, both with exit code 0" {
  health 2000
  run -0 "$scripts/quick_check.sh"
  has_line '状态: 🟢 正常'
  health 2001
  run -0 "$scripts/quick_check.sh"
  has_line '状态: 🟡 警告 - Goroutine略高'
}

@test "5000 is a warning and 5001 a danger with exit code 1" {
  health 5000
  run -0 "$scripts/quick_check.sh"
  has_line '状态: 🟡 警告 - Goroutine略高'
  health 5001
  run -1 "$scripts/quick_check.sh"
  has_line '状态: 🔴 危险 - Goroutine过多！'
}

@test "English is asked for by --lang, and LANG does not decide" {
  health 5001
  run -1 "$scripts/quick_check.sh" --lang en
  has_line 'Status: 🔴 danger - too many goroutines!'
  LANG=en_US.UTF-8 run -1 "$scripts/quick_check.sh"
  has '状态'
  ONEAPI_LANG=en run -1 "$scripts/quick_check.sh"
  has 'Status'
}

@test "the address may be given with and without its path and its scheme" {
  health 10
  run -0 env -u API_URL "$scripts/quick_check.sh" "$url/api/monitor/health"
  run -0 env -u API_URL "$scripts/quick_check.sh" "${url#http://}/"
  [ "$(asked .path | sort | uniq -c | tr -s ' ')" = ' 2 /api/monitor/health' ]
}

@test "without an address it asks port 3000 of this machine" {
  stand_in curl 'cat >"$BATS_TEST_TMPDIR/config"; exit 7'
  run -1 env -u API_URL "$scripts/quick_check.sh"
  grep -qx 'url = "http://localhost:3000/api/monitor/health"' "$BATS_TEST_TMPDIR/config"
}

@test "a relay that cannot be reached is exit code 1 here, as the plan says, and 3 elsewhere" {
  stop_relay
  run -1 "$scripts/quick_check.sh"
  has '无法连接'
  run -3 "$scripts/monitor_goroutines.sh" --count 1
  has '无法连接'
}

@test "a relay that hangs is given up" {
  answers /api/monitor/health hang -- ''
  run -1 "$scripts/quick_check.sh" --timeout 0.2
  has '0.2 秒内没有回答'
}

@test "draining is exit code 4" {
  answers /api/monitor/health 503 application/json '{"status":"draining","goroutines":9,"memory":{"alloc_mb":1}}'
  run -4 "$scripts/quick_check.sh"
  has 'draining'
}

@test "a proxy's page is exit code 5, whatever its status" {
  for code in 200 502 503; do
    answers /api/monitor/health "$code" text/html '<!DOCTYPE html><html><body>Bad Gateway</body></html>'
    run -5 "$scripts/quick_check.sh"
    has "HTTP $code, HTML"
  done
}

@test "another program's 404, a JSON list and an empty answer are exit code 5" {
  answers /api/monitor/health 404 application/json '{"goroutines":1,"memory":{"alloc_mb":1}}'
  run -5 "$scripts/quick_check.sh"
  answers /api/monitor/health 200 application/json '[1]'
  run -5 "$scripts/quick_check.sh"
  answers /api/monitor/health 200 application/json ''
  run -5 "$scripts/quick_check.sh"
}

@test "fields that are missing are named, with exit code 6" {
  answers /api/monitor/health 200 application/json '{"status":"ok","memory":{}}'
  run -6 "$scripts/quick_check.sh"
  has 'goroutines, memory.alloc_mb'
  answers /api/monitor/health 200 application/json '{"goroutines":"many","memory":{"alloc_mb":3}}'
  run -6 "$scripts/quick_check.sh" --lang en
  has 'lacks: goroutines'
}

@test "a guarded health is exit code 7 without the token and readable with it, and the token is in no argument" {
  health 10
  sed -i '1s/$/ s3cret"\\x/' "$relay/answers/_api_monitor_health"
  run -7 "$scripts/quick_check.sh"
  has MONITOR_TOKEN
  real="$(command -v curl)"
  stand_in curl "exec $real \"\$@\""
  MONITOR_TOKEN='s3cret"\x' run -0 "$scripts/quick_check.sh"
  run ! grep -q s3cret "$BATS_TEST_TMPDIR/called"
}

@test "curl or jq that is missing is said, with exit code 8" {
  for tool in curl jq; do
    path_without "$tool"
    PATH="$few" run -8 "$scripts/quick_check.sh"
    has "缺少 $tool"
    rm -r "$few"
  done
}

@test "a wrong call is exit code 2, in the language that was asked for" {
  run -2 "$scripts/quick_check.sh" --nonsense
  has '未知选项 --nonsense'
  run -2 "$scripts/quick_check.sh" --nonsense --lang en
  has 'unknown option --nonsense'
  run -2 "$scripts/quick_check.sh" --lang fr
  run -2 "$scripts/quick_check.sh" a b
  run -2 "$scripts/quick_check.sh" --timeout soon
  run -2 "$scripts/quick_check.sh" --timeout
}

@test "--verbose adds calls, channels and version" {
  health 10
  run -0 "$scripts/quick_check.sh" --verbose --lang en
  has_line 'In flight: 12'
  has_line 'Channels: 4 in all, 3 healthy, 1 degraded, 0 disabled'
  has_line 'Version: v1.0.0'
}

@test "the four fields of an older relay are enough" {
  answers /api/monitor/health 200 application/json '{"status":"ok","goroutines":1234,"memory":{"alloc_mb":256,"total_alloc_mb":1024,"sys_mb":512,"num_gc":45}}'
  run -0 "$scripts/quick_check.sh" -v
  has_line 'Goroutines: 1234'
  has_line '进行中: -'
}

@test "every script explains itself in both languages, with its exit codes" {
  for script in quick_check monitor_goroutines continuous_monitor compare_goroutines check_and_alert auto_restart_if_needed; do
    run -0 "$scripts/$script.sh" --help
    has "用法: $script.sh"
    has '退出码: 0'
    has '通用退出码'
    run -0 "$scripts/$script.sh" -h --lang en
    has "Usage: $script.sh"
    has 'Exit codes: 0'
    has 'Common exit codes'
  done
}

@test "a script works through a link, and says so where its lib folder was left behind" {
  health 10
  ln -s "$scripts/quick_check.sh" "$BATS_TEST_TMPDIR/linked.sh"
  run -0 "$BATS_TEST_TMPDIR/linked.sh"
  cp "$scripts/quick_check.sh" "$BATS_TEST_TMPDIR/alone.sh"
  run -8 "$BATS_TEST_TMPDIR/alone.sh"
  has 'copy the whole scripts folder'
}
