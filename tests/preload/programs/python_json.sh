# json and string work over a heap of about 50 MB, taken down and built again.
python3 - <<'EOF'
import hashlib, json

def build(n):
    return [{'id': i, 'name': 'item %d' % i, 'tags': ['t%d' % (i % k) for k in range(1, 6)], 'x': i * 0.1} for i in range(n)]

for round in range(2):
    items = build(60000)
    text = json.dumps(items)
    print(len(text), hashlib.sha256(text.encode()).hexdigest())
    again = json.loads(text)
    assert again == items
    by_tag = {}
    for item in again:
        for tag in item['tags']:
            by_tag.setdefault(tag, []).append(item['name'])
    print(sorted((tag, len(names)) for tag, names in by_tag.items()))
    big = bytearray()
    for i in range(2000):
        big += b'%d,' % i * 20
    print(hashlib.sha256(big).hexdigest())
    del items, text, again, by_tag
EOF
