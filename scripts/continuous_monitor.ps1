<#
.SYNOPSIS
Writes the goroutines of One API to a log file.
.DESCRIPTION
-Help shows the whole text, in Chinese or English. The twin of continuous_monitor.sh: same output and exit codes.
.EXAMPLE
.\continuous_monitor.ps1 -ApiUrl "http://host:3000"
#>
[CmdletBinding()]
param(
    [Parameter(Position = 0)][string]$ApiUrl,
    [Parameter(Position = 1)][double]$Interval = 60, [string]$Log, [int]$Count = 0,
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
Initialize-Script -Name 'continuous_monitor' -ApiUrl $ApiUrl -Lang $Lang -Timeout $Timeout -NoColor $NoColor
if ($Help) {
    Get-Text @'
用法: .\continuous_monitor.ps1 [-ApiUrl 地址] [-Interval 秒] [参数]

每隔一段时间把 goroutine 数量和内存写入日志文件，每次一行:
  [2025-10-27 10:30:00] Goroutines: 856, Memory: 256MB
超过 5000 时行尾加 "⚠️ ALERT: Goroutines=N"，并输出到终端。读取失败写入 <日志>.errors 和标准错误。按 Ctrl+C 停止。

  -Log 文件         日志文件（默认为环境变量 LOG_FILE；没有则 Windows 为 %LOCALAPPDATA%\one-api\oneapi-goroutines.log，
                    其他系统为 /var/log/oneapi-goroutines.log）
  -Interval 秒      间隔（默认 60）
  -Count 次数       记录这么多次后结束（默认一直记录）

退出码: 0 最后一次不超过 5000；1 最后一次超过 5000；其余见下（最后一次的结果；8 也表示日志不可写）
'@ @'
Usage: .\continuous_monitor.ps1 [-ApiUrl ADDRESS] [-Interval SECONDS] [parameters]

Writes goroutines and memory to a log file, one line a look:
  [2025-10-27 10:30:00] Goroutines: 856, Memory: 256MB
Above 5000 the line ends with "⚠️ ALERT: Goroutines=N", which the terminal shows too. A failed look goes to LOG.errors and standard
error. Ctrl+C stops it.

  -Log FILE         the log file (default LOG_FILE of the environment; else %LOCALAPPDATA%\one-api\oneapi-goroutines.log on
                    Windows and /var/log/oneapi-goroutines.log elsewhere)
  -Interval SECONDS time between two looks (default 60)
  -Count N          stop after N looks (default: never)

Exit codes: 0 the last look found 5000 or fewer; 1 it found more; the rest below, also for the last look (8: or the log cannot be written)
'@
    Get-CommonUsage
    exit 0
}
Assert-Positive '-Interval' $Interval
Assert-NotNegative '-Count' $Count
if (-not $Log) { $Log = Get-DefaultLog }
$Log = Resolve-File $Log

# Write-Record appends a line, or ends the script: a monitor that records nothing must not look alive.
function Write-Record {
    param([string]$Path, [string]$Line)
    if (-not (Add-Line -Path $Path -Line $Line)) {
        Exit-Script $ExitCode.Local (Get-Text '无法写入 {0}（可用 -Log 指定其他文件）' '{0} cannot be written (-Log names another file)' $Path)
    }
}

$looks = 0
while ($true) {
    $health = Get-Health
    $code = $health.Code
    $stamp = Get-Date -Format 'yyyy-MM-dd HH:mm:ss'
    $line = "[$stamp] Goroutines: $($health.Goroutines), Memory: $($health.MemoryMB)MB"
    if ($code -ne 0) {
        Write-Record ($Log + '.errors') "[$stamp] $($health.Problem)"
        [Console]::Error.WriteLine("[$stamp] $($health.Problem)")
    } elseif ($health.Goroutines -gt 5000) {
        $code = $ExitCode.Alarm
        Write-Record $Log "$line ⚠️ ALERT: Goroutines=$($health.Goroutines)"
        "[$stamp] ⚠️ ALERT: Goroutines=$($health.Goroutines)"
    } else {
        Write-Record $Log $line
    }
    $looks++
    if ($Count -gt 0 -and $looks -ge $Count) { exit $code }
    Start-Sleep -Milliseconds ([int]($Interval * 1000))
}
