#!/bin/sh
# How the cost of an operation grows, in nanoseconds of CPU time:
#   tools/growth.sh [REPEATS]
# with the threads (as many operations and live blocks in all), with live data (random blocks of 1 KiB), and with
# superslabs (random blocks of 64 KiB, of which the program touches both ends). The last rows take 10 GB of memory.
set -eu

repeats=${1:-3}
root=$(CDPATH= cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd -P)

# cost WORKLOAD FLAGS...: nanoseconds of an operation.
cost() {
  "$root/hakctl" bench "$@" --repeats "$repeats" --format csv |
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
             { printf "%.1f", $at["cpu_seconds"] / $at["seconds"] / $at["ops_per_second"] * 1e9 }'
}

# A row as soon as it is known, and under the column the ratio of the largest to the smallest.
show() {
  printf '%8s  %8s\n' "$1" "$2"
  figures="${figures:-} $2"
}
ratio() {
  # shellcheck disable=SC2086
  printf '%s\n' $figures | sort -n |
    awk 'NR == 1 { low = $1 } { high = $1 } END { printf "%8s  %8.2f\n\n", "ratio", high / low }'
  figures=
}

most() { if [ "$1" -gt "$2" ]; then echo "$1"; else echo "$2"; fi; }

for load in mixed larson tiny; do
  echo "$load, by threads"
  for threads in 1 2 4 8 16 32; do
    show $threads "$(cost $load --threads $threads --iters $((16000000 / threads)) --working-set $((32000 / threads)))"
  done
  ratio
done

# Every other slot holds a block.
echo "random blocks of 1 KiB, by MiB of live data"
for mib in 1 8 64 512 2048 8192; do
  slots=$((mib * 2048))
  show $mib "$(cost tiny --size 1024 --working-set $slots --iters "$(most $((slots * 6)) 8000000)")"
done
ratio

echo "random blocks of 64 KiB, by superslabs"
for superslabs in 1 10 100 1000 10000; do
  slots=$((superslabs * 128))
  show $superslabs "$(cost mid_large_mt --size 65536 --working-set $slots --iters "$(most $((slots * 6)) 2000000)")"
done
ratio
