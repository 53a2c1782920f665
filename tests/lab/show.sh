# How demos speak. Sourced after ../pegasus/lab.sh and lab_inside, never run.

export NO_COLOR=1
bold=$'\033[1m' plain=$'\033[0m'
[ -t 1 ] || bold='' plain=''

say() { printf '\n'; fold -s -w 100 <<<"$*"; }
# Shows a command as typed at a machine, runs it there, keeps what it prints in $shown.
show() {
  local name=$1
  shift
  printf '\n%s%s# %s%s\n' "$bold" "$name" "$*" "$plain"
  shown=$(at "$name" timeout 60 bash -c "$*" 2>&1) || die "$name: $*: $shown"
  printf '%s\n' "$shown"
}
expect() { grep -qE -- "$1" <<<"$shown" || die "expected to see: $1"; }
