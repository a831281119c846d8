# Regular expressions, sorting and big integers.
python3 - <<'EOF'
import collections, random, re
random.seed(7)
words = [''.join(random.choice('abcdefgh') for _ in range(random.randint(2, 12))) for _ in range(60000)]
text = ' '.join(words)
print(len(re.findall(r'\b(\w)\w*\1\b', text)))
print(re.sub(r'(a+)(b*)', lambda m: m.group(2) + m.group(1), text)[:200])
print(collections.Counter(len(w) for w in words).most_common())
print(sorted(set(words))[:20], sorted(words, key=lambda w: (len(w), w[::-1]))[-20:])
n = 1
for i in range(1, 3000):
    n *= i
print(len(str(n)) if not hasattr(__import__('sys'), 'set_int_max_str_digits') else n.bit_length(), n % 1000003)
EOF
