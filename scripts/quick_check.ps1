<#
.SYNOPSIS
Looks once at the goroutines and the memory of One API.
.DESCRIPTION
-Help shows the whole text, in Chinese or English. The twin of quick_check.sh: same output and exit codes.
.EXAMPLE
.\quick_check.ps1 -ApiUrl "http://host:3000"
#>
[CmdletBinding()]
param(
    [Parameter(Position = 0)][string]$ApiUrl,
    [switch]$Detail,
    [string]$Lang, [double]$Timeout = 10, [switch]$NoColor, [switch]$Help
)

foreach ($part in @('health')) {
    $file = Join-Path (Join-Path $PSScriptRoot 'lib') ($part + '.ps1')
    if (-not (Test-Path -LiteralPath $file)) {
        [Console]::Error.WriteLine("lib/$part.ps1 is missing: copy the whole scripts folder")
        exit 8
    }
    . $file
}
Initialize-Script -Name 'quick_check' -ApiUrl $ApiUrl -Lang $Lang -Timeout $Timeout -NoColor $NoColor
if ($Help) {
    Get-Text @'
用法: .\quick_check.ps1 [-ApiUrl 地址] [参数]

查看一次 One API 的 goroutine 数量和内存，给出状态。

  -Detail           另外显示进行中的请求、渠道状态和版本

例: .\quick_check.ps1
    .\quick_check.ps1 -ApiUrl "http://your-server:3000"

退出码: 0 正常或略高（不超过 5000）；1 超过 5000，或无法连接；其余见下
'@ @'
Usage: .\quick_check.ps1 [-ApiUrl ADDRESS] [parameters]

Looks once at the goroutines and the memory of One API, and says how it is.

  -Detail           calls in flight, channels and version too

Examples: .\quick_check.ps1
          .\quick_check.ps1 -ApiUrl "http://your-server:3000"

Exit codes: 0 normal or elevated (up to 5000); 1 above 5000, or unreachable; the rest below
'@
    Get-CommonUsage
    exit 0
}

Get-Text '🔍 OneAPI 健康检查' '🔍 OneAPI health check'
'=================='
$health = Get-Health
if ($health.Code -ne 0) {
    Get-Text '状态: 🔴 {0}' 'Status: 🔴 {0}' $health.Problem
    # The plan promises 1 for a relay that cannot be reached.
    if ($health.Code -eq $ExitCode.Unreachable) { exit $ExitCode.Alarm }
    exit $health.Code
}

"Goroutines: $($health.Goroutines)"
Get-Text '内存使用: {0}MB' 'Memory: {0}MB' $health.MemoryMB
if ($Detail) {
    $c = $health.Channels
    Get-Text '进行中: {0}' 'In flight: {0}' $health.InFlight
    Get-Text '渠道: 共 {0}，健康 {1}，降级 {2}，停用 {3}' 'Channels: {0} in all, {1} healthy, {2} degraded, {3} disabled' $c[0] $c[1] $c[2] $c[3]
    Get-Text '版本: {0}' 'Version: {0}' $health.Version
}
if ($Detail -or $health.Goroutines -gt 2000) {
    Get-IdleText $health
    Get-BusiestText $health
}
if ($health.Goroutines -gt 5000) {
    Get-Text '状态: 🔴 危险 - Goroutine过多！' 'Status: 🔴 danger - too many goroutines!'
    exit $ExitCode.Alarm
} elseif ($health.Goroutines -gt 2000) {
    Get-Text '状态: 🟡 警告 - Goroutine略高' 'Status: 🟡 warning - goroutines somewhat high'
} else {
    Get-Text '状态: 🟢 正常' 'Status: 🟢 normal'
}
exit 0
