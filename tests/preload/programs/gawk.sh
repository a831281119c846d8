# Arrays of strings and of numbers, sorting, and string functions.
seq 200000 | gawk '
{ key = "k" ($1 * 7919 % 5003); count[key]++; sum[key] += $1; text[$1 % 100] = text[$1 % 100] $1 "," }
END {
  n = asorti(count, keys)
  for (i = 1; i <= n; i += 100) print keys[i], count[keys[i]], sum[keys[i]]
  for (i = 0; i < 100; i++) { gsub(/9+/, "<&>", text[i]); total += length(text[i]) }
  print total, n
}'
