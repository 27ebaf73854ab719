# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the scripts that run for hours have in common; sourced by them, in the folder of the project.
#   [N] [--build FOLDER] [--seed S] [--folder DIR]
#     N         the size of the whole run
#     --build   uses the programs in FOLDER; builds nothing
#     --seed    repeats the choices of an earlier run
#     --folder  keeps the counters there, and whatever else the run needs to go on: the same call after an interruption does
#               what is missing of N, and tells the totals of all runs. What was being done when it ended is done again, not
#               counted twice. What failed there stays counted: after a mend, begin in a new folder.
# A script sets n, names its options in `options` ("build folder load-ms") and sets what has a default ($load_ms), then calls
# read_arguments "$@".
long_run=$(basename "$0")
build='' seed='' folder='' options='build seed folder'

usage() {
  sed -n "s/^#   \($long_run .*\)/usage: \1/p" "$0" >&2
  exit 2
}

read_arguments() {
  local name
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
      n=$1
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

# Whatever runs in the background ends with this script, before its files are taken away; an interruption ends the script.
scratch=
end_run() {
  local jobs
  jobs=$(jobs -p)
  # shellcheck disable=SC2086 # words
  [ -z "$jobs" ] || kill $jobs 2>/dev/null || true
  wait
  [ -z "$scratch" ] || rm -rf "$scratch"
}
trap end_run EXIT
trap 'exit 130' INT TERM HUP

# make_scratch FOLDER: $scratch is a new folder below FOLDER, removed at the end.
make_scratch() {
  scratch=$(mktemp -d "$1/kt-$long_run.XXXXXX")
}

# In memory, where there is such a place: for files that are written again and again.
memory_folder() {
  if [ -w /dev/shm ]; then echo /dev/shm; else echo "${TMPDIR:-/tmp}"; fi
}

# supervise PROGRAM...: it ends when this script does, even if that is killed; an interruption does not wait for it.
supervise() {
  setpriv --pdeathsig TERM -- "$@" &
  wait $!
}
