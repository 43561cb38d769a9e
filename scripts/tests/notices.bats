#!/usr/bin/env bats
# check_and_alert and auto_restart_if_needed.

load helper
setup() {
  start_relay
  answers /wecom 200 application/json '{"errcode":0,"errmsg":"ok"}'
  answers /ding 200 application/json '{"errcode":0,"errmsg":"ok"}'
  answers /feishu 200 application/json '{"code":0,"msg":"success","StatusCode":0}'
  answers /hook 200 text/plain 'ok'
  channels
}
teardown() { stop_relay; }

check() { run "$@" "$scripts/check_and_alert.sh"; }
posts() { asked "select(.method == \"POST\") | .path" | wc -l; }
last_post() { asked 'select(.method == "POST") | .body' | tail -1; }

@test "up to 2000 nothing is sent" {
  export WEBHOOK_URL="$url/hook"
  health 2000
  check -0
  [ "$(posts)" -eq 0 ]
}

@test "the three levels are above 2000, 5000 and 10000" {
  export WEBHOOK_URL="$url/hook"
  for row in 2001:warning:0 5000:-:0 5001:critical:1 10000:-:1 10001:severe:1; do
    IFS=: read -r n level code <<<"$row"
    health "$n"
    before="$(posts)"
    check -"$code"
    if [ "$level" = - ]; then [ "$(posts)" -eq "$before" ]; else [ "$(last_post | jq -r .level)" = "$level" ]; fi
  done
}

@test "a level is not repeated within the quiet interval, and is after it" {
  export WEBHOOK_URL="$url/hook"
  health 6000
  check -1
  check -1
  has 静默
  [ "$(posts)" -eq 1 ]
  run -1 "$scripts/check_and_alert.sh" --quiet 0
  [ "$(posts)" -eq 2 ]
}

@test "recovery is told once, with the peak, and a new incident at once" {
  export WEBHOOK_URL="$url/hook"
  health 6000
  check -1
  health 7000
  check -1
  health 900
  check -0
  [ "$(last_post | jq -r .event)" = recovery ]
  [[ "$(last_post | jq -r .text)" == '✅ OneAPI恢复'*'当前Goroutine数量: 900'*'7000'* ]]
  check -0
  [ "$(posts)" -eq 2 ]
  health 6000
  check -1
  [ "$(posts)" -eq 3 ]
}

@test "numbers that swing around 2000 are told once in the quiet interval" {
  export WEBHOOK_URL="$url/hook"
  for n in 2100 1900 2100 1900 2100; do
    health "$n"
    check -0
  done
  [ "$(posts)" -eq 2 ]
}

@test "a recovery above the threshold says that what is left are idle clients" {
  export WEBHOOK_URL="$url/hook"
  health 6000
  check -1
  idle=6100 health 7000
  check -0
  [ "$(last_post | jq -r .event)" = recovery ]
  [[ "$(last_post | jq -r .text)" == *'当前Goroutine数量: 7000'*'其中空闲客户端连接: 6100'* ]]
}

@test "WeCom gets the guide's message as it wants it" {
  export WECOM_WEBHOOK_URL="$url/wecom?key=1"
  health 6000
  check -1
  [ "$(last_post | jq -r .msgtype)" = text ]
  [ "$(last_post | jq -r .text.content | head -3)" = '⚠️ OneAPI告警
当前Goroutine数量: 6000
已超过阈值5000，请检查！' ]
  [[ "$(last_post)" == *'- openai-main: goroutines 400，进行中 120'* ]]
  [ "$(asked 'select(.path == "/wecom") | .type')" = application/json ]
}

@test "DingTalk's signature is what it computes" {
  export DINGTALK_WEBHOOK_URL="$url/ding?access_token=t" DINGTALK_SECRET='SECabc+/=%"'
  health 6000
  check -1
  asked 'select(.path == "/ding") | .query' | python3 -c '
import base64, hashlib, hmac, os, sys, time, urllib.parse
query = dict(urllib.parse.parse_qsl(sys.stdin.read().strip(), strict_parsing=True))
secret = os.environ["DINGTALK_SECRET"]
text = query["timestamp"] + "\n" + secret
assert query["access_token"] == "t"
assert abs(int(query["timestamp"]) / 1000 - time.time()) < 60
assert query["sign"] == base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode(), query'
  [ "$(last_post | jq -r .msgtype)" = text ]
}

@test "Feishu's signature is what it computes, also with a key longer than a block" {
  for secret in short "$(printf 'long%.0s' {1..40})"; do
    export FEISHU_WEBHOOK_URL="$url/feishu" FEISHU_SECRET="$secret"
    health 6000
    run -1 "$scripts/check_and_alert.sh" --quiet 0
    last_post | python3 -c '
import base64, hashlib, hmac, json, os, sys
body = json.load(sys.stdin)
key = body["timestamp"] + "\n" + os.environ["FEISHU_SECRET"]
assert body["sign"] == base64.b64encode(hmac.new(key.encode(), b"", hashlib.sha256).digest()).decode(), body
assert body["msg_type"] == "text" and "6000" in body["content"]["text"]'
  done
}

@test "robots without a secret are not signed" {
  export FEISHU_WEBHOOK_URL="$url/feishu" DINGTALK_WEBHOOK_URL="$url/ding?access_token=t"
  health 6000
  check -1
  [ "$(asked 'select(.path == "/feishu") | .body | fromjson | keys | join(",")')" = content,msg_type ]
  [ "$(asked 'select(.path == "/ding") | .query')" = access_token=t ]
}

@test "a mail has the guide's subject and first line" {
  export ALERT_MAIL_TO=admin@example.com
  stand_in mail 'cat >"$BATS_TEST_TMPDIR/letter"'
  health 6000
  check -1
  grep -qx 'mail -s ⚠️ OneAPI Alert: High Goroutine Count admin@example.com' "$BATS_TEST_TMPDIR/called"
  [ "$(head -1 "$BATS_TEST_TMPDIR/letter")" = 'High goroutine count: 6000' ]
}

@test "without the command mail it is said what to do, and the alert is tried again" {
  export ALERT_MAIL_TO=admin@example.com
  health 6000
  path_without mail
  PATH="$few" run -9 "$scripts/check_and_alert.sh"
  has '缺少 mail 命令'
  stand_in mail 'cat >/dev/null'
  check -1
  grep -q admin@example.com "$BATS_TEST_TMPDIR/called"
}

@test "a robot that answers 200 with an error has not delivered: exit code 9, and told again" {
  export WECOM_WEBHOOK_URL="$url/wecom"
  answers /wecom 200 application/json '{"errcode":93000,"errmsg":"invalid webhook url"}'
  health 6000
  check -9
  has '93000 invalid webhook url'
  check -9
  [ "$(posts)" -eq 2 ]
}

@test "one way that works is enough to be quiet, and the broken one is named" {
  export WECOM_WEBHOOK_URL="$url/wecom" WEBHOOK_URL="$url/nothing"
  health 6000
  check -9
  has '（webhook）: HTTP 404'
  check -1
  [ "$(asked 'select(.path == "/wecom") | .path' | wc -l)" -eq 1 ]
}

@test "a relay that is away is told on the second look, and its return too" {
  export WEBHOOK_URL="$url/hook"
  answers /api/monitor/health 502 text/html '<html>'
  check -5
  [ "$(posts)" -eq 0 ]
  check -5
  [ "$(last_post | jq -r .level)" = down ]
  [ "$(last_post | jq -r .goroutines)" = null ]
  check -5
  [ "$(posts)" -eq 1 ]
  health 100
  check -0
  [ "$(last_post | jq -r .event)" = recovery ]
}

@test "one bad look between good ones is no incident, and draining is none at all" {
  export WEBHOOK_URL="$url/hook"
  for _ in 1 2; do
    answers /api/monitor/health 502 text/html '<html>'
    check -5
    health 100
    check -0
  done
  answers /api/monitor/health 503 application/json '{"status":"draining"}'
  for _ in 1 2 3; do check -4; done
  [ "$(posts)" -eq 0 ]
}

@test "settings come from a file of mode 600 only, which is read and not run" {
  printf '# comment\nWEBHOOK_URL="%s/hook"\nALERT_MAIL_TO=$(touch %s/owned)\n' "$url" "$BATS_TEST_TMPDIR" >"$BATS_TEST_TMPDIR/conf"
  stand_in mail 'cat >/dev/null'
  health 6000
  chmod 644 "$BATS_TEST_TMPDIR/conf"
  run -8 "$scripts/check_and_alert.sh" --config "$BATS_TEST_TMPDIR/conf"
  has 'chmod 600'
  chmod 600 "$BATS_TEST_TMPDIR/conf"
  run -1 "$scripts/check_and_alert.sh" --config "$BATS_TEST_TMPDIR/conf"
  [ "$(posts)" -eq 1 ]
  [ ! -e "$BATS_TEST_TMPDIR/owned" ]
  echo 'PATH=/' >>"$BATS_TEST_TMPDIR/conf"
  run -2 "$scripts/check_and_alert.sh" --config "$BATS_TEST_TMPDIR/conf"
  has PATH
}

@test "no address with a key in it and no secret is among a program's arguments" {
  real="$(command -v curl)"
  stand_in curl "exec $real \"\$@\""
  export WECOM_WEBHOOK_URL="$url/wecom?key=t0psecret" DINGTALK_WEBHOOK_URL="$url/ding" DINGTALK_SECRET=t0psecret MONITOR_TOKEN=t0psecret
  health 6000
  check -1
  [ "$(posts)" -eq 2 ]
  run ! grep -q t0psecret "$BATS_TEST_TMPDIR/called"
}

@test "a channel's name cannot break the JSON" {
  export WECOM_WEBHOOK_URL="$url/wecom"
  answers /api/monitor/goroutines 200 application/json '{"by_channel":[{"channel":"a\"b\\c\nd","goroutines":4,"in_flight":1}]}'
  health 6000
  check -1
  [[ "$(last_post | jq -r .text.content)" == *'a"b\'*'cd: goroutines 4'* ]]
}

@test "--dry-run and no way to notify show the alert and send nothing" {
  health 6000
  check -1
  has 没有配置通知方式
  has 当前Goroutine数量
  export WEBHOOK_URL="$url/hook"
  run -1 "$scripts/check_and_alert.sh" --dry-run --quiet 0
  has 当前Goroutine数量
  [ "$(posts)" -eq 0 ]
}

@test "idle client connections wake nobody, and are said" {
  export WEBHOOK_URL="$url/hook"
  idle=4000 health 6000
  check -0
  [ "$(posts)" -eq 0 ]
  has '其中空闲客户端连接: 4000'
  idle=3999 health 6000
  check -0
  [ "$(last_post | jq -r .level)" = warning ]
  [[ "$(last_post | jq -r .text)" == *'当前Goroutine数量: 6000'*'已超过阈值2000'*'其中空闲客户端连接: 3999'* ]]
  idle=20000 health 6000
  check -0
}

@test "an alert names the busiest channel, also where the list of channels may not be seen" {
  export WEBHOOK_URL="$url/hook"
  channels m0nitor
  busiest='{"channel":"qwen-slow","in_flight":2700,"oldest_seconds":137}' health 6000
  check -1
  [[ "$(last_post | jq -r .text)" == *'最忙的渠道: qwen-slow，进行中 2700，最老 137 秒'* ]]
}

restart() { run "$@" "$scripts/auto_restart_if_needed.sh" --wait 1; }

@test "10000 is left alone and 10001 restarts, with the guide's words and a dump first" {
  export WEBHOOK_URL="$url/hook" LOG="$BATS_TEST_TMPDIR/restart.log"
  cd "$BATS_TEST_TMPDIR" && touch docker-compose.yml
  health 10000
  restarting docker-compose "ls '$HOME/.local/state/one-api/dumps' >'$BATS_TEST_TMPDIR/dumps-at-restart'"
  restart -0
  [ ! -e called ]
  health 10001
  run -0 "$scripts/auto_restart_if_needed.sh" --log "$LOG"
  has_line '⚠️ Goroutines > 10000, restarting service...'
  [ "$(cat called)" = 'docker-compose restart one-api' ]
  grep -q 'goroutines-.*\.json' dumps-at-restart
  [ "$(last_post | jq -r .text)" = 'OneAPI 已自动重启（Goroutine过多: 10001）' ]
  grep -q 'restarting service' "$LOG"
  jq -e .by_channel "$HOME"/.local/state/one-api/dumps/goroutines-*.json
}

@test "with ADMIN_TOKEN the dump is that of pprof, and only its owner can read it" {
  answers /debug/pprof/goroutine 200 text/plain 'goroutine 1 [running]:' adm1n
  health 20000
  restarting docker-compose
  ADMIN_TOKEN=adm1n restart -0
  dump="$(echo "$HOME"/.local/state/one-api/dumps/goroutines-*.txt)"
  [ "$(cat "$dump")" = 'goroutine 1 [running]:' ]
  [ "$(stat -c %a "$dump")" = 600 ]
  [ "$(asked 'select(.path == "/debug/pprof/goroutine") | .query')" = debug=2 ]
}

@test "a wrong ADMIN_TOKEN falls back to the monitor's page, and no dump at all does not stop the restart" {
  answers /debug/pprof/goroutine 200 text/plain 'goroutine 1 [running]:' adm1n
  health 20000
  restarting docker-compose
  ADMIN_TOKEN=wrong restart -0
  [ "$(ls "$HOME/.local/state/one-api/dumps" | grep -c json)" -eq 1 ]
  channels m0nitor
  health 20000
  run -0 "$scripts/auto_restart_if_needed.sh" --min-interval 0
  has 没有转储
  [ "$(wc -l <"$BATS_TEST_TMPDIR/called")" -eq 2 ]
}

@test "the last ten dumps are kept" {
  mkdir -p "$HOME/dumps"
  for i in {10..25}; do touch "$HOME/dumps/goroutines-20250101-0000$i-1.json"; done
  health 20000
  restarting docker-compose
  run -0 "$scripts/auto_restart_if_needed.sh" --dump-dir "$HOME/dumps"
  [ "$(ls "$HOME/dumps" | wc -l)" -eq 10 ]
  [ ! -e "$HOME/dumps/goroutines-20250101-000016-1.json" ]
}

@test "within the minimum interval nothing is restarted: exit code 10" {
  health 20000
  restarting docker-compose
  restart -0
  health 20000
  restart -10
  has '最短间隔'
  [ "$(wc -l <"$BATS_TEST_TMPDIR/called")" -eq 1 ]
  run -0 "$scripts/auto_restart_if_needed.sh" --min-interval 0
}

@test "a failed restart is exit code 12, is told, and is not repeated every minute" {
  stand_in docker-compose 'exit 3'
  export WEBHOOK_URL="$url/hook"
  health 20000
  restart -12
  [ "$(last_post | jq -r .event)" = restart_failed ]
  restart -10
  has '刚尝试过重启' # it was not restarted, and nobody says so
}

@test "two runs at once: the second is exit code 11" {
  health 20000
  restarting docker-compose "touch '$BATS_TEST_TMPDIR/inside'; until [ -e '$BATS_TEST_TMPDIR/go-on' ]; do sleep 0.02; done"
  "$scripts/auto_restart_if_needed.sh" >/dev/null 3>&- &
  first=$!
  until [ -e "$BATS_TEST_TMPDIR/inside" ]; do kill -0 "$first"; sleep 0.02; done
  restart -11
  touch "$BATS_TEST_TMPDIR/go-on"
  wait "$first"
}

@test "without flock a folder is the lock, and one whose owner died is taken over" {
  health 5
  path_without flock
  mkdir -p "$HOME/state.lock.d"
  echo $$ >"$HOME/state.lock.d/pid"
  PATH="$few" run -11 "$scripts/auto_restart_if_needed.sh" --state "$HOME/state"
  bash -c 'echo $$' >"$HOME/state.lock.d/pid"
  PATH="$few" run -0 "$scripts/auto_restart_if_needed.sh" --state "$HOME/state"
  [ ! -e "$HOME/state.lock.d" ]
}

@test "docker compose is used where there is no docker-compose, with the file and the service that were named" {
  health 20000
  path_without docker-compose
  restarting docker
  cp "$BATS_TEST_TMPDIR/bin/docker" "$few/docker"
  ln -s "$(command -v cp)" "$few/cp"
  touch "$BATS_TEST_TMPDIR/my.yml"
  PATH="$few" run -0 "$scripts/auto_restart_if_needed.sh" --compose-file "$BATS_TEST_TMPDIR/my.yml" --service relay
  [ "$(tail -1 "$BATS_TEST_TMPDIR/called")" = "docker compose -f $BATS_TEST_TMPDIR/my.yml restart relay" ]
  rm "$few/docker"
  health 20000
  PATH="$few" run -8 "$scripts/auto_restart_if_needed.sh" --min-interval 0
  has '缺少 docker-compose'
}

@test "the Compose that can read the file restarts, whichever of the two it is" {
  export LOG="$BATS_TEST_TMPDIR/restart.log"
  for able in docker docker-compose; do
    rm -f "$BATS_TEST_TMPDIR/called" "$LOG"
    health 20000
    # The old one as it is: it does not know include, nor a list of env_file with paths.
    stand_in docker-compose 'echo "The Compose file is invalid because: include: Unsupported" >&2; exit 1'
    stand_in docker 'case "$2" in version) ;; *) echo "unknown field" >&2; exit 14 ;; esac'
    restarting "$able"
    run -0 "$scripts/auto_restart_if_needed.sh" --min-interval 0 --log "$LOG"
    has '已自动重启'
    [ "$able" = docker ] || { has '退出码 14'; grep -q '退出码 14' "$LOG"; }
  done
}

@test "a restart that did not happen is not reported as one: exit code 12" {
  export WEBHOOK_URL="$url/hook"
  health 20000
  stand_in docker-compose
  restart -12
  has_not 已自动重启
  has 'uptime_seconds 没有变小: 9000 -> 9000'
  [ "$(last_post | jq -r .event)" = restart_failed ]
  restart -10
}

@test "a relay that does not come back, or does not say how old it is, was not seen to restart" {
  health 20000
  stand_in docker-compose "rm '$relay/answers/_api_monitor_health'"
  restart -12
  has '没有重启成功'
  has 'HTTP 404'
  uptime=null health 20000
  stand_in docker-compose
  run -12 "$scripts/auto_restart_if_needed.sh" --min-interval 0 --wait 0
  has '没有 uptime_seconds'
}

@test "a relay that drains before it goes is waited for" {
  health 20000
  cp "$relay/answers/_api_monitor_health" "$relay/answers/_api_monitor_health.1"
  answers /api/monitor/health.2 503 application/json '{"status":"draining"}'
  uptime=1 health 300
  stand_in docker-compose
  run -0 "$scripts/auto_restart_if_needed.sh"
  has 'Goroutine过多: 20000'
}

@test "a relay that is above the threshold by idle clients alone is not restarted" {
  stand_in docker-compose
  idle=10000 health 20000
  restart -0
  has '10000 个是空闲客户端连接'
  [ ! -e "$BATS_TEST_TMPDIR/called" ]
  idle=9999 health 20000
  restarting docker-compose
  restart -0
  has 已自动重启
}

@test "the notice of a restart names the busiest channel as it was before" {
  export WEBHOOK_URL="$url/hook"
  busiest='{"channel":"qwen-slow","in_flight":2700,"oldest_seconds":137}' health 20000
  restarting docker-compose
  restart -0
  [[ "$(last_post | jq -r .text)" == *'20000'*'最忙的渠道: qwen-slow，进行中 2700，最老 137 秒' ]]
}

@test "--dry-run says the command and does nothing" {
  cd "$BATS_TEST_TMPDIR" && touch compose.yaml
  health 20000
  restarting docker-compose
  run -0 "$scripts/auto_restart_if_needed.sh" --dry-run
  has 'docker-compose restart one-api'
  [ ! -e called ]
  [ ! -e "$HOME/.local/state/one-api/dumps" ]
  restart -0
}

@test "a relay that cannot be read is not restarted" {
  stand_in docker-compose
  answers /api/monitor/health 502 text/html '<html>'
  restart -5
  has 不重启
  [ ! -e "$BATS_TEST_TMPDIR/called" ]
}
