# Threads that pass objects through queues, and a pool of forked processes.
python3 - <<'EOF'
import hashlib, multiprocessing, queue, threading, zlib

work, done = queue.Queue(), queue.Queue()

def run():
    while True:
        i = work.get()
        if i is None:
            return
        data = (b'%d' % i) * (i % 3000 + 1)
        packed = zlib.compress(data)
        assert zlib.decompress(packed) == data
        done.put((i, hashlib.md5(packed).hexdigest()))

for round in range(5):
    threads = [threading.Thread(target=run) for _ in range(6)]
    for t in threads: t.start()
    for i in range(2000): work.put(i)
    for t in threads: work.put(None)
    for t in threads: t.join()
    results = sorted(done.get() for _ in range(2000))
    print(hashlib.sha256(repr(results).encode()).hexdigest())

def square(text):
    return [text * k for k in range(50)]

if __name__ == '__main__':
    with multiprocessing.get_context('fork').Pool(3) as pool:
        results = pool.map(square, ['x%d' % i for i in range(500)])
    print(hashlib.sha256(repr(results).encode()).hexdigest())
EOF
