#!/bin/sh
# Proves the README's two commands on a bare Debian 12: makes one in a folder, clones this repository into it (what is
# committed), and runs them there. Needs root, debootstrap, and apt's mirrors; takes some minutes. The folder goes away
# afterwards; with --keep it stays, for a look around.
set -eu

keep=
[ "${1-}" = --keep ] && keep=yes
project=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd -P)
machine=$(mktemp -d /var/tmp/hakmem-bare.XXXXXX)

in_machine() {
  env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb chroot "$machine" sh -ec "$1"
}

clean_up() {
  # The Bazel server in there would hold the mounts.
  in_machine 'cd /root/hakmem && bazel shutdown' > /dev/null 2>&1 || true
  umount -l "$machine/dev/shm" "$machine/sys" "$machine/proc" 2> /dev/null || true
  if [ -n "$keep" ]; then
    echo "kept: $machine"
  elif ! grep -q " $machine/" /proc/mounts; then
    rm -rf --one-file-system "$machine"
  fi
}
trap clean_up EXIT
trap 'exit 1' INT TERM

echo "--- debootstrap"
debootstrap --variant=minbase bookworm "$machine" > "$machine.log" 2>&1 || {
  tail -n 20 "$machine.log"
  exit 1
}
rm -f "$machine.log"
if [ -e /etc/apt/sources.list.d/debian.sources ]; then
  rm -f "$machine/etc/apt/sources.list"
  cp /etc/apt/sources.list.d/debian.sources "$machine/etc/apt/sources.list.d/"
fi
cp /etc/resolv.conf "$machine/etc/resolv.conf"
mount -t proc proc "$machine/proc"
mount -t sysfs -o ro sysfs "$machine/sys"
mount -t tmpfs tmpfs "$machine/dev/shm"
# From outside: git is one of the things that a bare machine does not have.
git clone -q "$project" "$machine/root/hakmem"

for command in './hakctl bench --threads 4 --iters 50000' './bazelw test //...'; do
  echo "--- $command"
  begun=$(date +%s)
  in_machine "cd /root/hakmem && $command"
  echo "    $(($(date +%s) - begun)) s"
done
echo "--- both commands passed"
