<#
.SYNOPSIS
Restarts One API when it has far too many goroutines.
.DESCRIPTION
-Help shows the whole text, in Chinese or English. The twin of auto_restart_if_needed.sh: same output and exit codes.
.EXAMPLE
.\auto_restart_if_needed.ps1 -ApiUrl "http://host:3000"
#>
[CmdletBinding()]
param(
    [Parameter(Position = 0)][string]$ApiUrl,
    [int]$Threshold = 10000, [int]$MinInterval = 1800, [string]$Service = 'one-api', [string]$ComposeFile, [string]$DumpDir,
    [string]$Log, [string]$Config, [string]$State, [int]$Wait = 90, [switch]$DryRun,
    [string]$Lang, [double]$Timeout = 10, [switch]$NoColor, [switch]$Help
)

foreach ($part in @('health', 'notify')) {
    $file = Join-Path (Join-Path $PSScriptRoot 'lib') ($part + '.ps1')
    if (-not (Test-Path -LiteralPath $file)) {
        [Console]::Error.WriteLine("lib/$part.ps1 is missing: copy the whole scripts folder")
        exit 8
    }
    . $file
}
Initialize-Script -Name 'auto_restart_if_needed' -ApiUrl $ApiUrl -Lang $Lang -Timeout $Timeout -NoColor $NoColor
if ($Help) {
    Get-Text @'
用法: .\auto_restart_if_needed.ps1 [-ApiUrl 地址] [参数]

goroutines > 10000 时重启服务（谨慎使用）。顺序: 加锁，读取，检查最短间隔，保存 goroutine 转储，
docker compose（或 docker-compose）restart one-api，确认已重启，记录日志，发送通知。无法读取时不重启；减去空闲客户端连接
（health 的 client_connections.idle，各占一个 goroutine）后不超过阈值时也不重启。只有 health 的 uptime_seconds 变小才算已重启。

  -Threshold 数量   超过它才重启（默认 10000）
  -MinInterval 秒   两次重启的最短间隔（默认 1800）
  -Service 名称     compose 里的服务名（默认 one-api）
  -ComposeFile 文件 compose 文件（默认当前目录的；没有则为 ..\deploy\docker-compose.yml）
  -DumpDir 目录     转储保存到哪里（默认在状态文件旁的 dumps，保留最近 10 份）
  -Log 文件         追加日志的文件（默认只输出到终端）
  -Config 文件      读取下面的设置（其他用户不得可读）
  -State 文件       状态文件（默认 Windows 在 %LOCALAPPDATA%\one-api，其他系统在 ~/.local/state/one-api）
  -Wait 秒          重启命令结束后，等待 uptime_seconds 变小的最长时间（默认 90）
  -DryRun           只显示会做什么：不转储，不重启，不通知

转储: 有 ADMIN_TOKEN 时取 /debug/pprof/goroutine?debug=2，否则取 /api/monitor/goroutines（需要时用 MONITOR_TOKEN）。

退出码: 0 不需要重启，或已重启；9 已重启但通知没有送达；10 需要重启但距上次太近；11 另一次运行还在进行；
12 重启失败，或没有看到重启；其余见下
'@ @'
Usage: .\auto_restart_if_needed.ps1 [-ApiUrl ADDRESS] [parameters]

Restarts the service above 10000 goroutines (use with care). In this order: lock, look, minimum interval, save a goroutine dump,
docker compose (or docker-compose) restart one-api, see that it did, log, notify. A relay that cannot be read is not restarted, nor
one that is above only by idle client connections (client_connections.idle of the health; a goroutine each). A restart is believed when
uptime_seconds of the health has fallen, and not before.

  -Threshold N      restart above it (default 10000)
  -MinInterval SECONDS  the shortest time between two restarts (default 1800)
  -Service NAME     the service in the compose file (default one-api)
  -ComposeFile FILE the compose file (default: the current folder's, else ..\deploy\docker-compose.yml)
  -DumpDir FOLDER   where dumps go (default: dumps beside the state file; the last 10 are kept)
  -Log FILE         a file to append the log to (default: only the terminal)
  -Config FILE      read the settings below (other users must not be able to)
  -State FILE       the state file (default: in %LOCALAPPDATA%\one-api on Windows, ~/.local/state/one-api elsewhere)
  -Wait SECONDS     how long uptime_seconds may take to fall, after the command that restarts has ended (default 90)
  -DryRun           only say what would be done: no dump, no restart, no notice

The dump: /debug/pprof/goroutine?debug=2 with ADMIN_TOKEN, else /api/monitor/goroutines (with MONITOR_TOKEN where needed).

Exit codes: 0 no restart needed, or restarted; 9 restarted, but a notice was not delivered; 10 needed, but too soon after the last;
11 another run is at it; 12 the restart failed, or was not seen; the rest below
'@
    Get-NotifyUsage
    Get-CommonUsage
    exit 0
}
Assert-NotNegative '-Threshold' $Threshold
Assert-NotNegative '-MinInterval' $MinInterval
Assert-NotNegative '-Wait' $Wait
if ($Config) { Import-Setting -Path $Config }
Resolve-Webhook
if ($ComposeFile) {
    $ComposeFile = Resolve-File $ComposeFile
    if (-not (Test-Path -LiteralPath $ComposeFile)) { Exit-Script $ExitCode.Local (Get-Text '无法读取 {0}' '{0} cannot be read' $ComposeFile) }
}
if ($Log) { $Log = Resolve-File $Log }
$stateFile = Get-StateFile -Name 'auto_restart' -Path $State
if ($DumpDir) { $DumpDir = Resolve-File $DumpDir } else { $DumpDir = Join-Path (Split-Path -Parent $stateFile) 'dumps' }

# Write-Record shows a line, and adds it to the log with the time.
function Write-Record {
    param([string]$Line)
    $Line
    if (-not $Log) { return }
    if (-not (Add-Line -Path $Log -Line ('[' + (Get-Date -Format 'yyyy-MM-dd HH:mm:ss') + '] ' + $Line))) {
        [Console]::Error.WriteLine((Get-Text '无法写入 {0}' '{0} cannot be written' $Log))
    }
}

# Get-Compose is the commands that may restart the service, the likelier one first: docker-compose of Python (v1) cannot read the files of
# this project, and on many machines it is still there beside the plugin. Each is an object with Words.
function Get-Compose {
    $all = @()
    if (Get-Command docker -CommandType Application -ErrorAction SilentlyContinue) {
        # What docker says on standard error is no error of this script.
        $ErrorActionPreference = 'Continue'
        $null = & docker compose version 2>&1
        if ($LASTEXITCODE -eq 0) { $all += [PSCustomObject]@{ Words = @('docker', 'compose') } }
    }
    if (Get-Command docker-compose -CommandType Application -ErrorAction SilentlyContinue) {
        $all += [PSCustomObject]@{ Words = @('docker-compose') }
    }
    $file = $ComposeFile
    if (-not $file -and -not $env:COMPOSE_FILE) {
        $own = 'docker-compose.yml', 'docker-compose.yaml', 'compose.yml', 'compose.yaml' | Where-Object { Test-Path -LiteralPath $_ }
        $shipped = Join-Path (Join-Path (Split-Path -Parent $PSScriptRoot) 'deploy') 'docker-compose.yml'
        if (-not $own -and (Test-Path -LiteralPath $shipped)) { $file = $shipped }
    }
    foreach ($compose in $all) {
        if ($file) { $compose.Words += '-f', $file }
        $compose.Words += 'restart', $Service
    }
    return $all
}

# Invoke-Restart tries each Compose until one has done it. It returns the last one's exit code; what they say goes to the terminal and the log.
function Invoke-Restart {
    param($All)
    $code = 0
    foreach ($compose in $All) {
        $program, $words = $compose.Words
        # docker-compose reports its progress on standard error.
        $ErrorActionPreference = 'Continue'
        & $program @words 2>&1 | ForEach-Object { Write-Record "$_" } | Out-Host
        $code = $LASTEXITCODE
        $ErrorActionPreference = 'Stop'
        if ($code -eq 0) { break }
        Write-Record (Get-Text '{0} 无法重启（退出码 {1}）' '{0} could not restart it (exit code {1})' ($compose.Words -join ' ') $code) | Out-Host
    }
    return $code
}

# Wait-Restart waits until the health comes from a process that is younger than the one before. It returns an empty text then, and what was
# seen instead where that does not happen.
function Wait-Restart {
    param($Before)
    $deadline = [DateTime]::UtcNow.AddSeconds($Wait)
    while ($true) {
        $seen = Get-Health
        if ($seen.Code -ne 0) {
            $doubt = $seen.Problem
        } elseif ($null -eq $Before -or $null -eq $seen.Uptime) {
            $doubt = Get-Text 'health 没有 uptime_seconds' 'the health has no uptime_seconds'
        } elseif ($seen.Uptime -lt $Before) {
            return ''
        } else {
            $doubt = Get-Text 'uptime_seconds 没有变小: {0} -> {1}' 'uptime_seconds has not fallen: {0} -> {1}' $Before $seen.Uptime
        }
        if ([DateTime]::UtcNow -ge $deadline) { return $doubt }
        Start-Sleep -Seconds 1
    }
}

# Save-Dump keeps what the goroutines are doing, and returns the file's name and what to say of it. Without a dump the restart goes
# on: the relay is in danger.
function Save-Dump {
    $saved = [PSCustomObject]@{ File = ''; Lines = @() }
    $ending = 'json'
    $answer = $null
    # A dump of many goroutines is large, and takes the relay some seconds.
    if ($env:ADMIN_TOKEN) {
        $ending = 'txt'
        $answer = Send-Request -Uri ($OneApi.Url + '/debug/pprof/goroutine?debug=2') -Token $env:ADMIN_TOKEN -Timeout 60
        if ($answer.Status -ne 200) {
            $saved.Lines += Get-Text 'pprof 不可用（{0}），改用 /api/monitor/goroutines' 'no pprof ({0}): taking /api/monitor/goroutines' $answer.Status
            $ending = 'json'
        }
    }
    if ($ending -eq 'json') { $answer = Send-Request -Uri ($OneApi.Url + '/api/monitor/goroutines') -Token $env:MONITOR_TOKEN -Timeout 60 }
    if ($answer.Status -ne 200) {
        $saved.Lines += Get-Text '⚠️ 没有转储（{0}）：请设置 ADMIN_TOKEN 或 MONITOR_TOKEN' '⚠️ no dump ({0}): set ADMIN_TOKEN or MONITOR_TOKEN' $answer.Status
        return $saved
    }
    $file = Join-Path $DumpDir ('goroutines-' + (Get-Date -Format 'yyyyMMdd-HHmmss') + "-$PID.$ending")
    try {
        [void][IO.Directory]::CreateDirectory($DumpDir)
        [IO.File]::WriteAllText($file, $answer.Body, [Text.UTF8Encoding]::new($false))
        # Names begin with the time, so the first are the oldest.
        Get-ChildItem -LiteralPath $DumpDir -Filter 'goroutines-*' | Sort-Object Name -Descending | Select-Object -Skip 10 | Remove-Item -Force
    } catch {
        $saved.Lines += Get-Text '⚠️ 没有转储：无法写入 {0}' '⚠️ no dump: {0} cannot be written' $file
        return $saved
    }
    $saved.File = $file
    $saved.Lines += Get-Text '已保存 goroutine 转储: {0}' 'saved a goroutine dump: {0}' $file
    return $saved
}

$lock = Open-Lock -StateFile $stateFile
if ($null -eq $lock) { Exit-Script $ExitCode.Locked (Get-Text '另一次运行还在进行' 'another run is at it') }

$health = Get-Health
$n = $health.Goroutines
if ($health.Code -ne 0) {
    Write-Record (Get-Text '不重启: {0}' 'no restart: {0}' $health.Problem)
    exit $health.Code
}
if ($n -le $Threshold) {
    Get-Text '无需重启: Goroutines {0}（阈值 {1}）' 'no restart needed: goroutines {0} (threshold {1})' $n $Threshold
    exit 0
}

if ($health.Busy -le $Threshold) {
    Write-Record (Get-Text '不重启: Goroutines {0} > {1}，但其中 {2} 个是空闲客户端连接，重启没有用' 'no restart: goroutines {0} > {1}, but {2} of them are idle client connections, which no restart cures' $n $Threshold $health.Idle)
    exit 0
}

$memory = Read-State -StateFile $stateFile
$now = [long](Get-UnixTime)
$since = $now - [long]$memory.restarted
if ($since -lt $MinInterval) {
    Write-Record (Get-Text '⚠️ Goroutines {0} > {1}，但 {2} 秒前刚尝试过重启（最短间隔 {3} 秒），不重启' '⚠️ Goroutines {0} > {1}, but a restart was tried {2} s ago (minimum interval {3} s): no restart' $n $Threshold $since $MinInterval)
    exit $ExitCode.TooSoon
}
$compose = @(Get-Compose)
if ($compose.Count -eq 0) {
    Write-Record (Get-Text '缺少 docker-compose（或 docker compose）' 'docker-compose (or docker compose) is missing')
    exit $ExitCode.Local
}

Write-Record "⚠️ Goroutines > $Threshold, restarting service..."
if ($DryRun) {
    Get-Text '演练: 会保存转储到 {0}，然后运行: {1}' 'dry run: a dump would go to {0}, then: {1}' $DumpDir ($compose[0].Words -join ' ')
    exit 0
}
$dump = Save-Dump
foreach ($line in $dump.Lines) { Write-Record $line }
# Remembered before the restart: one that fails half-way must not be repeated every minute.
$memory.restarted = $now
Write-State -StateFile $stateFile -State $memory

$code = 0
$occasion = 'restart'
$text = Get-Text 'OneAPI 已自动重启（Goroutine过多: {0}）' 'OneAPI was restarted (too many goroutines: {0})' $n
$restartCode = Invoke-Restart -All $compose
if ($restartCode -ne 0) {
    $code = $ExitCode.RestartFailed
    $occasion = 'restart_failed'
    $text = Get-Text '🔴 OneAPI 自动重启失败（Goroutine过多: {0}，退出码 {1}）' '🔴 OneAPI could not be restarted (too many goroutines: {0}, exit code {1})' $n $restartCode
} else {
    $doubt = Wait-Restart -Before $health.Uptime
    if ($doubt) {
        $code = $ExitCode.RestartFailed
        $occasion = 'restart_failed'
        $text = Get-Text '🔴 OneAPI 没有重启成功（Goroutine过多: {0}；{1}）' '🔴 OneAPI was not seen to restart (too many goroutines: {0}; {1})' $n $doubt
    }
}
Write-Record $text
$held = Get-BusiestText $health
if ($held) {
    Write-Record $held
    $text += "`n" + $held
}
if (Test-CanNotify) {
    $sent = Send-Notice -Subject '⚠️ OneAPI Alert: Restart' -Text $text -Body @{
        event = $occasion; level = 'severe'; service = (Get-ShownUrl); goroutines = $n; dump = $dump.File
        time = [DateTime]::UtcNow.ToString('yyyy-MM-ddTHH:mm:ssZ')
    }
    if ($sent.Undelivered -gt 0 -and $code -eq 0) { $code = $ExitCode.Undelivered }
}
$lock.Dispose()
exit $code
