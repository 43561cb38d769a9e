# shellcheck shell=bash disable=SC2154 # timeout and program are health.sh's
# Sends a notice by mail, WeCom, DingTalk, Feishu or a plain webhook. Sourced after health.sh, never run.
# Addresses with a key in them, and secrets, come from the environment or from a file of mode 600, and go to curl on its
# standard input. Formats: developer.work.weixin.qq.com/document/path/91770 (WeCom), open.dingtalk.com "custom robot" (DingTalk),
# open.feishu.cn "custom bot guide" (Feishu).

# shellcheck disable=SC2034 # for the callers
readonly EXIT_UNDELIVERED=9

notify_usage() {
  say '
通知方式（环境变量，或 --config 指定的 600 权限文件，每行 名称=值；可同时使用多个）:
  WECOM_WEBHOOK_URL                       企业微信机器人
  DINGTALK_WEBHOOK_URL, DINGTALK_SECRET   钉钉机器人（加签时需要密钥；用关键词时填 OneAPI）
  FEISHU_WEBHOOK_URL, FEISHU_SECRET       飞书机器人（签名校验时需要密钥）
  WEBHOOK_URL                             其他 webhook（POST JSON）；以上三家的地址会自动识别
  ALERT_MAIL_TO                           邮件收件人（使用 mail 命令；设置 SMTP_URL 时改用 curl 发送）
  SMTP_URL, SMTP_USER, SMTP_PASSWORD, ALERT_MAIL_FROM   例如 smtps://smtp.example.com:465' '
Ways to notify (from the environment, or from a file of mode 600 with lines NAME=value, see --config; any number of them):
  WECOM_WEBHOOK_URL                       a WeCom robot
  DINGTALK_WEBHOOK_URL, DINGTALK_SECRET   a DingTalk robot (the secret if it signs; OneAPI as the keyword if it has one)
  FEISHU_WEBHOOK_URL, FEISHU_SECRET       a Feishu or Lark robot (the secret if it signs)
  WEBHOOK_URL                             any other webhook (JSON by POST); addresses of the three above are recognised
  ALERT_MAIL_TO                           mail, with the command mail, or with curl where SMTP_URL is set
  SMTP_URL, SMTP_USER, SMTP_PASSWORD, ALERT_MAIL_FROM   smtps://smtp.example.com:465, for example'
}

# read_settings takes settings from a file. It is read, not run; what the environment has already stays.
read_settings() {
  local file="$1" mode name value
  { [ -f "$file" ] && [ -r "$file" ]; } || fail "$EXIT_LOCAL" '无法读取 %s' '%s cannot be read' "$file"
  mode="$(ls -ldL -- "$file")"
  [ "${mode:4:6}" = ------ ] ||
    fail "$EXIT_LOCAL" '%s 含有密钥，其他用户不得访问：chmod 600 %s' '%s holds secrets and is open to other users: chmod 600 %s' "$file" "$file"
  while IFS='=' read -r name value || [ -n "$name" ]; do
    name="${name//[[:space:]]/}" value="${value%$'\r'}"
    case "$name" in '' | '#'*) continue ;; esac
    case "$name" in
      MONITOR_TOKEN | ADMIN_TOKEN | WECOM_WEBHOOK_URL | DINGTALK_WEBHOOK_URL | DINGTALK_SECRET | FEISHU_WEBHOOK_URL | \
        FEISHU_SECRET | WEBHOOK_URL | ALERT_MAIL_TO | ALERT_MAIL_FROM | SMTP_URL | SMTP_USER | SMTP_PASSWORD) ;;
      *) fail "$EXIT_USAGE" '设置文件里有未知的名称 %s' 'the settings file has the unknown name %s' "$name" ;;
    esac
    case "$value" in \"*\" | \'*\') value="${value:1:${#value}-2}" ;; esac
    [ -n "${!name:-}" ] || printf -v "$name" '%s' "$value"
  done <"$file"
}

# recognise gives a WEBHOOK_URL to the robot that it belongs to.
recognise() {
  case "${WEBHOOK_URL:-}" in
    https://qyapi.weixin.qq.com/*) WECOM_WEBHOOK_URL="${WECOM_WEBHOOK_URL:-$WEBHOOK_URL}" WEBHOOK_URL='' ;;
    https://oapi.dingtalk.com/*) DINGTALK_WEBHOOK_URL="${DINGTALK_WEBHOOK_URL:-$WEBHOOK_URL}" WEBHOOK_URL='' ;;
    https://open.feishu.cn/* | https://open.larksuite.com/*) FEISHU_WEBHOOK_URL="${FEISHU_WEBHOOK_URL:-$WEBHOOK_URL}" WEBHOOK_URL='' ;;
  esac
}

# can_notify is true where at least one way is set.
can_notify() {
  [ -n "${WECOM_WEBHOOK_URL:-}${DINGTALK_WEBHOOK_URL:-}${FEISHU_WEBHOOK_URL:-}${WEBHOOK_URL:-}${ALERT_MAIL_TO:-}" ]
}

# HMAC-SHA256 (RFC 2104) by hand: openssl would want the key among its arguments, where every user of the machine sees it.
to_hex() { od -An -v -tx1 | tr -d ' \n'; }
from_hex() { [ -z "$1" ] || printf '%b' "$(printf '%s' "$1" | sed 's/../\\x&/g')"; }
sha256_hex() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi | cut -c1-64
}

# hmac_base64 KEY MESSAGE
hmac_base64() {
  local key inner='' outer='' i byte
  key="$(printf '%s' "$1" | to_hex)"
  [ "${#key}" -le 128 ] || key="$(from_hex "$key" | sha256_hex)"
  while [ "${#key}" -lt 128 ]; do key+=00; done
  for ((i = 0; i < 128; i += 2)); do
    byte=$((16#${key:i:2}))
    printf -v inner '%s%02x' "$inner" $((byte ^ 0x36))
    printf -v outer '%s%02x' "$outer" $((byte ^ 0x5c))
  done
  inner="$({ from_hex "$inner"; printf '%s' "$2"; } | sha256_hex)"
  from_hex "$(from_hex "$outer$inner" | sha256_hex)" | base64
}

# post sends JSON: post URL JSON. Fails unless the answer is a 2xx; the body is in posted.
post() {
  local all code=0
  posted=''
  all="$({ curl_line url "$1"; curl_line data-binary "$2"; echo 'header = "Content-Type: application/json"'; } |
    curl -sg --max-time "$timeout" --max-filesize 1048576 --write-out '\n%{http_code}' --config - 2>/dev/null)" || code=$?
  [ "$code" -eq 0 ] || { posted="$(no_answer "$code")"; return 1; }
  posted="${all%$'\n'*}"
  case "${all##*$'\n'}" in 2??) ;; *) posted="HTTP ${all##*$'\n'}"; return 1 ;; esac
}

# accepted is whether a robot took the notice: they answer 200 and an error code.
accepted() {
  printf '%s' "$posted" | jq -e '(.errcode // .code // .StatusCode) == 0' >/dev/null 2>&1 && return
  posted="$(printf '%s' "$posted" | jq -r '"\(.errcode // .code // .StatusCode) \(.errmsg // .msg // "")" | gsub("[[:cntrl:]]"; " ")' 2>/dev/null)"
  return 1
}

send_wecom() { post "$WECOM_WEBHOOK_URL" "$(jq -cn --arg text "$1" '{msgtype: "text", text: {content: $text}}')" && accepted; }

send_dingtalk() {
  local address="$DINGTALK_WEBHOOK_URL" stamp
  if [ -n "${DINGTALK_SECRET:-}" ]; then
    stamp="$(date +%s)000"
    address+="$(case "$address" in *\?*) echo '&' ;; *) echo '?' ;; esac)timestamp=$stamp&sign=$(
      hmac_base64 "$DINGTALK_SECRET" "$stamp"$'\n'"$DINGTALK_SECRET" | jq -Rr @uri
    )"
  fi
  post "$address" "$(jq -cn --arg text "$1" '{msgtype: "text", text: {content: $text}}')" && accepted
}

# Feishu wants the secret in the key, and signs an empty message.
send_feishu() {
  local stamp='' sign=''
  if [ -n "${FEISHU_SECRET:-}" ]; then
    stamp="$(date +%s)"
    sign="$(hmac_base64 "$stamp"$'\n'"$FEISHU_SECRET" '')"
  fi
  post "$FEISHU_WEBHOOK_URL" "$(jq -cn --arg text "$1" --arg timestamp "$stamp" --arg sign "$sign" \
    '(if $sign == "" then {} else {timestamp: $timestamp, sign: $sign} end) + {msg_type: "text", content: {text: $text}}')" && accepted
}

# send_mail SUBJECT TEXT
send_mail() {
  local letter code=0
  if [ -z "${SMTP_URL:-}" ]; then
    if ! command -v mail >/dev/null 2>&1; then
      posted="$(say '缺少 mail 命令（安装 mailutils，或设置 SMTP_URL）' 'the command mail is missing (install mailutils, or set SMTP_URL)')"
      return 1
    fi
    posted="$(printf '%s\n' "$2" | mail -s "$1" "$ALERT_MAIL_TO" 2>&1)"
    return
  fi
  letter="$(mktemp)" || { posted=mktemp; return 1; }
  printf 'From: %s\r\nTo: %s\r\nDate: %s\r\nSubject: =?UTF-8?B?%s?=\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n' \
    "${ALERT_MAIL_FROM:-$ALERT_MAIL_TO}" "$ALERT_MAIL_TO" "$(LC_ALL=C date '+%a, %d %b %Y %H:%M:%S %z')" \
    "$(printf '%s' "$1" | base64 | tr -d '\n')" "$(printf '%s\n' "$2" | base64)" >"$letter"
  {
    curl_line url "$SMTP_URL"
    curl_line mail-from "${ALERT_MAIL_FROM:-$ALERT_MAIL_TO}"
    curl_line mail-rcpt "$ALERT_MAIL_TO"
    [ -z "${SMTP_USER:-}" ] || curl_line user "$SMTP_USER:${SMTP_PASSWORD:-}"
    curl_line upload-file "$letter"
  } | curl -s --max-time "$timeout" --config - >/dev/null 2>&1 || code=$?
  rm -f "$letter"
  [ "$code" -eq 0 ] || posted="$(no_answer "$code")"
  return "$code"
}

# notify sends a notice by every way that is set: notify SUBJECT TEXT JSON [FIRST-LINE-OF-A-MAIL]. The JSON is what a plain
# webhook gets, with the text added. Sets delivered and undelivered to the numbers of ways; an undelivered one is said on standard error.
notify() {
  local way body
  delivered=0 undelivered=0
  for way in wecom dingtalk feishu webhook mail; do
    posted=''
    case "$way" in
      wecom) [ -n "${WECOM_WEBHOOK_URL:-}" ] || continue; send_wecom "$2" ;;
      dingtalk) [ -n "${DINGTALK_WEBHOOK_URL:-}" ] || continue; send_dingtalk "$2" ;;
      feishu) [ -n "${FEISHU_WEBHOOK_URL:-}" ] || continue; send_feishu "$2" ;;
      webhook)
        [ -n "${WEBHOOK_URL:-}" ] || continue
        body="$(printf '%s' "$3" | jq -c --arg text "$2" '. + {text: $text}')"
        post "$WEBHOOK_URL" "$body"
        ;;
      mail) [ -n "${ALERT_MAIL_TO:-}" ] || continue; send_mail "$1" "${4:+$4$'\n\n'}$2" ;;
    esac && { delivered=$((delivered + 1)); continue; }
    undelivered=$((undelivered + 1))
    say '%s: 通知未送达（%s）: %s' '%s: not delivered (%s): %s' "$program" "$way" "$posted" >&2
  done
}
