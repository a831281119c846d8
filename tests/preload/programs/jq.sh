# An array of 20,000 objects: grouped, sorted, mapped.
seq 8000 | jq -s 'map({id: ., name: "n\(. * 7919 % 1009)", tags: [range(. % 7)]})' > items.json
sha256sum items.json
jq -c 'group_by(.name) | map({name: .[0].name, n: length, sum: (map(.id) | add)}) | sort_by(-.sum) | .[0:10]' items.json
jq '[.[] | .tags | add // 0] | add' items.json
jq -c 'map(.name | test("^n1.*9$")) | map(select(.)) | length' items.json
jq . < /dev/null
echo '{"a": [1, 2' | jq . 2>&1 || echo "status $?"
