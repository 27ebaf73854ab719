# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the scripts that run for hours have in common; sourced by them, in the folder of the project.
#   [N] [--build FOLDER] [--seed S] [--folder DIR]
#     N         the size of the whole run
#     --build   uses the programs in FOLDER; builds nothing
#     --seed    repeats the choices of an earlier run
#     --folder  keeps the counters there, and whatever else the run needs to go on: the same call after an interruption does
#               what is missing of N, and tells the totals of all runs. What was being done when it ended is done again, not
#               counted twice. What failed there stays counted: after a mend, begin in a new folder. The folder is new or
#               empty at first; its file kt-long-run says from then on whose it is.
# A script sets n, if it has a size, names its options in `options` ("build folder load-ms") and sets what has a default ($load_ms), then calls
# read_arguments "$@".
long_run=$(basename "$0")
build='' seed='' folder='' options='build seed folder'

usage() {
  sed -n "s/^#   \($long_run .*\)/usage: \1/p" "$0" >&2
  exit 2
}

# A size is a decimal number above zero, given once.
read_size() {
  [[ -n ${n+set} && -z $sized && ${#1} -le 18 ]] || usage
  n=$((10#$1)) sized=1
  [ "$n" -gt 0 ] || usage
}

read_arguments() {
  local name sized=
  while [ $# -gt 0 ]; do
    case $1 in
    --*)
      name=${1#--}
      [[ $# -ge 2 && " $options " == *" $name "* ]] || usage
      printf -v "${name//-/_}" %s "$2"
      shift 2
      ;;
    '' | *[!0-9]*) usage ;;
    *)
      read_size "$1"
      shift
      ;;
    esac
  done
}

# build_targets TARGET...: $build is a folder with these programs from here on.
build_targets() {
  if [ -z "$build" ]; then
    build=build
    scripts/install-deps
    [ -f $build/CMakeCache.txt ] || cmake -S . -B $build >&2
    cmake --build $build --target "$@" -j "$(nproc)" >&2
  fi
  if [ ! -d "$build" ]; then
    echo "$long_run: there is no folder $build" >&2
    exit 2
  fi
  build=$(realpath "$build")
  export KT_SERVER=$build/kt-server/kt-server KT_VERIFY=$build/kt-verify/kt-verify
}

# What runs in the background ends with this script, before its files are taken away; an interruption ends the script.
scratch=
end_run() {
  local running
  running=$(jobs -p)
  if [ -n "$running" ]; then
    # shellcheck disable=SC2086 # words
    kill $running 2>/dev/null || true
    # shellcheck disable=SC2086 # the same
    wait $running || true
  fi
  [ -z "$scratch" ] || rm -rf "$scratch"
}
trap end_run EXIT
trap 'exit 130' INT TERM HUP

# make_scratch [FOLDER]: $scratch is a new folder in FOLDER, removed at the end; left when something fails (scratch='').
make_scratch() {
  scratch=$(mktemp -d "${1:-${TMPDIR:-/tmp}}/kt-$long_run.XXXXXX")
}

# In memory, where there is such a place: for files that are written again and again.
memory_folder() {
  if [ -w /dev/shm ]; then echo /dev/shm; else echo "${TMPDIR:-/tmp}"; fi
}

# A run removes and replaces files in its folder: it takes none that has files of anybody else, or of another script.
# tests/e2e/lib_counters.py does the same.
take_folder() {
  local marker=$folder/kt-long-run owner='' others
  # A marker without a name: the machine died while it was written, before anything else was.
  others=$(find "$folder" -mindepth 1 -maxdepth 1 ! \( -name kt-long-run -type f -empty \) -print -quit) || exit 2
  if [ -z "$others" ]; then
    echo "$long_run" >"$marker"
    return
  fi
  [ ! -f "$marker" ] || read -r owner <"$marker" || true
  if [ "$owner" != "$long_run" ]; then
    echo "$long_run: $folder is left alone: it is not empty, and no file kt-long-run in it names $long_run${owner:+, but $owner}." \
      "A run removes and replaces files in its folder: give it a new or an empty one, or one that $long_run began" >&2
    exit 2
  fi
}

# $folder, if there is one, exists and is ours, and no other run is under way in it.
open_folder() {
  [ -n "$folder" ] || return 0
  mkdir -p "$folder" || exit 2
  folder=$(realpath "$folder")
  take_folder
  exec 9>"$folder/lock"
  if ! flock -n 9; then
    echo "$long_run: another run is under way in $folder" >&2
    exit 2
  fi
}

# supervise PROGRAM...: it ends when this script does, even if that is killed; an interruption does not wait for it.
supervise() {
  setpriv --pdeathsig TERM -- "$@" &
  wait $!
}

# step NAME PROGRAM...: a part that is done once in $folder. What it prints is shown when it fails.
step() {
  local name=$1
  shift
  if grep -qsxF "$name" "$folder/done"; then return; fi
  echo "== $name"
  if supervise "$@" >"$folder/output" 2>&1; then
    echo "$name" >>"$folder/done"
  else
    tail -20 "$folder/output"
    step_failed "$name"
  fi
}

step_failed() {
  echo "$1" >>"$folder/failed"
}

# Exit 1 when a step failed, in this run or an earlier one.
end_of_steps() {
  if [ -s "$folder/failed" ]; then
    scratch=
    echo "$long_run: FAILED: $(sort -u "$folder/failed" | paste -sd,); look into $folder" >&2
    exit 1
  fi
}
