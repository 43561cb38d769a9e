# shellcheck shell=bash
# What a script remembers between two runs, and the lock that keeps two runs apart. Sourced after health.sh, never run.

# default_state_file prints where this relay's state is kept: default_state_file NAME
default_state_file() {
  local folder=/var/lib
  [ -z "${HOME:-}" ] || folder="$HOME/.local/state"
  printf '%s/one-api/%s-%s' "${XDG_STATE_HOME:-$folder}" "$1" "$(shown_url | tr -c 'A-Za-z0-9.\n-' _)"
}

# prepare_state makes the folder of a state file, and takes its lock until the script ends. It fails where another run has it.
prepare_state() {
  local holder
  { mkdir -p "$(dirname "$1")" && : >>"$1.lock"; } 2>/dev/null ||
    fail "$EXIT_LOCAL" '无法写入 %s（可用 --state 指定其他文件）' '%s cannot be written (--state names another file)' "$1"
  if command -v flock >/dev/null 2>&1; then
    exec 9>>"$1.lock"
    flock -n 9
    return
  fi
  # Without flock (macOS) a folder is the lock: making one is atomic. One whose owner is gone is taken over.
  lock_folder="$1.lock.d"
  if ! mkdir "$lock_folder" 2>/dev/null; then
    holder="$(cat "$lock_folder/pid" 2>/dev/null)"
    [ -z "$holder" ] || kill -0 "$holder" 2>/dev/null && return 1
  fi
  echo "$$" >"$lock_folder/pid"
  trap 'rm -rf "$lock_folder"' EXIT
}

# read_state prints one value of a state file, and 0 where there is none: read_state FILE JQ-PATH
read_state() { jq -r "$2 // 0" "$1" 2>/dev/null || echo 0; }

# write_state replaces a state file with what jq makes of it, whole or not at all: write_state FILE JQ-ARGUMENT…
write_state() {
  local file="$1" old
  shift
  old="$(jq -ce 'objects' "$file" 2>/dev/null)" || old='{}'
  { printf '%s' "$old" | jq -c "$@" >"$file.new" && mv -f "$file.new" "$file"; } ||
    fail "$EXIT_LOCAL" '无法写入 %s' '%s cannot be written' "$file"
}
