<#
.SYNOPSIS
Looks once at One API, and alerts people when it is in trouble.
.DESCRIPTION
-Help shows the whole text, in Chinese or English. The twin of check_and_alert.sh: same output and exit codes.
.EXAMPLE
.\check_and_alert.ps1 -ApiUrl "http://host:3000"
#>
[CmdletBinding()]
param(
    [Parameter(Position = 0)][string]$ApiUrl,
    [string]$Config, [int]$Quiet = 3600, [int]$DownAfter = 2, [string]$State, [switch]$DryRun,
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
Initialize-Script -Name 'check_and_alert' -ApiUrl $ApiUrl -Lang $Lang -Timeout $Timeout -NoColor $NoColor
if ($Help) {
    Get-Text @'
用法: .\check_and_alert.ps1 [-ApiUrl 地址] [参数]

检查一次，需要时发送告警；适合放进计划任务。
  级别1 警告: goroutines > 2000     发送通知，继续观察
  级别2 紧急: goroutines > 5000     立即检查，准备重启
  级别3 严重: goroutines > 10000    立即重启服务
  无法读取:   连续 -DownAfter 次没有可用的回答（正在停机不算）
空闲客户端连接（health 的 client_connections.idle）各占一个 goroutine，判断级别时会减去：它们不是故障，不值得叫醒人。
同一级别在静默时间内不重复；降到 2000 及以下时发送恢复通知，之后的紧急和严重会立即再次告警。

  -Config 文件      读取下面的设置（其他用户不得可读）
  -Quiet 秒         同一级别的静默时间（默认 3600）
  -DownAfter 次     连续多少次无法读取才告警（默认 2）
  -State 文件       状态文件（默认 Windows 在 %LOCALAPPDATA%\one-api，其他系统在 ~/.local/state/one-api）
  -DryRun           只显示要发送的内容，不发送，也不改变状态

退出码: 0 不超过 5000（不含空闲连接）；1 超过 5000；9 通知没有送达；其余见下
'@ @'
Usage: .\check_and_alert.ps1 [-ApiUrl ADDRESS] [parameters]

Looks once, and sends an alert where one is due. Made for the task scheduler.
  level 1, warning:   goroutines > 2000     tell, and keep watching
  level 2, critical:  goroutines > 5000     look at once, prepare a restart
  level 3, severe:    goroutines > 10000    restart the service at once
  unreadable:         no usable answer -DownAfter times in a row (draining does not count)
Idle client connections (client_connections.idle of the health) have a goroutine each, and are taken off before a level is judged: they
are no trouble, and nobody is woken for them. A level is not told again within the quiet interval. At 2000 and below a recovery notice is sent; after it critical and severe are
told at once again.

  -Config FILE      read the settings below (other users must not be able to)
  -Quiet SECONDS    how long a level is not told again (default 3600)
  -DownAfter N      how many unreadable looks in a row are told (default 2)
  -State FILE       the state file (default: in %LOCALAPPDATA%\one-api on Windows, ~/.local/state/one-api elsewhere)
  -DryRun           show what would be sent; send nothing, remember nothing

Exit codes: 0 5000 or fewer (idle connections taken off); 1 more than 5000; 9 a notice was not delivered; the rest below
'@
    Get-NotifyUsage
    Get-CommonUsage
    exit 0
}
Assert-NotNegative '-Quiet' $Quiet
Assert-NotNegative '-DownAfter' $DownAfter
if ($Config) { Import-Setting -Path $Config }
Resolve-Webhook
$stateFile = Get-StateFile -Name 'check_and_alert' -Path $State
$lock = Open-Lock -StateFile $stateFile
if ($null -eq $lock) {
    [Console]::Error.WriteLine((Get-Text '另一次检查还在运行' 'another check is still running'))
    exit 0
}

$memory = Read-State -StateFile $stateFile
$told = @{}
if ($memory.told) { foreach ($property in $memory.told.PSObject.Properties) { $told[$property.Name] = [long]$property.Value } }
$memory.told = $told
$now = [long](Get-UnixTime)
$health = Get-Health
$n = $health.Goroutines
$code = $health.Code
$level = 'normal'
$threshold = 2000
$subject = '⚠️ OneAPI Alert: High Goroutine Count'

# Write-Memory keeps the state, but in a dry run.
function Write-Memory { if (-not $DryRun) { Write-State -StateFile $stateFile -State $memory } }

# Get-AlertText is what people read. Its first three lines are the guide's.
function Get-AlertText {
    if ($level -eq 'down') { return (Get-Text '⚠️ OneAPI告警' '⚠️ OneAPI alert') + "`n" + $health.Problem }
    $rows = @(
        (Get-Text '⚠️ OneAPI告警' '⚠️ OneAPI alert')
        (Get-Text '当前Goroutine数量: {0}' 'Goroutines now: {0}' $n)
        (Get-Text '已超过阈值{0}，请检查！' 'above the threshold of {0}: please look!' $threshold)
    )
    switch ($level) {
        'warning' { $rows += Get-Text '级别1: 警告（继续观察）' 'Level 1: warning (keep watching)' }
        'critical' { $rows += Get-Text '级别2: 紧急（立即检查，准备重启）' 'Level 2: critical (look at once, prepare a restart)' }
        'severe' { $rows += Get-Text '级别3: 严重（立即重启服务）' 'Level 3: severe (restart the service at once)' }
    }
    $rows += @(Get-IdleText $health) + @(Get-BusiestText $health)
    $top = Get-TopChannel
    if ($top.Channels.Count -gt 0) {
        $rows += Get-Text '占用最多的渠道:' 'The channels that hold most:'
        foreach ($channel in $top.Channels) {
            $rows += Get-Text '- {0}: goroutines {1}，进行中 {2}' '- {0}: goroutines {1}, in flight {2}' $channel.channel $channel.goroutines $channel.in_flight
        }
    }
    $rows += Get-Text '服务: {0}' 'Service: {0}' (Get-ShownUrl)
    return $rows -join "`n"
}

# Send-Told sends a notice; it returns how many ways delivered it and how many did not. With no way set, the terminal is the way.
function Send-Told {
    param([string]$Occasion, [string]$Title, [string]$Text)
    $result = [PSCustomObject]@{ Delivered = 1; Undelivered = 0 }
    if ($DryRun) { return $result }
    if (-not (Test-CanNotify)) {
        [Console]::Error.WriteLine($OneApi.Name + ': ' + (Get-Text '没有配置通知方式，只在这里显示（-Help 查看用法）' 'no way to notify is set, so it is only shown here (see -Help)'))
        return $result
    }
    $head = ''
    if ($Occasion -eq 'alert' -and $level -ne 'down') { $head = "High goroutine count: $n" }
    return Send-Notice -Subject $Title -Text $Text -MailHead $head -Body @{
        event = $Occasion; level = $level; service = (Get-ShownUrl); goroutines = $n; time = [DateTime]::UtcNow.ToString('yyyy-MM-ddTHH:mm:ssZ')
    }
}

if ($code -eq $ExitCode.Draining) {
    $health.Problem
    exit $code
}
if ($code -ne 0) {
    $memory.failed = [int]$memory.failed + 1
    Write-Memory
    [Console]::Error.WriteLine($health.Problem)
    if ($memory.failed -lt $DownAfter) { exit $code }
    $level = 'down'
    $subject = '⚠️ OneAPI Alert: No Health Answer'
} else {
    $memory.failed = 0
    $busy = $health.Busy
    if ($busy -gt 10000) { $level = 'severe'; $threshold = 10000; $code = $ExitCode.Alarm }
    elseif ($busy -gt 5000) { $level = 'critical'; $threshold = 5000; $code = $ExitCode.Alarm }
    elseif ($busy -gt 2000) { $level = 'warning' }
}

# memory.incident is whether something was told since the last recovery; memory.told[level] is when that level was told last.
if ($level -eq 'normal') {
    if ($memory.incident) {
        $text = @(
            (Get-Text '✅ OneAPI恢复' '✅ OneAPI recovered')
            (Get-Text '当前Goroutine数量: {0}，已恢复正常（期间峰值: {1}）' 'Goroutines now: {0}, normal again (peak: {1})' $n ([long]$memory.peak))
            (Get-Text '服务: {0}' 'Service: {0}' (Get-ShownUrl))
            @(Get-IdleText $health)
        ) -join "`n"
        $text
        $sent = Send-Told -Occasion 'recovery' -Title '✅ OneAPI Recovered' -Text $text
        if ($sent.Undelivered -gt 0) { $code = $ExitCode.Undelivered }
        if ($sent.Delivered -gt 0) {
            $kept = @{}
            if ($told.warning) { $kept.warning = $told.warning }
            $memory = @{ told = $kept; incident = $false; failed = 0; peak = 0 }
        }
    } else {
        $memory.peak = 0
        Get-Text '正常: Goroutines {0}' 'normal: goroutines {0}' $n
        Get-IdleText $health
    }
    Write-Memory
    exit $code
}

if ($level -ne 'down') {
    $memory.peak = [Math]::Max([long]$memory.peak, $n)
    Write-Memory
}
if ($now - [long]$told[$level] -lt $Quiet) {
    $shown = '-'
    if ($null -ne $n) { $shown = $n }
    Get-Text '静默中，不重复 {0}（goroutines: {1}）' 'quiet: {0} is not told again (goroutines: {1})' $level $shown
    exit $code
}
$text = Get-AlertText
$text
$sent = Send-Told -Occasion 'alert' -Title $subject -Text $text
if ($sent.Undelivered -gt 0) { $code = $ExitCode.Undelivered }
if ($sent.Delivered -gt 0) {
    $told[$level] = $now
    $memory.incident = $true
    Write-Memory
}
$lock.Dispose()
exit $code
