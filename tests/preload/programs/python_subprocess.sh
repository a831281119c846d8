# Programs started from a program, with their output in pipes.
python3 - <<'EOF'
import concurrent.futures, subprocess, sys
def start(i):
    p = subprocess.run(['sh', '-c', 'cat; echo %d; echo error %d >&2; exit %d' % (i, i, i % 3)], input='in %d\n' % i,
                       capture_output=True, text=True)
    return p.returncode, p.stdout, p.stderr
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    print(list(pool.map(start, range(60))))
print(subprocess.run([sys.executable, '-c', 'import this'], capture_output=True, text=True).stdout)
EOF
