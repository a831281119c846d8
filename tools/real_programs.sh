#!/bin/sh
# The peak memory, CPU time and page faults of real programs under hakmem and every other allocator found, each as a
# ratio to the smallest:
#   tools/real_programs.sh [ROUNDS]
# One round is enough for memory; CPU time wants ten, of which medians are taken.
# Each program is a `hakctl compare -- COMMAND` of its own, whose full table goes to stderr with VERBOSE=1. A program
# that is not installed is left out, and said so. Loads are made on the spot and large enough that the program's heap,
# not its code, decides.
set -eu

rounds=${1:-1}
root=$(CDPATH= cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd -P)
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
PATH=/usr/bin:/bin
export LC_ALL=C

cd "$data"
awk 'BEGIN { srand(42); for (i = 0; i < 400000; i++) printf "%d word%d %.6f\n", rand() * 1e6, rand() * 5e4, rand() }' \
  >lines
awk 'BEGIN { print "["; for (i = 0; i < 150000; i++) printf "%s{\"id\":%d,\"name\":\"n%d\",\"tags\":[\"a%d\",\"b\"]}\n",
  i ? "," : "", i, i * 7, i % 97; print "]" }' >records.json
awk 'BEGIN { print "<list>"; for (i = 0; i < 150000; i++) printf "<item id=\"%d\"><name>n%d</name></item>\n", i, i * 7
  print "</list>" }' >records.xml
awk 'BEGIN { for (i = 0; i < 800; i++)
  printf "struct s%d { int a, b; };\nint f%d(struct s%d *p, int n) { for (int i = 0; i < n; i++) p->a += i * p->b; " \
    "return p->a; }\n", i, i, i }' >many.c
cat >words.py <<'END'
words = {}
for line in open("lines"):
    n, word, x = line.split()
    words.setdefault(word, []).append((int(n), x))
print(sum(len(v) for v in words.values()))
END
cat >words.pl <<'END'
my %words;
open my $in, "<", "lines";
while (<$in>) { my @f = split; push @{$words{$f[1]}}, [$f[0], $f[2]]; }
print scalar(keys %words), "\n";
END
cat >words.lua <<'END'
local words = {}
for line in io.lines("lines") do
  local n, word, x = line:match("(%S+) (%S+) (%S+)")
  words[word] = words[word] or {}
  table.insert(words[word], {n, x})
end
END
cat >words.tcl <<'END'
set in [open lines]
while {[gets $in line] >= 0} { lassign $line n word x; lappend words($word) [list $n $x] }
puts [array size words]
END
cat >words.js <<'END'
const words = new Map();
for (const line of require("fs").readFileSync("lines", "latin1").split("\n")) {
  const [n, word, x] = line.split(" ");
  if (!words.has(word)) words.set(word, []);
  words.get(word).push([n, x]);
}
console.log(words.size);
END
cat >words.sql <<'END'
PRAGMA cache_size = -200000;
CREATE TABLE words (n INTEGER, word TEXT, x REAL);
.mode list
.separator " "
.import lines words
CREATE INDEX by_word ON words (word, n);
SELECT count(*) FROM (SELECT word, sum(n) FROM words GROUP BY word);
END
echo 'for (i = 0; i < 60000; i++) a[i] = 2 ^ 500 + i' >array.bc
git init -q repository
(cd repository && split -l 40000 ../lines part && git add . &&
  git -c user.name=n -c user.email=e commit -q -m one && sed -i 's/7/8/' part* && git add . &&
  git -c user.name=n -c user.email=e commit -q -m two)

# One line a program and allocator.
summary=$data/summary
: >"$summary"
measure() {
  name=$1
  shift
  if ! command -v "$1" >/dev/null; then
    echo "$name: $1 is not installed" >&2
    return
  fi
  "$root/hakctl" compare --rounds "$rounds" --format csv -- "$@" >table.csv
  [ -z "${VERBOSE:-}" ] || cat table.csv >&2
  python3 - "$name" table.csv >>"$summary" <<'END'
import csv, sys
for row in csv.DictReader(open(sys.argv[2])):
    print(sys.argv[1], row["allocator"], row["peak_bytes"], row["cpu_seconds"], row["minor_faults"])
END
}

measure python python3 words.py
measure python-malloc env PYTHONMALLOC=malloc python3 words.py
measure perl perl words.pl
measure gawk gawk '{ n[$2] = n[$2] " " $1; x[$1] = $3 } END { print length(n), length(x) }' lines
measure lua lua5.4 words.lua
measure tcl tclsh words.tcl
measure node node words.js
measure sqlite3 sqlite3 :memory: '.read words.sql'
measure jq jq 'map(.tags | length) | add' records.json
measure xmllint xmllint --noout records.xml
measure gcc gcc -O1 -c -o many.o many.c
measure git git -C repository repack -a -d -f -q
measure sort sort --parallel=2 -k2 lines
measure xz xz -k -c -6 records.json
measure bc bc -lq array.bc

python3 - "$summary" <<'END'
import math, sys
MEASURES = (("peak memory", "smallest MiB", 2**20), ("CPU time", "least ms", 1e-3), ("page faults", "fewest", 1))
programs = {}
for line in open(sys.argv[1]):
    program, allocator, *figures = line.split()
    programs.setdefault(program, {})[allocator] = [float(figure) for figure in figures]
names = list(next(iter(programs.values())))
for i, (title, unit, scale) in enumerate(MEASURES):
    print("%-14s %12s  " % (title, unit) + " ".join("%9s" % n for n in names))
    ratios = {n: [] for n in names}
    for program, row in programs.items():
        least = min(row[n][i] for n in names)
        for n in names:
            ratios[n].append(row[n][i] / least)
        print("%-14s %12.1f  " % (program, least / scale) + " ".join("%9.3f" % (row[n][i] / least) for n in names))
    means = {n: math.exp(sum(map(math.log, r)) / len(r)) for n, r in ratios.items()}
    print("%-14s %12s  " % ("geometric mean", "") + " ".join("%9.3f" % means[n] for n in names))
    print()
END
