#!/usr/bin/env bats
# The scripts against the relay itself, built from this checkout.

load helper

setup_file() {
  export relay_binary="$BATS_FILE_TMPDIR/one-api"
  (cd "$BATS_TEST_DIRNAME/../.." && CGO_ENABLED=0 go build -o "$relay_binary" .)
}

# start_real starts the relay with the monitor's and the admin's token asked of everyone.
start_real() {
  local port
  port="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
  url="http://127.0.0.1:$port"
  cd "$BATS_TEST_TMPDIR"
  PORT="$port" MONITOR_TOKEN=m0nitor ADMIN_TOKEN=adm1n "$relay_binary" >"$BATS_TEST_TMPDIR/relay.out" 2>&1 3>&- &
  relay_pid=$!
  echo "$relay_pid" >"$BATS_TEST_TMPDIR/relay.pid"
  echo "$port" >"$BATS_TEST_TMPDIR/relay.port"
  until curl -sf -o /dev/null "$url/api/status"; do kill -0 "$relay_pid"; sleep 0.05; done
  export API_URL="$url" HOME="$BATS_TEST_TMPDIR" LOG_FILE="$BATS_TEST_TMPDIR/goroutines.log" PATH="$BATS_TEST_TMPDIR/bin:$PATH"
  unset MONITOR_TOKEN ADMIN_TOKEN ONEAPI_LANG WEBHOOK_URL
  mkdir -p bin
  # No Docker of this machine's is ever called.
  printf '#!/usr/bin/env bash\nexit 1\n' >bin/docker
  chmod +x bin/docker
}
setup() { start_real; }
teardown() {
  stop_relay
  kill "$(cat "$BATS_TEST_TMPDIR/relay.pid")" 2>/dev/null || true
}

@test "the relay itself is normal, and compares with its own baseline" {
  run -0 "$scripts/quick_check.sh" --verbose
  has_line '状态: 🟢 正常'
  has_line '渠道: 共 1，健康 1，降级 0，停用 0'
  curl -s "$url/api/monitor/health" | jq . >baseline.json
  run -0 "$scripts/continuous_monitor.sh" --count 2 --interval 0.01
  run -0 "$scripts/compare_goroutines.sh" --before baseline.json
  has '峰值'
}

@test "the relay itself asks for the monitor token before it shows its channels" {
  run -0 "$scripts/monitor_goroutines.sh" --count 1
  has 'HTTP 401'
  MONITOR_TOKEN=m0nitor run -0 "$scripts/monitor_goroutines.sh" --count 1
  has '渠道前三'
}

# replace_relay ends the relay, and starts it again.
replace_relay() {
  cat >bin/docker-compose <<PROGRAM
#!/usr/bin/env bash
kill "\$(cat '$BATS_TEST_TMPDIR/relay.pid')"
while kill -0 "\$(cat '$BATS_TEST_TMPDIR/relay.pid')" 2>/dev/null; do sleep 0.05; done
PORT=\$(cat '$BATS_TEST_TMPDIR/relay.port') MONITOR_TOKEN=m0nitor ADMIN_TOKEN=adm1n '$relay_binary' >>'$BATS_TEST_TMPDIR/relay.out' 2>&1 3>&- &
echo \$! >'$BATS_TEST_TMPDIR/relay.pid'
PROGRAM
  chmod +x bin/docker-compose
}

# of_age waits until the relay's uptime can fall.
of_age() { until [ "$(curl -s "$url/api/monitor/health" | jq .uptime_seconds)" -ge 4 ]; do sleep 0.2; done; }

@test "the relay's own dump is saved before a restart, and the restart is seen" {
  replace_relay
  of_age
  ADMIN_TOKEN=adm1n run -0 "$scripts/auto_restart_if_needed.sh" --threshold 1
  has 已自动重启
  grep -q '^goroutine [0-9]* \[' .local/state/one-api/dumps/goroutines-*.txt
  of_age
  MONITOR_TOKEN=m0nitor run -0 "$scripts/auto_restart_if_needed.sh" --threshold 1 --min-interval 0
  jq -e '.total > 0' .local/state/one-api/dumps/goroutines-*.json
}

@test "the relay itself raises no alert, and one that is gone does" {
  run -0 "$scripts/check_and_alert.sh"
  stop_relay
  run -3 "$scripts/check_and_alert.sh" --down-after 1
  has OneAPI告警
}
