# Programs of the base system that use threads or much memory.
seq 300000 | sed 's/\(.\)\(.*\)/\2\1/' > numbers
sort --parallel=4 -S 20M numbers | sha256sum
sort -n -u --parallel=4 numbers | tail -3
xz -T2 -3 --block-size=200KiB -k numbers
xz -dc numbers.xz | sha256sum
tar cf - numbers | gzip -9 | gunzip | tar xf - -O | sha256sum
find /usr/share/doc -maxdepth 1 | sort | wc -l
grep -c '9.*9' numbers
