<#
.SYNOPSIS
Shows the goroutines of One API live.
.DESCRIPTION
-Help shows the whole text, in Chinese or English. The twin of monitor_goroutines.sh: same output and exit codes.
.EXAMPLE
.\monitor_goroutines.ps1 -ApiUrl "http://host:3000"
#>
[CmdletBinding()]
param(
    [Parameter(Position = 0)][string]$ApiUrl,
    [Parameter(Position = 1)][double]$Interval = 5, [int]$Count = 0,
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
Initialize-Script -Name 'monitor_goroutines' -ApiUrl $ApiUrl -Lang $Lang -Timeout $Timeout -NoColor $NoColor
if ($Help) {
    Get-Text @'
用法: .\monitor_goroutines.ps1 [-ApiUrl 地址] [-Interval 秒] [参数]

实时显示 goroutine 数量：当前、最大、最小、等级与建议、趋势图、占用最多的三个渠道。按 Ctrl+C 停止。

  -Interval 秒      刷新间隔（默认 5）
  -Count 次数       看这么多次后结束（默认一直看）

例: .\monitor_goroutines.ps1
    .\monitor_goroutines.ps1 -ApiUrl "http://your-server:3000" -Interval 5

退出码: 0 最后一次不超过 5000；1 最后一次超过 5000；其余见下（最后一次的结果）
'@ @'
Usage: .\monitor_goroutines.ps1 [-ApiUrl ADDRESS] [-Interval SECONDS] [parameters]

Shows the goroutines live: current, max, min, level and advice, a sparkline, and the three channels that hold most. Ctrl+C stops it.

  -Interval SECONDS time between two looks (default 5)
  -Count N          stop after N looks (default: never)

Examples: .\monitor_goroutines.ps1
          .\monitor_goroutines.ps1 -ApiUrl "http://your-server:3000" -Interval 5

Exit codes: 0 the last look found 5000 or fewer; 1 it found more; the rest below, also for the last look
'@
    Get-CommonUsage
    exit 0
}
Assert-Positive '-Interval' $Interval
Assert-NotNegative '-Count' $Count

$mostHistory = 60
$bars = '▁▂▃▄▅▆▇█'
$history = [Collections.Generic.List[long]]::new()
$highest = $null
$lowest = $null
$looks = 0

# Get-Sparkline draws the history, the lowest as the smallest bar and the highest as the tallest.
function Get-Sparkline {
    param([long[]]$Values)
    $range = $Values | Measure-Object -Minimum -Maximum
    $line = ''
    foreach ($value in $Values) {
        $height = 0
        if ($range.Maximum -gt $range.Minimum) { $height = [Math]::Floor(($value - $range.Minimum) * 7 / ($range.Maximum - $range.Minimum)) }
        $line += $bars[[int]$height]
    }
    return $line
}

# Out-Colored prints a line, in a colour where there is a console to show it.
function Out-Colored {
    param([string]$Color, [string]$Line)
    if ($OneApi.Color) { $Host.UI.WriteLine($Color, $Host.UI.RawUI.BackgroundColor, $Line) } else { $Line }
}

try {
    while ($true) {
        $health = Get-Health
        $top = $null
        if ($health.Code -eq 0) {
            $n = $health.Goroutines
            $history.Add($n)
            if ($history.Count -gt $mostHistory) { $history.RemoveAt(0) }
            if ($null -eq $highest -or $n -gt $highest) { $highest = $n }
            if ($null -eq $lowest -or $n -lt $lowest) { $lowest = $n }
            $top = Get-TopChannel
        }
        if ($OneApi.Color) { Clear-Host }
        Get-Text '📊 OneAPI Goroutine 实时监控  {0}  {1}' '📊 OneAPI goroutines, live  {0}  {1}' (Get-ShownUrl) (Get-Date -Format 'yyyy-MM-dd HH:mm:ss')
        Get-Text '每 {0} 秒刷新，按 Ctrl+C 停止' 'every {0} s; Ctrl+C stops' $Interval
        '========================'
        if ($health.Code -ne 0) {
            Out-Colored 'Red' ('🔴 ' + $health.Problem)
        } else {
            $grade = Get-Grade $n
            Out-Colored $grade.Color (Get-Text '当前: {0}  {1} {2}（{3}）' 'Current: {0}  {1} {2} ({3})' $n $grade.Icon $grade.Word $grade.Note)
        }
        if ($null -ne $highest) {
            Get-Text '最大: {0}  最小: {1}' 'Max: {0}  Min: {1}' $highest $lowest
            Get-Text '趋势: {0}' 'Trend: {0}' (Get-Sparkline $history.ToArray())
        }
        if ($health.Code -eq 0) {
            Get-Text '内存使用: {0}MB  {1}' 'Memory: {0}MB  {1}' $health.MemoryMB (Get-MemoryGrade $health.MemoryMB)
            if ($health.InFlight -ne '-') { Get-Text '进行中: {0}' 'In flight: {0}' $health.InFlight }
            Get-IdleText $health
            if ($top.Problem) {
                Get-BusiestText $health
                $top.Problem
            } else {
                Get-Text '渠道前三:' 'Top three channels:'
                if ($top.Channels.Count -eq 0) { Get-Text '  （没有渠道在工作）' '  (no channel is at work)' }
                $place = 0
                foreach ($channel in $top.Channels) {
                    $place++
                    Get-Text '  {0}. {1}  goroutines {2}  进行中 {3}' '  {0}. {1}  goroutines {2}  in flight {3}' $place $channel.channel $channel.goroutines $channel.in_flight
                }
            }
            Get-Text '建议: {0}' 'Advice: {0}' $grade.Advice
        }
        ''
        $looks++
        if ($Count -gt 0 -and $looks -ge $Count) {
            if ($health.Code -eq 0 -and $n -gt 5000) { exit $ExitCode.Alarm }
            exit $health.Code
        }
        Start-Sleep -Milliseconds ([int]($Interval * 1000))
    }
} finally {
    # After Ctrl+C the pipeline is closed; the console is not.
    if ($Count -eq 0 -and $null -ne $highest) {
        [Console]::WriteLine((Get-Text '已停止。共 {0} 次，最大 {1}，最小 {2}' 'Stopped. {0} looks, max {1}, min {2}' $looks $highest $lowest))
    }
}
