#!/usr/bin/env bats
# What can be said of the PowerShell scripts. Where there is no pwsh, they are parsed and compared with their twins, not run.

load helper
setup() {
  real_home="$HOME" # npm's settings are there
  start_relay
}
teardown() { stop_relay; }

@test "PowerShell files begin with the mark that Windows PowerShell 5.1 needs to read Chinese" {
  for file in "$scripts"/*.ps1 "$scripts"/lib/*.ps1; do
    [ "$(head -c 3 "$file" | od -An -tx1 | tr -d ' ')" = efbbbf ]
  done
}

@test "PowerShell files parse" {
  modules="$BATS_TEST_TMPDIR/node_modules"
  HOME="$real_home" timeout 60 npm install --fetch-retries=0 --prefix "$BATS_TEST_TMPDIR" --no-save --ignore-scripts --no-audit --no-fund --silent \
    web-tree-sitter@0.27.1 tree-sitter-powershell@0.26.4 >/dev/null 2>&1 || skip "the grammar could not be installed with npm"
  run -0 node --liftoff-only "$BATS_TEST_DIRNAME/powershell_syntax.mjs" "$modules" "$scripts"/*.ps1 "$scripts"/lib/*.ps1
  printf 'if ($true) { Write-Output "x"\n' >"$BATS_TEST_TMPDIR/broken.ps1"
  run -1 node --liftoff-only "$BATS_TEST_DIRNAME/powershell_syntax.mjs" "$modules" "$BATS_TEST_TMPDIR/broken.ps1"
}

@test "each script has a PowerShell twin that says the same and has the same thresholds" {
  run -0 python3 "$BATS_TEST_DIRNAME/twins.py" "$scripts"
  [ "$(cd "$scripts" && ls ./*.sh | wc -l)" -eq "$(cd "$scripts" && ls ./*.ps1 | wc -l)" ]
}

@test "PSScriptAnalyzer finds nothing" {
  command -v pwsh >/dev/null && pwsh -NoProfile -Command 'exit [int](-not (Get-Module -ListAvailable PSScriptAnalyzer))' || skip "PSScriptAnalyzer is not here"
  run -0 pwsh -NoProfile -Command "\$found = Invoke-ScriptAnalyzer -Path '$scripts' -Recurse -Severity Warning,Error; \$found; exit [int](\$null -ne \$found)"
}

# twin NAME ARGUMENT… runs a PowerShell script.
twin() { pwsh -NoProfile -File "$scripts/$1.ps1" "${@:2}"; }

@test "PowerShell scripts print what their twins print, with the same exit codes" {
  command -v pwsh >/dev/null || skip "pwsh is not here: nothing was run"
  channels
  for n in 500 2001 5001; do
    health "$n"
    for script in quick_check "compare_goroutines --before 400" "check_and_alert --dry-run"; do
      read -r name options <<<"$script"
      run "$scripts/$name.sh" $options
      expected="$status $output"
      run twin "$name" $(sed 's/--before/-Before/; s/--dry-run/-DryRun/' <<<"$options")
      [ "$status $output" = "$(sed 's/\.sh/.ps1/' <<<"$expected")" ]
    done
  done
  health 900 256
  run -0 twin monitor_goroutines -Count 2 -Interval 0.01
  has_line '当前: 900  🟢 优秀（轻负载或刚启动）'
  has '1. openai-main  goroutines 400  进行中 120'
  run -0 twin continuous_monitor -Count 1
  grep -q 'Goroutines: 900, Memory: 256MB$' "$LOG_FILE"
}

@test "a PowerShell restart saves a dump, restarts once and keeps the minimum interval" {
  command -v pwsh >/dev/null || skip "pwsh is not here: nothing was run"
  channels
  health 20000
  restarting docker-compose
  run -0 twin auto_restart_if_needed
  has '⚠️ Goroutines > 10000, restarting service...'
  run -10 twin auto_restart_if_needed
  [ "$(grep -c 'restart one-api' "$BATS_TEST_TMPDIR/called")" -eq 1 ]
}
