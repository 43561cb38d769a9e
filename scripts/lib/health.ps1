# What the PowerShell scripts share: language, arguments, the way to the relay, and what its health answer says. Dot-sourced,
# never run. For Windows PowerShell 5.1 and PowerShell 7. The twin of health.sh: same texts, thresholds and exit codes.

$ErrorActionPreference = 'Stop'
Add-Type -AssemblyName System.Net.Http
[Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
try { [Console]::OutputEncoding = [Text.UTF8Encoding]::new($false) } catch { Write-Verbose 'no console' }

# Exit codes, the same in every script. 0: normal or elevated.
$script:ExitCode = @{
    Alarm = 1; Usage = 2; Unreachable = 3; Draining = 4; Foreign = 5; Lacking = 6; Refused = 7; Local = 8
    Undelivered = 9; TooSoon = 10; Locked = 11; RestartFailed = 12
}
$script:OneApi = @{ Lang = 'zh'; Url = ''; Timeout = 10; Color = $false; Name = '' }

# Get-Text chooses a text by language and fills in the values, with .NET's format.
function Get-Text {
    param([string]$Zh, [string]$En, [Parameter(ValueFromRemainingArguments = $true)][object[]]$Values)
    $format = $Zh
    if ($script:OneApi.Lang -eq 'en') { $format = $En }
    if ($null -eq $Values -or $Values.Count -eq 0) { return $format }
    return $format -f $Values
}

# Exit-Script says why on standard error, and ends.
function Exit-Script {
    param([int]$Code, [string]$Message)
    [Console]::Error.WriteLine($script:OneApi.Name + ': ' + $Message)
    exit $Code
}

function Get-CommonUsage {
    Get-Text @'

通用参数:
  -ApiUrl 地址      默认为环境变量 API_URL，没有则为 http://localhost:3000（也可作为第一个参数）
  -Lang zh|en       输出语言（默认 zh，也可用环境变量 ONEAPI_LANG）
  -Timeout 秒       单次请求的最长等待时间（默认 10）
  -NoColor          不使用颜色（环境变量 NO_COLOR 同样有效）
  -Help             本说明

环境变量 MONITOR_TOKEN: 监控令牌，从其他机器查看渠道明细，或 PUBLIC_HEALTH=false 时需要

通用退出码:
  2 参数值错误（未知参数由 PowerShell 自己拒绝，退出码 1）   3 无法连接   4 正在停机（503 draining）
  5 不是 One API 的回答（例如代理的 HTML 页面）   6 回答缺少字段   7 被拒绝（401/403）
  8 本机文件或工具不可用
'@ @'

Common parameters:
  -ApiUrl ADDRESS   default: API_URL of the environment, else http://localhost:3000 (also the first argument)
  -Lang zh|en       language of the output (default zh, or ONEAPI_LANG)
  -Timeout SECONDS  the longest wait for one answer (default 10)
  -NoColor          no colours (NO_COLOR in the environment does the same)
  -Help             this text

MONITOR_TOKEN in the environment: the monitor token, for the channels from another machine and with PUBLIC_HEALTH=false

Common exit codes:
  2 wrong value (an unknown parameter is refused by PowerShell itself, with 1)   3 unreachable   4 draining (503)
  5 not an answer of One API (a proxy's HTML page, for example)   6 fields are missing   7 refused (401/403)
  8 a file or tool of this machine cannot be used
'@
}

# Initialize-Script takes the common parameters. ApiUrl may hold the path of the health page.
function Initialize-Script {
    param([string]$Name, [string]$ApiUrl, [string]$Lang, [double]$Timeout, [bool]$NoColor)
    $script:OneApi.Name = $Name
    if (-not $Lang) { $Lang = $env:ONEAPI_LANG }
    if (-not $Lang) { $Lang = 'zh' }
    if (@('zh', 'en') -cnotcontains $Lang) { Exit-Script $script:ExitCode.Usage '-Lang 只能是 zh 或 en / is zh or en' }
    $script:OneApi.Lang = $Lang
    Assert-Positive '-Timeout' $Timeout
    $script:OneApi.Timeout = $Timeout
    if (-not $ApiUrl) { $ApiUrl = $env:API_URL }
    if (-not $ApiUrl) { $ApiUrl = 'http://localhost:3000' }
    if ($ApiUrl -notmatch '://') { $ApiUrl = 'http://' + $ApiUrl }
    $ApiUrl = $ApiUrl.TrimEnd('/') -replace '/api/monitor/health$', ''
    $uri = $null
    if (-not [Uri]::TryCreate($ApiUrl, [UriKind]::Absolute, [ref]$uri) -or @('http', 'https') -notcontains $uri.Scheme) {
        Exit-Script $script:ExitCode.Usage (Get-Text '地址无效: {0}' 'not an address: {0}' $ApiUrl)
    }
    $script:OneApi.Url = $ApiUrl
    $script:OneApi.Color = -not ($NoColor -or $env:NO_COLOR -or [Console]::IsOutputRedirected)
}

function Assert-Positive {
    param([string]$Name, [double]$Value)
    if ($Value -le 0) { Exit-Script $script:ExitCode.Usage (Get-Text '{0} 必须大于 0' '{0} must be above 0' $Name) }
}

function Assert-NotNegative {
    param([string]$Name, [double]$Value)
    if ($Value -lt 0) { Exit-Script $script:ExitCode.Usage (Get-Text '{0} 不能小于 0' '{0} must not be below 0' $Name) }
}

# Get-ShownUrl is the address without a user and password that it may hold.
function Get-ShownUrl { $script:OneApi.Url -replace '://[^/@]*@', '://' }

# Send-Request asks over HTTP. It returns Status (0: no answer), Body and Problem. Redirects are not followed: a token is for this
# address only. A body is sent as JSON.
function Send-Request {
    param([string]$Uri, [string]$Token, [double]$Timeout = $script:OneApi.Timeout, [string]$Json)
    $result = [PSCustomObject]@{ Status = 0; Body = ''; Problem = '' }
    $handler = [Net.Http.HttpClientHandler]::new()
    $handler.AllowAutoRedirect = $false
    $handler.UseProxy = -not ([Uri]$Uri).IsLoopback
    $client = [Net.Http.HttpClient]::new($handler)
    try {
        $client.Timeout = [TimeSpan]::FromSeconds($Timeout)
        $request = [Net.Http.HttpRequestMessage]::new([Net.Http.HttpMethod]::Get, $Uri)
        if ($Json) {
            $request.Method = [Net.Http.HttpMethod]::Post
            $request.Content = [Net.Http.StringContent]::new($Json, [Text.Encoding]::UTF8, 'application/json')
        }
        $user = ([Uri]$Uri).UserInfo
        if ($Token) {
            [void]$request.Headers.TryAddWithoutValidation('Authorization', 'Bearer ' + $Token)
        } elseif ($user) {
            $basic = [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes([Uri]::UnescapeDataString($user)))
            [void]$request.Headers.TryAddWithoutValidation('Authorization', 'Basic ' + $basic)
        }
        $response = $client.SendAsync($request).GetAwaiter().GetResult()
        $bytes = $response.Content.ReadAsByteArrayAsync().GetAwaiter().GetResult()
        $result.Body = [Text.Encoding]::UTF8.GetString($bytes)
        $result.Status = [int]$response.StatusCode
    } catch {
        $inner = $_.Exception
        while ($inner.InnerException) { $inner = $inner.InnerException }
        if ($_.Exception.ToString() -match 'TaskCanceledException|OperationCanceledException|TimeoutException') {
            $result.Problem = Get-Text '{0} 秒内没有回答' 'no answer within {0} s' $Timeout
        } else {
            $result.Problem = $inner.Message
        }
    } finally {
        $client.Dispose()
    }
    return $result
}

# ConvertTo-Count is a JSON number as a whole number, or $null.
function ConvertTo-Count {
    param($Value)
    if ($Value -is [int] -or $Value -is [long] -or $Value -is [double] -or $Value -is [decimal]) {
        if ($Value -ge 0 -and $Value -lt 1e15) { return [long][Math]::Floor($Value) }
    }
    return $null
}

# ConvertFrom-JsonObject is the object that a text holds, or $null where it holds something else.
function ConvertFrom-JsonObject {
    param([string]$Text)
    if (-not $Text.TrimStart().StartsWith('{')) { return $null }
    try { return ConvertFrom-Json -InputObject $Text } catch { return $null }
}

# Get-Health asks for the health. Code is 0 or one of the exit codes, and Problem says why. Idle is the client connections without a
# request, which have a goroutine each; Busy the goroutines without those. Busiest is the channel with most calls: Channel, InFlight, Oldest.
function Get-Health {
    $health = [PSCustomObject]@{
        Code = 0; Problem = ''; Goroutines = $null; MemoryMB = $null; InFlight = '-'; Version = '-'; Channels = @('-', '-', '-', '-')
        Uptime = $null; Idle = 0; Busy = $null; Busiest = $null
    }
    $shown = Get-ShownUrl
    $answer = Send-Request -Uri ($script:OneApi.Url + '/api/monitor/health') -Token $env:MONITOR_TOKEN
    if ($answer.Status -eq 0) {
        $health.Code = $script:ExitCode.Unreachable
        $health.Problem = Get-Text '无法连接 {0}: {1}' 'cannot reach {0}: {1}' $shown $answer.Problem
        return $health
    }
    if ($answer.Status -eq 401 -or $answer.Status -eq 403) {
        $health.Code = $script:ExitCode.Refused
        $health.Problem = Get-Text '{0} 拒绝访问（HTTP {1}）：请设置正确的 MONITOR_TOKEN' '{0} refused (HTTP {1}): set the right MONITOR_TOKEN' $shown $answer.Status
        return $health
    }
    $json = ConvertFrom-JsonObject $answer.Body
    if ($json -and $json.status -ceq 'draining') {
        $health.Code = $script:ExitCode.Draining
        $health.Problem = Get-Text '{0} 正在停机（draining），不再接受新请求' '{0} is draining: it stops and takes no new calls' $shown
        return $health
    }
    if (-not $json -or $answer.Status -ne 200) {
        $html = ''
        if ($answer.Body -match '<html|<!doctype') { $html = ', HTML' }
        $health.Code = $script:ExitCode.Foreign
        $health.Problem = Get-Text '{0} 返回的不是 One API 的回答（HTTP {1}{2}）：请检查地址、端口和中间的代理' '{0} gave no answer of One API (HTTP {1}{2}): check the address, the port, and any proxy in between' $shown $answer.Status $html
        return $health
    }
    $health.Goroutines = ConvertTo-Count $json.goroutines
    $health.MemoryMB = ConvertTo-Count $json.memory.alloc_mb
    $lacking = @()
    if ($null -eq $health.Goroutines) { $lacking += 'goroutines' }
    if ($null -eq $health.MemoryMB) { $lacking += 'memory.alloc_mb' }
    if ($lacking.Count -gt 0) {
        $health.Code = $script:ExitCode.Lacking
        $health.Problem = Get-Text '{0} 的回答缺少字段: {1}' 'the answer of {0} lacks: {1}' $shown ($lacking -join ', ')
        return $health
    }
    $count = ConvertTo-Count $json.in_flight
    if ($null -ne $count) { $health.InFlight = $count }
    if ($json.version) { $health.Version = [string]$json.version -replace '[^A-Za-z0-9._+-]', '' }
    $health.Channels = @('total', 'healthy', 'degraded', 'disabled') | ForEach-Object {
        $count = ConvertTo-Count $json.channels.$_
        if ($null -eq $count) { '-' } else { $count }
    }
    $health.Uptime = ConvertTo-Count $json.uptime_seconds
    $count = ConvertTo-Count $json.client_connections.idle
    if ($null -ne $count) { $health.Idle = $count }
    $health.Busy = [Math]::Max([long]0, [long]$health.Goroutines - [long]$health.Idle)
    if ($json.busiest.channel -is [string]) {
        $health.Busiest = [PSCustomObject]@{
            Channel = $json.busiest.channel -replace '[\x00-\x1f]', ''
            InFlight = ConvertTo-Count $json.busiest.in_flight; Oldest = ConvertTo-Count $json.busiest.oldest_seconds
        }
    }
    return $health
}

# Get-IdleText says what idle clients are worth, where there are any: they are no sign of trouble.
function Get-IdleText {
    param($Health)
    if ($Health.Idle -gt 0) { Get-Text '其中空闲客户端连接: {0}' 'Idle client connections among them: {0}' $Health.Idle }
}

# Get-BusiestText names the busiest channel, which the health says to everybody, where there is one.
function Get-BusiestText {
    param($Health)
    if ($Health.Busiest) {
        Get-Text '最忙的渠道: {0}，进行中 {1}，最老 {2} 秒' 'The busiest channel: {0}, in flight {1}, the oldest {2} s' $Health.Busiest.Channel $Health.Busiest.InFlight $Health.Busiest.Oldest
    }
}

# Get-TopChannel returns Problem, and in Channels up to three of channel, goroutines and in_flight, the most first.
function Get-TopChannel {
    $top = [PSCustomObject]@{ Problem = ''; Channels = @() }
    $answer = Send-Request -Uri ($script:OneApi.Url + '/api/monitor/goroutines') -Token $env:MONITOR_TOKEN
    $json = ConvertFrom-JsonObject $answer.Body
    if ($answer.Status -eq 0) {
        $top.Problem = Get-Text '渠道明细不可用: {0}' 'no channels to show: {0}' $answer.Problem
    } elseif ($answer.Status -eq 401 -or $answer.Status -eq 403) {
        $top.Problem = Get-Text '渠道明细不可用（HTTP {0}）：需要环境变量 MONITOR_TOKEN' 'no channels to show (HTTP {0}): MONITOR_TOKEN is needed in the environment' $answer.Status
    } elseif ($answer.Status -ne 200) {
        $top.Problem = Get-Text '渠道明细不可用（HTTP {0}）' 'no channels to show (HTTP {0})' $answer.Status
    } elseif (-not $json) {
        $top.Problem = Get-Text '渠道明细不可用（无法理解回答）' 'no channels to show (the answer is not understood)'
    } else {
        $top.Channels = @($json.by_channel | Where-Object { $_.channel } | Select-Object -First 3)
    }
    return $top
}

# Get-Grade says what a number of goroutines means, after the guide's table.
function Get-Grade {
    param([long]$Goroutines)
    if ($Goroutines -lt 1000) {
        $icon = '🟢'; $color = 'Green'; $words = Get-Text '优秀|轻负载或刚启动|无需操作' 'excellent|light load, or just started|nothing to do'
    } elseif ($Goroutines -le 2000) {
        $icon = '🟢'; $color = 'Green'; $words = Get-Text '良好|正常负载|正常运行' 'good|normal load|runs as it should'
    } elseif ($Goroutines -le 3000) {
        $icon = '🟡'; $color = 'Yellow'; $words = Get-Text '注意|较高负载|持续观察' 'notice|rather high load|keep watching'
    } elseif ($Goroutines -le 5000) {
        $icon = '🟡'; $color = 'Yellow'; $words = Get-Text '警告|高负载|检查日志' 'warning|high load|look at the log'
    } elseif ($Goroutines -le 10000) {
        $icon = '🟠'; $color = 'DarkYellow'
        $words = Get-Text '告警|异常高|排查问题；查看是否有某个渠道大量超时，考虑临时禁用' 'alert|unusually high|find the cause: does a channel time out in large numbers? Consider disabling it for a while'
    } else {
        $icon = '🔴'; $color = 'Red'; $words = Get-Text '危险|可能泄漏|立即处理' 'danger|possibly a leak|act now'
    }
    $word, $note, $advice = $words -split '\|'
    return [PSCustomObject]@{ Icon = $icon; Color = $color; Word = $word; Note = $note; Advice = $advice }
}

# Get-MemoryGrade is what an amount of memory means, after the guide's table.
function Get-MemoryGrade {
    param([long]$MemoryMB)
    if ($MemoryMB -lt 1024) { return Get-Text '🟢 正常' '🟢 normal' }
    if ($MemoryMB -lt 2048) { return Get-Text '🟢 良好' '🟢 good' }
    if ($MemoryMB -lt 3072) { return Get-Text '🟡 注意，持续观察' '🟡 notice: keep watching' }
    if ($MemoryMB -le 4096) { return Get-Text '🟠 警告，检查是否泄漏' '🟠 warning: is it a leak?' }
    return Get-Text '🔴 危险，考虑重启' '🔴 danger: consider a restart'
}

# Get-DataFolder is where logs and states go on this system.
function Get-DataFolder {
    if ([Environment]::OSVersion.Platform -eq 'Win32NT') { return Join-Path $env:LOCALAPPDATA 'one-api' }
    if ($env:XDG_STATE_HOME) { return Join-Path $env:XDG_STATE_HOME 'one-api' }
    return Join-Path $HOME '.local/state/one-api'
}

function Get-DefaultLog {
    if ($env:LOG_FILE) { return $env:LOG_FILE }
    if ([Environment]::OSVersion.Platform -eq 'Win32NT') { return Join-Path (Get-DataFolder) 'oneapi-goroutines.log' }
    return '/var/log/oneapi-goroutines.log'
}

# Resolve-File makes a path that .NET understands: its current folder is not PowerShell's.
function Resolve-File {
    param([string]$Path)
    return $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Path)
}

# Add-Line appends a line to a file, in UTF-8 and without a byte order mark; $false where that cannot be done.
function Add-Line {
    param([string]$Path, [string]$Line)
    try {
        $folder = Split-Path -Parent $Path
        if ($folder -and -not (Test-Path -LiteralPath $folder)) { [void][IO.Directory]::CreateDirectory($folder) }
        [IO.File]::AppendAllText($Path, $Line + "`n", [Text.UTF8Encoding]::new($false))
        return $true
    } catch {
        return $false
    }
}
