# Sends a notice by mail, WeCom, DingTalk, Feishu or a plain webhook, and keeps what a script remembers between two runs.
# Dot-sourced after health.ps1, never run. The twin of notify.sh and state.sh: same settings, texts and formats.

$script:Settings = @(
    'MONITOR_TOKEN', 'ADMIN_TOKEN', 'WECOM_WEBHOOK_URL', 'DINGTALK_WEBHOOK_URL', 'DINGTALK_SECRET', 'FEISHU_WEBHOOK_URL', 'FEISHU_SECRET',
    'WEBHOOK_URL', 'ALERT_MAIL_TO', 'ALERT_MAIL_FROM', 'SMTP_URL', 'SMTP_USER', 'SMTP_PASSWORD'
)

function Get-NotifyUsage {
    Get-Text @'

通知方式（环境变量，或 -Config 指定的、其他用户不可读的文件，每行 名称=值；可同时使用多个）:
  WECOM_WEBHOOK_URL                       企业微信机器人
  DINGTALK_WEBHOOK_URL, DINGTALK_SECRET   钉钉机器人（加签时需要密钥；用关键词时填 OneAPI）
  FEISHU_WEBHOOK_URL, FEISHU_SECRET       飞书机器人（签名校验时需要密钥）
  WEBHOOK_URL                             其他 webhook（POST JSON）；以上三家的地址会自动识别
  ALERT_MAIL_TO, SMTP_URL                 邮件收件人和服务器，例如 smtp://smtp.example.com:587（smtps:// 表示必须用 STARTTLS；
                                          没有 SMTP_URL 时使用 mail 命令）
  SMTP_USER, SMTP_PASSWORD, ALERT_MAIL_FROM
'@ @'

Ways to notify (from the environment, or from a file that other users cannot read with lines NAME=value, see -Config; any number):
  WECOM_WEBHOOK_URL                       a WeCom robot
  DINGTALK_WEBHOOK_URL, DINGTALK_SECRET   a DingTalk robot (the secret if it signs; OneAPI as the keyword if it has one)
  FEISHU_WEBHOOK_URL, FEISHU_SECRET       a Feishu or Lark robot (the secret if it signs)
  WEBHOOK_URL                             any other webhook (JSON by POST); addresses of the three above are recognised
  ALERT_MAIL_TO, SMTP_URL                 mail: to whom, and by which server: smtp://smtp.example.com:587 (smtps:// insists on
                                          STARTTLS; without SMTP_URL the command mail is used)
  SMTP_USER, SMTP_PASSWORD, ALERT_MAIL_FROM
'@
}

# Test-Private is whether only the owner (and on Windows the system and its administrators) may read a file.
function Test-Private {
    param([string]$Path)
    if ([Environment]::OSVersion.Platform -ne 'Win32NT') {
        $mode = & ls -ldL -- $Path
        return ([string]$mode).Substring(4, 6) -eq '------'
    }
    $sid = [Security.Principal.SecurityIdentifier]
    $allowed = @([Security.Principal.WindowsIdentity]::GetCurrent().User.Value, 'S-1-5-18', 'S-1-5-32-544')
    foreach ($rule in (Get-Acl -LiteralPath $Path).GetAccessRules($true, $true, $sid)) {
        if ($rule.AccessControlType -eq 'Allow' -and $allowed -notcontains $rule.IdentityReference.Value) { return $false }
    }
    return $true
}

# Import-Setting takes settings from a file. It is read, not run; what the environment has already stays.
function Import-Setting {
    param([string]$Path)
    $Path = Resolve-File $Path
    if (-not (Test-Path -LiteralPath $Path -PathType Leaf)) {
        Exit-Script $script:ExitCode.Local (Get-Text '无法读取 {0}' '{0} cannot be read' $Path)
    }
    if (-not (Test-Private $Path)) {
        Exit-Script $script:ExitCode.Local (Get-Text '{0} 含有密钥，其他用户不得访问' '{0} holds secrets and is open to other users' $Path)
    }
    foreach ($line in [IO.File]::ReadAllLines($Path)) {
        if ($line -match '^\s*(#|$)') { continue }
        $name, $value = $line -split '=', 2
        $name = $name.Trim()
        if ($script:Settings -cnotcontains $name) {
            Exit-Script $script:ExitCode.Usage (Get-Text '设置文件里有未知的名称 {0}' 'the settings file has the unknown name {0}' $name)
        }
        if ($value -match '^"(.*)"$' -or $value -match "^'(.*)'$") { $value = $Matches[1] }
        if (-not [Environment]::GetEnvironmentVariable($name)) { [Environment]::SetEnvironmentVariable($name, $value) }
    }
}

# Resolve-Webhook gives a WEBHOOK_URL to the robot that it belongs to.
function Resolve-Webhook {
    $robot = switch -Regex ($env:WEBHOOK_URL) {
        '^https://qyapi\.weixin\.qq\.com/' { 'WECOM_WEBHOOK_URL' }
        '^https://oapi\.dingtalk\.com/' { 'DINGTALK_WEBHOOK_URL' }
        '^https://open\.(feishu\.cn|larksuite\.com)/' { 'FEISHU_WEBHOOK_URL' }
    }
    if (-not $robot) { return }
    if (-not [Environment]::GetEnvironmentVariable($robot)) { [Environment]::SetEnvironmentVariable($robot, $env:WEBHOOK_URL) }
    $env:WEBHOOK_URL = $null
}

function Test-CanNotify {
    return [bool]($env:WECOM_WEBHOOK_URL -or $env:DINGTALK_WEBHOOK_URL -or $env:FEISHU_WEBHOOK_URL -or $env:WEBHOOK_URL -or $env:ALERT_MAIL_TO)
}

# Get-HmacBase64 is HMAC-SHA256 (RFC 2104) in base64.
function Get-HmacBase64 {
    param([string]$Key, [string]$Message)
    $hmac = [Security.Cryptography.HMACSHA256]::new([Text.Encoding]::UTF8.GetBytes($Key))
    try { return [Convert]::ToBase64String($hmac.ComputeHash([Text.Encoding]::UTF8.GetBytes($Message))) } finally { $hmac.Dispose() }
}

function Get-UnixTime { return [DateTimeOffset]::UtcNow.ToUnixTimeSeconds() }

# Send-Robot posts to a robot. It returns what went wrong, or an empty text: robots answer 200 and an error code.
function Send-Robot {
    param([string]$Uri, [hashtable]$Body)
    $answer = Send-Request -Uri $Uri -Json (ConvertTo-Json -InputObject $Body -Depth 5 -Compress)
    if ($answer.Status -lt 200 -or $answer.Status -gt 299) { return "HTTP $($answer.Status) $($answer.Problem)" }
    $json = ConvertFrom-JsonObject $answer.Body
    foreach ($code in $json.errcode, $json.code, $json.StatusCode) {
        if ($null -eq $code) { continue }
        if ($code -eq 0) { return '' }
        return "$code $($json.errmsg)$($json.msg)" -replace '[\x00-\x1f]', ' '
    }
    return 'no code'
}

function Send-DingTalk {
    param([string]$Text)
    $uri = $env:DINGTALK_WEBHOOK_URL
    if ($env:DINGTALK_SECRET) {
        $stamp = [string]((Get-UnixTime) * 1000)
        $sign = [Uri]::EscapeDataString((Get-HmacBase64 -Key $env:DINGTALK_SECRET -Message ($stamp + "`n" + $env:DINGTALK_SECRET)))
        $joint = '?'
        if ($uri.Contains('?')) { $joint = '&' }
        $uri += $joint + 'timestamp=' + $stamp + '&sign=' + $sign
    }
    return Send-Robot -Uri $uri -Body @{ msgtype = 'text'; text = @{ content = $Text } }
}

# Send-Feishu: Feishu wants the secret in the key, and signs an empty message.
function Send-Feishu {
    param([string]$Text)
    $body = @{ msg_type = 'text'; content = @{ text = $Text } }
    if ($env:FEISHU_SECRET) {
        $stamp = [string](Get-UnixTime)
        $body.timestamp = $stamp
        $body.sign = Get-HmacBase64 -Key ($stamp + "`n" + $env:FEISHU_SECRET) -Message ''
    }
    return Send-Robot -Uri $env:FEISHU_WEBHOOK_URL -Body $body
}

function Send-Mail {
    param([string]$Subject, [string]$Text)
    if (-not $env:SMTP_URL) {
        if (-not (Get-Command mail -CommandType Application -ErrorAction SilentlyContinue)) {
            return Get-Text '缺少 mail 命令（请设置 SMTP_URL）' 'the command mail is missing (set SMTP_URL)'
        }
        $null = $Text | & mail -s $Subject $env:ALERT_MAIL_TO
        if ($LASTEXITCODE -ne 0) { return "mail: $LASTEXITCODE" }
        return ''
    }
    $from = $env:ALERT_MAIL_FROM
    if (-not $from) { $from = $env:ALERT_MAIL_TO }
    try {
        $server = [Uri]$env:SMTP_URL
        $port = $server.Port
        if ($port -le 0) { $port = 25 }
        $smtp = [Net.Mail.SmtpClient]::new($server.Host, $port)
        $smtp.Timeout = [int]($script:OneApi.Timeout * 1000)
        $smtp.EnableSsl = $server.Scheme -eq 'smtps'
        if ($env:SMTP_USER) { $smtp.Credentials = [Net.NetworkCredential]::new($env:SMTP_USER, $env:SMTP_PASSWORD) }
        $letter = [Net.Mail.MailMessage]::new($from, $env:ALERT_MAIL_TO, $Subject, $Text)
        $letter.SubjectEncoding = [Text.Encoding]::UTF8
        $letter.BodyEncoding = [Text.Encoding]::UTF8
        try { $smtp.Send($letter) } finally { $letter.Dispose(); $smtp.Dispose() }
        return ''
    } catch {
        return $_.Exception.GetBaseException().Message
    }
}

# Send-Notice sends by every way that is set. It returns how many delivered and how many did not; those are said on standard error.
function Send-Notice {
    param([string]$Subject, [string]$Text, [hashtable]$Body, [string]$MailHead)
    $result = [PSCustomObject]@{ Delivered = 0; Undelivered = 0 }
    $problems = [ordered]@{}
    if ($env:WECOM_WEBHOOK_URL) {
        $problems.wecom = Send-Robot -Uri $env:WECOM_WEBHOOK_URL -Body @{ msgtype = 'text'; text = @{ content = $Text } }
    }
    if ($env:DINGTALK_WEBHOOK_URL) { $problems.dingtalk = Send-DingTalk -Text $Text }
    if ($env:FEISHU_WEBHOOK_URL) { $problems.feishu = Send-Feishu -Text $Text }
    if ($env:WEBHOOK_URL) {
        $Body.text = $Text
        $answer = Send-Request -Uri $env:WEBHOOK_URL -Json (ConvertTo-Json -InputObject $Body -Depth 5 -Compress)
        $problems.webhook = ''
        if ($answer.Status -lt 200 -or $answer.Status -gt 299) { $problems.webhook = "HTTP $($answer.Status) $($answer.Problem)" }
    }
    if ($env:ALERT_MAIL_TO) {
        $letter = $Text
        if ($MailHead) { $letter = $MailHead + "`n`n" + $Text }
        $problems.mail = Send-Mail -Subject $Subject -Text $letter
    }
    foreach ($way in $problems.Keys) {
        if (-not $problems[$way]) { $result.Delivered++; continue }
        $result.Undelivered++
        [Console]::Error.WriteLine((Get-Text '{0}: 通知未送达（{1}）: {2}' '{0}: not delivered ({1}): {2}' $script:OneApi.Name $way $problems[$way]))
    }
    return $result
}

# Get-StateFile is where this relay's state is kept, unless another file is named.
function Get-StateFile {
    param([string]$Name, [string]$Path)
    if ($Path) { return Resolve-File $Path }
    return Join-Path (Get-DataFolder) ($Name + '-' + ((Get-ShownUrl) -replace '[^A-Za-z0-9.-]', '_') + '.json')
}

# Open-Lock takes the lock of a state file until the script ends; $null where another run has it.
function Open-Lock {
    param([string]$StateFile)
    try {
        [void][IO.Directory]::CreateDirectory((Split-Path -Parent $StateFile))
        return [IO.File]::Open($StateFile + '.lock', 'OpenOrCreate', 'ReadWrite', 'None')
    } catch {
        if ($_.Exception.GetBaseException() -is [UnauthorizedAccessException]) {
            Exit-Script $script:ExitCode.Local (Get-Text '无法写入 {0}（可用 -State 指定其他文件）' '{0} cannot be written (-State names another file)' $StateFile)
        }
        return $null
    }
}

# Read-State is the state as a hashtable; empty where there is none.
function Read-State {
    param([string]$StateFile)
    $state = @{}
    if (-not (Test-Path -LiteralPath $StateFile)) { return $state }
    $json = ConvertFrom-JsonObject ([IO.File]::ReadAllText($StateFile))
    if ($json) { foreach ($property in $json.PSObject.Properties) { $state[$property.Name] = $property.Value } }
    return $state
}

# Write-State replaces a state file, whole or not at all.
function Write-State {
    param([string]$StateFile, [hashtable]$State)
    try {
        [IO.File]::WriteAllText($StateFile + '.new', (ConvertTo-Json -InputObject $State -Compress), [Text.UTF8Encoding]::new($false))
        Move-Item -LiteralPath ($StateFile + '.new') -Destination $StateFile -Force
    } catch {
        Exit-Script $script:ExitCode.Local (Get-Text '无法写入 {0}' '{0} cannot be written' $StateFile)
    }
}
