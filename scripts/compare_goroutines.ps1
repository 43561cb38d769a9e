<#
.SYNOPSIS
Compares the goroutines of One API before and after.
.DESCRIPTION
-Help shows the whole text, in Chinese or English. The twin of compare_goroutines.sh: same output and exit codes.
.EXAMPLE
.\compare_goroutines.ps1 -ApiUrl "http://host:3000"
#>
[CmdletBinding()]
param(
    [Parameter(Position = 0)][string]$ApiUrl,
    [string]$Log, [int]$Lines = 60, [string]$Before,
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
Initialize-Script -Name 'compare_goroutines' -ApiUrl $ApiUrl -Lang $Lang -Timeout $Timeout -NoColor $NoColor
if ($Help) {
    Get-Text @'
用法: .\compare_goroutines.ps1 [-ApiUrl 地址] [参数]

对比前后的 goroutine 数量：分布、当前、峰值、谷值、平均值，以及增长百分比。
历史来自 continuous_monitor 的日志；没有日志时只比较 -Before 和当前值。

  -Log 文件         日志文件（默认同 continuous_monitor）
  -Lines 行数       使用日志最后多少行（默认 60，即最近 1 小时）
  -Before 值        之前的数量：数字；保存了监控 API 回答的 baseline.json；或一份旧日志（取平均值）。
                    默认为上述日志行中最早的一行

退出码: 0 当前不超过 5000；1 当前超过 5000；8 没有可比较的数据；其余见下
'@ @'
Usage: .\compare_goroutines.ps1 [-ApiUrl ADDRESS] [parameters]

Compares the goroutines before and after: distribution, current, peak, trough, average, and the growth in percent.
The history is the log of continuous_monitor; without one, -Before is compared with the current number.

  -Log FILE         the log file (default: that of continuous_monitor)
  -Lines N          how many of its last lines to use (default 60: the last hour)
  -Before VALUE     the number before: a number; a baseline.json, a saved answer of the monitoring API; or an old log (its average).
                    Default: the first of those lines

Exit codes: 0 the current number is 5000 or less; 1 it is more; 8 there is nothing to compare; the rest below
'@
    Get-CommonUsage
    exit 0
}
Assert-Positive '-Lines' $Lines
if (-not $Log) { $Log = Get-DefaultLog }
$Log = Resolve-File $Log

# Get-LoggedCount is the counts that the last lines of a log hold.
function Get-LoggedCount {
    param([string]$Path, [int]$Most)
    if (-not (Test-Path -LiteralPath $Path -PathType Leaf)) { return }
    [IO.File]::ReadAllLines($Path) | Where-Object { $_ -match '\bGoroutines: ([0-9]+)' } | Select-Object -Last $Most |
        ForEach-Object { if ($_ -match '\bGoroutines: ([0-9]+)') { [long]$Matches[1] } }
}

function Get-Average {
    param([long[]]$Values)
    return [long][Math]::Round(($Values | Measure-Object -Average).Average)
}

# Get-BeforeCount is what -Before stands for, or $null.
function Get-BeforeCount {
    param([string]$Value)
    if ($Value -match '^[0-9]+$') { return [long]$Value }
    $path = Resolve-File $Value
    if (-not (Test-Path -LiteralPath $path -PathType Leaf)) { return $null }
    $json = ConvertFrom-JsonObject ([IO.File]::ReadAllText($path))
    if ($json) { return ConvertTo-Count $json.goroutines }
    $old = @(Get-LoggedCount -Path $path -Most 1000000)
    if ($old.Count -eq 0) { return $null }
    return Get-Average $old
}

$history = @(Get-LoggedCount -Path $Log -Most $Lines)
$first = $null
if ($Before) {
    $first = Get-BeforeCount $Before
    if ($null -eq $first) {
        Exit-Script $ExitCode.Local (Get-Text '-Before {0}: 既不是数字，也不是可读的 baseline.json 或日志' '-Before {0} is neither a number nor a readable baseline.json or log' $Before)
    }
} elseif ($history.Count -gt 0) {
    $first = $history[0]
}

Get-Text '📊 Goroutine 数量趋势分析' '📊 Goroutines: the trend'
'========================'
if ($history.Count -gt 0) {
    $history | Group-Object | Sort-Object { [long]$_.Name } | ForEach-Object { '{0,7} {1}' -f $_.Count, $_.Name }
} else {
    Get-Text '（{0} 中没有数据，先运行 continuous_monitor.ps1）' '(nothing in {0}: run continuous_monitor.ps1 first)' $Log
}

$health = Get-Health
$code = $health.Code
$last = $null
''
Get-Text '📈 统计：' '📈 Figures:'
if ($code -eq 0) {
    $last = $health.Goroutines
    Get-Text '当前: {0}' 'Current: {0}' $last
    if ($last -gt 5000) { $code = $ExitCode.Alarm }
} else {
    Get-Text '当前: 未知（{0}）' 'Current: unknown ({0})' $health.Problem
    if ($history.Count -gt 0) { $last = $history[-1] }
}
if ($history.Count -gt 0) {
    $range = $history | Measure-Object -Minimum -Maximum
    Get-Text '峰值: {0}' 'Peak: {0}' $range.Maximum
    Get-Text '谷值: {0}' 'Trough: {0}' $range.Minimum
    Get-Text '平均值: {0}' 'Average: {0}' (Get-Average $history)
}
if ($null -eq $first -or $null -eq $last) {
    if ($code -le 1) { $code = $ExitCode.Local }
    Exit-Script $code (Get-Text '没有可比较的数据：需要 -Before 或 continuous_monitor 的日志' 'nothing to compare: -Before or a log of continuous_monitor is needed')
}
''
Get-Text '🔁 前后对比：' '🔁 Before and after:'
Get-Text '之前: {0}' 'Before: {0}' $first
Get-Text '之后: {0}' 'After: {0}' $last
if ($first -eq 0) {
    Get-Text '增长: 无法计算（之前为 0）' 'Growth: none to compute (0 before)'
} else {
    $growth = [Math]::Round(($last - $first) * 100 / $first, 1)
    $shown = $growth.ToString('+0.0;-0.0;+0.0', [Globalization.CultureInfo]::InvariantCulture)
    if ($growth -lt 20) {
        Get-Text '增长: {0}%  ✅ 增长 < 20%，基本正常' 'Growth: {0}%  ✅ below 20%: much as it should be' $shown
    } else {
        Get-Text '增长: {0}%  ⚠️ 增长 ≥ 20%，请持续观察' 'Growth: {0}%  ⚠️ 20% or more: keep watching' $shown
    }
}
exit $code
