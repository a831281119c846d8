# The shell that runs all the others: arrays, functions, substitutions, subshells.
declare -A count
for i in $(seq 20000); do
  key="k$((i * 7919 % 503))"
  count[$key]=$((${count[$key]:-0} + i))
done
for key in $(printf '%s\n' "${!count[@]}" | sort | head -20); do echo "$key ${count[$key]}"; done
text=$(seq 3000)
echo "${#text} ${text//9/<nine>}" | cksum
f() { local n=$1; ((n == 0)) && echo done || f $((n - 1)); }
f 300
for i in $(seq 30); do (echo "subshell $i" | cat) & wait $!; done
