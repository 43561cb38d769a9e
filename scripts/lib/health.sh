# shellcheck shell=bash
# What the scripts share: language, arguments, the way to the relay, and what its health answer says. Sourced, never run.
# Works with bash 3.2 (macOS), curl and jq. Callers read the variables that are set here.
# shellcheck disable=SC2034

# Exit codes, the same in every script. 0: normal or elevated. 1: above 5000.
readonly EXIT_ALARM=1 EXIT_USAGE=2 EXIT_UNREACHABLE=3 EXIT_DRAINING=4 EXIT_FOREIGN=5 EXIT_LACKING=6 EXIT_REFUSED=7 EXIT_LOCAL=8

# The guides' output is Chinese, and servers in China mostly have LANG=en_US.UTF-8: so LANG does not decide, only --lang and
# ONEAPI_LANG do.
lang="${ONEAPI_LANG:-zh}"
url='' timeout=10 colour=auto
positional=()

program="$(basename "$0" .sh)"

# say prints a line in the chosen language: say ZH EN [ARGUMENT…], with printf's formats.
say() {
  local format="$1"
  [ "$lang" = zh ] || format="$2"
  shift 2
  # shellcheck disable=SC2059 # both formats are literals of the caller
  printf -- "$format\n" "$@"
}

# fail says why and ends: fail CODE ZH EN [ARGUMENT…]
fail() {
  local code="$1"
  shift
  { printf '%s: ' "$program"; say "$@"; } >&2
  exit "$code"
}

# common_usage is the part of the usage text that the scripts have in common.
common_usage() {
  say '
通用选项:
  --lang zh|en      输出语言（默认 zh，也可用环境变量 ONEAPI_LANG）
  --timeout 秒      单次请求的最长等待时间（默认 10）
  --no-color        不使用颜色（环境变量 NO_COLOR 同样有效）
  -h, --help        本说明

环境变量:
  API_URL           默认地址（没有则为 http://localhost:3000；可带 /api/monitor/health）
  MONITOR_TOKEN     监控令牌：从其他机器查看渠道明细，或 PUBLIC_HEALTH=false 时需要

通用退出码:
  2 参数错误           3 无法连接            4 正在停机（503 draining）
  5 不是 One API 的回答（例如代理的 HTML 页面）
  6 回答缺少字段       7 被拒绝（401/403）   8 缺少 curl/jq，或本机文件、工具不可用' '
Common options:
  --lang zh|en      language of the output (default zh, or ONEAPI_LANG)
  --timeout SECONDS the longest wait for one answer (default 10)
  --no-color        no colours (NO_COLOR in the environment does the same)
  -h, --help        this text

Environment:
  API_URL           default address (else http://localhost:3000; /api/monitor/health may follow)
  MONITOR_TOKEN     the monitor token: needed for the channels from another machine, and with PUBLIC_HEALTH=false

Common exit codes:
  2 wrong call          3 unreachable            4 draining (503)
  5 not an answer of One API (a proxy'\''s HTML page, for example)
  6 fields are missing  7 refused (401/403)      8 curl or jq is missing, or a file or tool of this machine cannot be used'
}

# choose_language looks for --lang before anything is said, so that a wrong call is explained in the right language too.
choose_language() {
  while [ $# -gt 0 ]; do
    case "$1" in
      --lang) lang="${2:-}" ;;
      --lang=*) lang="${1#--lang=}" ;;
    esac
    shift
  done
  case "$lang" in
    zh | en) ;;
    *) lang=zh; fail "$EXIT_USAGE" '--lang 只能是 zh 或 en' '--lang is zh or en' ;;
  esac
}

# wants_value ends the script where an option stands without its value: wants_value OPTION [VALUE]
wants_value() { [ $# -ge 2 ] || fail "$EXIT_USAGE" '%s 需要一个值（--help 查看用法）' '%s needs a value (see --help)' "$1"; }

# common_option takes the options that every script has, and positional arguments. taken says how many words it used.
common_option() {
  taken=1
  case "$1" in
    --lang) wants_value "$@"; taken=2 ;;
    --lang=*) ;;
    --timeout) wants_value "$@"; timeout="$2"; taken=2 ;;
    --no-color) colour=never ;;
    -h | --help) usage; common_usage; exit 0 ;;
    -*) fail "$EXIT_USAGE" '未知选项 %s（--help 查看用法）' 'unknown option %s (see --help)' "$1" ;;
    *) positional+=("$1") ;;
  esac
}

# settle checks what common_option collected: settle MOST_POSITIONALS. Sets url and colour.
settle() {
  [ "${#positional[@]}" -le "$1" ] || fail "$EXIT_USAGE" '参数过多: %s' 'too many arguments: %s' "${positional[$1]}"
  wants_time --timeout "$timeout"
  url="${positional[0]:-${API_URL:-http://localhost:3000}}"
  case "$url" in *://*) ;; *) url="http://$url" ;; esac
  url="${url%/}"
  url="${url%/api/monitor/health}"
  case "$url" in http://?* | https://?*) ;; *) fail "$EXIT_USAGE" '地址无效: %s' 'not an address: %s' "$url" ;; esac
  if [ "$colour" = auto ]; then
    if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then colour=always; else colour=never; fi
  fi
  for tool in curl jq; do
    command -v "$tool" >/dev/null 2>&1 || fail "$EXIT_LOCAL" '缺少 %s，请先安装（例如 apt-get install %s）' \
      '%s is missing: install it first (apt-get install %s, for example)' "$tool" "$tool"
  done
}

# wants_number and wants_time check an option's value: wants_number NAME VALUE
wants_number() {
  case "$2" in
    '' | *[!0-9]*) fail "$EXIT_USAGE" '%s 必须是整数，而不是 "%s"' '%s must be a whole number, not "%s"' "$1" "$2" ;;
  esac
}
wants_time() {
  [[ "$2" =~ ^[0-9]+(\.[0-9]+)?$ && "$2" =~ [1-9] ]] ||
    fail "$EXIT_USAGE" '%s 必须是大于 0 的秒数，而不是 "%s"' '%s must be a number of seconds above 0, not "%s"' "$1" "$2"
}

# paint prints a text in a colour: paint green|yellow|orange|red|dim TEXT
paint() {
  local code
  [ "$colour" = always ] || { printf '%s' "$2"; return; }
  case "$1" in
    green) code=32 ;; yellow) code=33 ;; orange) code='38;5;208' ;; red) code='1;31' ;; *) code=2 ;;
  esac
  printf '\033[%sm%s\033[0m' "$code" "$2"
}

# curl_line prints one line of a curl configuration. Addresses and tokens go to curl that way, on its standard input: its
# arguments are for every user of the machine to read.
curl_line() {
  local value="$2"
  value="${value//\\/\\\\}"
  value="${value//\"/\\\"}"
  value="${value//$'\n'/\\n}"
  value="${value//$'\r'/\\r}"
  printf '%s = "%s"\n' "$1" "$value"
}

# shown_url is the address without a user and password that it may hold.
shown_url() {
  case "$url" in
    *://*@*) printf '%s://%s' "${url%%://*}" "${url#*@}" ;;
    *) printf '%s' "$url" ;;
  esac
}

# fetch asks the relay: fetch PATH [TOKEN [MOST_SECONDS [FILE]]]. Sets answer_status (HTTP) and answer (body, which goes to FILE
# instead where one is named); fails, with curl's code in answer_status, where there is no answer. Redirects are not followed: the
# token is for this relay only.
fetch() {
  local all code=0
  all="$(
    {
      curl_line url "$url$1"
      if [ -n "${4:-}" ]; then curl_line output "$4"; else curl_line max-filesize 67108864; fi
      [ -z "${2:-}" ] || curl_line header "Authorization: Bearer $2"
      case "$url" in *://localhost* | *://127.* | *://\[::1\]*) echo 'noproxy = "*"' ;; esac
    } | curl -sg --max-time "${3:-$timeout}" --write-out '\n%{http_code}' --config - 2>/dev/null | tr -d '\0'
    exit "${PIPESTATUS[1]}"
  )" || code=$?
  answer_status="$code" answer=''
  [ "$code" -eq 0 ] || return 1
  answer_status="${all##*$'\n'}" answer="${all%$'\n'*}"
}

# no_answer says what a code of curl means.
no_answer() {
  case "$1" in
    6) say '找不到主机' 'the host is unknown' ;;
    7) say '连接被拒绝或主机不可达（服务未启动、端口错误或防火墙）' 'the connection was refused (service down, wrong port, or a firewall)' ;;
    28) say '%s 秒内没有回答' 'no answer within %s s' "$timeout" ;;
    35 | 51 | 53 | 58 | 60) say 'TLS 握手或证书错误' 'TLS or its certificate failed' ;;
    52 | 56) say '连接中断，没有完整的回答' 'the connection broke before a whole answer' ;;
    *) say 'curl 退出码 %s' 'curl ended with %s' "$1" ;;
  esac
}

# read_health asks for the health. 0: goroutines, memory_mb, in_flight, version, channels and uptime are set ("-" where an older relay
# does not say; channels is "total healthy degraded disabled"), and so are idle (client connections without a request; each has a
# goroutine) and busy (goroutines without those). busiest is the channel with most calls, and empty where nothing is in flight; its
# calls are busiest_calls, and the oldest of them is busiest_oldest seconds old. Otherwise one of the EXIT_ codes, and problem says why.
read_health() {
  local kind='' lacking=''
  goroutines='' memory_mb='' in_flight=- version=- channels=- uptime=- idle=0 busy='' busiest='' busiest_calls=0 busiest_oldest=0 problem=''
  if ! fetch /api/monitor/health "${MONITOR_TOKEN:-}"; then
    problem="$(say '无法连接 %s: %s' 'cannot reach %s: %s' "$(shown_url)" "$(no_answer "$answer_status")")"
    return "$EXIT_UNREACHABLE"
  fi
  case "$answer_status" in
    401 | 403)
      problem="$(say '%s 拒绝访问（HTTP %s）：请设置正确的 MONITOR_TOKEN' '%s refused (HTTP %s): set the right MONITOR_TOKEN' \
        "$(shown_url)" "$answer_status")"
      return "$EXIT_REFUSED"
      ;;
  esac
  IFS=$'\t' read -r kind lacking goroutines memory_mb in_flight version channels uptime idle busiest_calls busiest_oldest busiest <<<"$(printf '%s' "$answer" | jq -rs '
    def word: if type == "string" then gsub("[^A-Za-z0-9._+-]"; "") else "" end | if . == "" then "-" else . end;
    def figure: if type == "number" and . >= 0 and . < 1e15 then floor else "-" end;
    def part($key): if type == "object" then .[$key] else null end;
    if length != 1 or (.[0] | type) != "object" then "foreign" else .[0]
    | (.goroutines | figure) as $goroutines | (.memory | part("alloc_mb") | figure) as $memory
    | ([if $goroutines == "-" then "goroutines" else empty end, if $memory == "-" then "memory.alloc_mb" else empty end]
      | join(", ")) as $lacking
    | [ if .status == "draining" then "draining" elif $lacking != "" then "lacking" else "ok" end,
        if $lacking == "" then "-" else $lacking end, $goroutines, $memory, (.in_flight | figure), (.version | word),
        (.channels | [part("total", "healthy", "degraded", "disabled") | figure] | join(" ")), (.uptime_seconds | figure),
        (.client_connections | part("idle") | figure), (.busiest | part("in_flight", "oldest_seconds") | figure),
        (.busiest | part("channel") | if type == "string" then gsub("[[:cntrl:]]"; "") else "" end) ] | @tsv
    end' 2>/dev/null || echo foreign)"
  case "$idle" in '' | *[!0-9]*) idle=0 ;; esac
  if [ "$kind" = ok ]; then
    busy=$((goroutines - idle))
    [ "$busy" -ge 0 ] || busy=0
  fi
  case "$answer_status $kind" in
    *' draining')
      problem="$(say '%s 正在停机（draining），不再接受新请求' '%s is draining: it stops and takes no new calls' "$(shown_url)")"
      return "$EXIT_DRAINING"
      ;;
    '200 ok') return 0 ;;
    '200 lacking')
      problem="$(say '%s 的回答缺少字段: %s' 'the answer of %s lacks: %s' "$(shown_url)" "$lacking")"
      return "$EXIT_LACKING"
      ;;
  esac
  problem="$(say '%s 返回的不是 One API 的回答（HTTP %s%s）：请检查地址、端口和中间的代理' \
    '%s gave no answer of One API (HTTP %s%s): check the address, the port, and any proxy in between' \
    "$(shown_url)" "$answer_status" "$(case "$answer" in *'<html'* | *'<HTML'* | *'<!doctype'* | *'<!DOCTYPE'*) printf ', HTML' ;; esac)")"
  return "$EXIT_FOREIGN"
}

# read_top_channels sets top_channels: up to three lines "name<TAB>goroutines<TAB>calls in flight", the most first. It fails
# where they may not be seen, and problem says why.
read_top_channels() {
  top_channels='' problem=''
  if ! fetch /api/monitor/goroutines "${MONITOR_TOKEN:-}"; then
    problem="$(say '渠道明细不可用: %s' 'no channels to show: %s' "$(no_answer "$answer_status")")"
    return 1
  fi
  case "$answer_status" in
    200) ;;
    401 | 403)
      problem="$(say '渠道明细不可用（HTTP %s）：需要环境变量 MONITOR_TOKEN' 'no channels to show (HTTP %s): MONITOR_TOKEN is needed in the environment' "$answer_status")"
      return 1
      ;;
    *)
      problem="$(say '渠道明细不可用（HTTP %s）' 'no channels to show (HTTP %s)' "$answer_status")"
      return 1
      ;;
  esac
  top_channels="$(printf '%s' "$answer" | jq -r '
    [.by_channel[]? | select((.channel | type) == "string" and .channel != "")][:3][]
    | [(.channel | gsub("[[:cntrl:]]"; "")), (.goroutines // 0 | tonumber), (.in_flight // 0 | tonumber)] | @tsv' 2>/dev/null)" || {
    problem="$(say '渠道明细不可用（无法理解回答）' 'no channels to show (the answer is not understood)')"
    return 1
  }
}

# show_idle says what idle clients are worth, where there are any: they are no sign of trouble.
show_idle() {
  [ "$idle" -eq 0 ] || say '其中空闲客户端连接: %s' 'Idle client connections among them: %s' "$idle"
}

# show_busiest names the busiest channel, which the health says to everybody, where there is one.
show_busiest() {
  [ -z "$busiest" ] || say '最忙的渠道: %s，进行中 %s，最老 %s 秒' 'The busiest channel: %s, in flight %s, the oldest %s s' \
    "$busiest" "$busiest_calls" "$busiest_oldest"
}

# grade says what a number of goroutines means, after the guide's table: grade N sets grade_icon, grade_colour, grade_word,
# grade_note and grade_advice.
grade() {
  local words
  if [ "$1" -lt 1000 ]; then
    grade_icon=🟢 grade_colour=green
    words="$(say '优秀|轻负载或刚启动|无需操作' 'excellent|light load, or just started|nothing to do')"
  elif [ "$1" -le 2000 ]; then
    grade_icon=🟢 grade_colour=green
    words="$(say '良好|正常负载|正常运行' 'good|normal load|runs as it should')"
  elif [ "$1" -le 3000 ]; then
    grade_icon=🟡 grade_colour=yellow
    words="$(say '注意|较高负载|持续观察' 'notice|rather high load|keep watching')"
  elif [ "$1" -le 5000 ]; then
    grade_icon=🟡 grade_colour=yellow
    words="$(say '警告|高负载|检查日志' 'warning|high load|look at the log')"
  elif [ "$1" -le 10000 ]; then
    grade_icon=🟠 grade_colour=orange
    words="$(say '告警|异常高|排查问题；查看是否有某个渠道大量超时，考虑临时禁用' 'alert|unusually high|find the cause: does a channel time out in large numbers? Consider disabling it for a while')"
  else
    grade_icon=🔴 grade_colour=red
    words="$(say '危险|可能泄漏|立即处理' 'danger|possibly a leak|act now')"
  fi
  IFS='|' read -r grade_word grade_note grade_advice <<<"$words"
}

# memory_grade prints what an amount of memory (MB) means, after the guide's table.
memory_grade() {
  if [ "$1" -lt 1024 ]; then say '🟢 正常' '🟢 normal'
  elif [ "$1" -lt 2048 ]; then say '🟢 良好' '🟢 good'
  elif [ "$1" -lt 3072 ]; then say '🟡 注意，持续观察' '🟡 notice: keep watching'
  elif [ "$1" -le 4096 ]; then say '🟠 警告，检查是否泄漏' '🟠 warning: is it a leak?'
  else say '🔴 危险，考虑重启' '🔴 danger: consider a restart'
  fi
}

# rest waits without holding up a signal, which a plain sleep of bash does.
rest() {
  sleep "$1" &
  sleeper=$!
  wait "$sleeper" 2>/dev/null || true
}
