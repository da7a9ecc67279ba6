# What the cases of all engines say what they see with. A case is a function `case_NAME`; it ends at the first command that
# fails, and its output is shown then.

# run_cases ENGINE PATTERN: each case of the file that was read last, in its order.
run_cases() {
  local engine=$1 pattern=$2 name log status began
  if ! log=$(engine_begins 2>&1); then
    printf 'FAILED %s: it does not begin\n%s\n' "$engine" "$log"
    echo failed >> "$scratch/results"
    return
  fi
  # shellcheck disable=SC2013
  for name in $(sed -n 's/^case_\([a-z0-9_]*\)() {.*/\1/p' "$HERE/$engine.sh"); do
    # shellcheck disable=SC2053
    [[ $name == $pattern ]] || continue
    if [[ $SHORT ]] && ! grep -q "^case_$name() { # short" "$HERE/$engine.sh"; then
      continue
    fi
    log=$scratch/logs/$engine-$name began=$EPOCHREALTIME
    mkdir -p "$scratch/tmp/$engine-$name"
    # (errexit would be ignored in a list with || or in a condition.)
    (
      cd "$scratch/tmp/$engine-$name" || exit
      set -eEu
      outermost=$BASH_SUBSHELL
      trap 'status=$?; ((BASH_SUBSHELL > outermost)) || echo "${BASH_SOURCE##*/}:$LINENO: status $status: ${BASH_COMMAND%% *}"' ERR
      "case_$name"
    ) > "$log" 2>&1
    status=$?
    engine_tidies >> "$log" 2>&1 || { ((status)) || status=200; }
    if ((status == 0)); then
      printf 'ok     %s/%s (%d ms)\n' "$engine" "$name" $(((${EPOCHREALTIME/./} - ${began/./}) / 1000))
      echo ok >> "$scratch/results"
    elif ((status == 99)); then
      printf 'ok     %s/%s # SKIPPED: %s\n' "$engine" "$name" "$(tail -1 "$log")"
      echo skipped >> "$scratch/results"
    else
      printf 'FAILED %s/%s\n' "$engine" "$name"
      sed 's/^/       | /' "$log" | tail -40
      echo failed >> "$scratch/results"
    fi
  done
  engine_ends > "$scratch/logs/$engine-end" 2>&1 || true
}

summary() {
  local passed failed
  touch "$scratch/results"
  passed=$(grep -c ok "$scratch/results") failed=$(grep -c failed "$scratch/results")
  printf '%d passed, %d failed\n' "$passed" "$failed"
  ((passed > 0 && failed == 0))
}

# same ACTUAL EXPECTED
same() {
  [[ $1 == "$2" ]] || { printf 'there is:  %q\nexpected:  %q\n' "$1" "$2" && return 1; }
}

# has TEXT REGEX: a line of the text matches.
has() {
  grep -qE -e "$2" <<< "$1" || { printf 'no line matches %s in:\n%s\n' "$2" "$1" && return 1; }
}

# lacks TEXT REGEX: no line of it matches.
lacks() {
  ! grep -E -e "$2" <<< "$1" || { printf 'there should be no %s\n' "$2" && return 1; }
}

# gives STATUS COMMAND...: it ends with that; its output of both kinds is in `out`.
gives() {
  local expected=$1 status=0
  shift
  out=$("$@" 2>&1) || status=$?
  ((status == expected)) || { printf 'status %d, not %d, of: %s\n%s\n' $status "$expected" "$*" "$out" && return 1; }
}

# eventually COMMAND...: within ten seconds, or more on a slow machine.
eventually() {
  local try
  for try in {1..200}; do
    if "$@" > "$scratch/eventually" 2>&1; then
      return 0
    fi
    sleep 0.05
  done
  printf 'never: %s\n' "$*"
  cat "$scratch/eventually"
  return 1
}

# with_terminal COMMAND...: on a terminal of 24 lines and 80 columns; its output is without carriage returns.
with_terminal() {
  local nobody_types
  # Nobody types, and the terminal stays open. (At an end of its own input `script` would type a ^D. podman shows nothing at
  # all where it reads that before it has made its terminal raw, with any runtime.)
  rm -f "$scratch/nobody-types" && mkfifo "$scratch/nobody-types"
  exec {nobody_types}<> "$scratch/nobody-types"
  SHELL=/bin/bash timeout --foreground 60 script -qec "stty rows 24 cols 80; $(printf '%q ' "$@")" /dev/null <&"$nobody_types" {nobody_types}<&- | tr -d '\r'
  exec {nobody_types}<&-
}

# of CONTROLLER: where its cgroups are, on v1 and on v2.
of() {
  if [[ -d /sys/fs/cgroup/$1 ]]; then
    echo "/sys/fs/cgroup/$1"
  else
    echo /sys/fs/cgroup
  fi
}

# limited CONTROLLER CGROUP FILE VALUE: by the name and the value of v1, and on v2 by what has that meaning there.
limited() {
  local directory file=$3 value=$4 field=1-
  directory=$(of "$1")$2
  if [[ $directory == "/sys/fs/cgroup$2" ]]; then
    case $file in
      memory.limit_in_bytes) file=memory.max ;;
      memory.soft_limit_in_bytes) file=memory.low ;;
      cpu.cfs_quota_us) file=cpu.max field=1 ;;
      cpu.cfs_period_us) file=cpu.max field=2 ;;
      cpu.shares) file=cpu.weight value=$((1 + (value - 2) * 9999 / 262142)) ;;
      memory.memsw.limit_in_bytes | memory.swappiness) return 0 ;;
    esac
  fi
  same "$(cut -d' ' -f$field "$directory/$file")" "$value"
}

# cgroup_of PID CONTROLLER: its path in that hierarchy, or in the only one.
cgroup_of() {
  sed -En "s/^[0-9]+:([^:]*,)?$2(,[^:]*)?:(.*)/\3/p; \$s/^0:://p" "/proc/$1/cgroup" | head -1
}

skip() {
  echo "$*"
  exit 99
}
