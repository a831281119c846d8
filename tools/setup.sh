# Installs what hakmem needs and the machine does not have. Sourced by bazelw, hakctl and .ci/run.
#
# When nothing is missing this costs one file test a package: apt and dpkg are asked only after that.

# package and a file of it: the build first, then what the tests run
HAK_PACKAGES='
bazel-bootstrap     /usr/bin/bazel
bazel-rules-java    /usr/share/bazel/rules/java/WORKSPACE
bazel-rules-proto   /usr/share/bazel/rules/proto/WORKSPACE
g++                 /usr/bin/g++
libabsl-dev         /usr/include/absl/flags/flag.h
libgmock-dev        /usr/include/gmock/gmock.h
libgtest-dev        /usr/include/gtest/gtest.h
nlohmann-json3-dev  /usr/include/nlohmann/json.hpp
pkg-config          /usr/bin/pkg-config
git                 /usr/bin/git
perl                /usr/bin/prove
procps              /usr/bin/ps
python3             /usr/bin/python3
sqlite3             /usr/bin/sqlite3
valgrind            /usr/bin/valgrind
'

# hak_missing TABLE: the packages of the table whose file is not there
hak_missing() {
  printf '%s\n' "$1" | while read -r package file; do
    [ -z "$package" ] || [ -e "$file" ] || printf '%s ' "$package"
  done
}

# hak_install TABLE: installs what is missing; exit status 2 and one line when that cannot be done
hak_install() {
  missing=$(hak_missing "$1")
  [ -n "$missing" ] || return 0
  if ! command -v apt-get > /dev/null; then
    echo "hakmem: please install what Debian calls: $missing" >&2
    exit 2
  fi
  if [ "$(id -u)" = 0 ]; then
    as_root=
  elif command -v sudo > /dev/null && sudo -n true 2> /dev/null; then
    as_root=sudo
  else
    echo "hakmem: as root, please run: apt-get install --no-install-recommends $missing" >&2
    exit 2
  fi
  echo "hakmem: installing $missing" >&2
  # A lists folder may be empty or name versions that the mirror has dropped: it is always brought up to date.
  if ! log=$({
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y update &&
      $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $missing
  } < /dev/null 2>&1); then
    printf '%s\n' "$log" >&2
    echo "hakmem: apt-get could not install: $missing" >&2
    exit 2
  fi
}
