# A C file with many functions: compiler, assembler, linker, and the program that comes out.
{
  echo '#include <stdio.h>'
  echo 'struct node { struct node *l, *r; long v; };'
  for i in $(seq 120); do
    echo "static long f$i(long x) { long s = $i; for (long k = 0; k < x % $((i + 3)); k++) { switch (k % 5) {"
    echo "case 0: s += k * $i; break; case 1: s ^= x >> 3; break; case 2: s -= $((i * 7)); break; default: s *= 3; } }"
    echo 'return s; }'
  done
  echo 'int main(void) { long s = 0;'
  for i in $(seq 120); do echo "s += f$i(s + $i);"; done
  echo 'printf("%ld\n", s); return 0; }'
} > program.c
gcc -O2 -c program.c -o program.o
sha256sum program.o
gcc -S -O1 -fverbose-asm program.c -o - | sha256sum
gcc program.o -o program
./program
gcc -O2 -Wall -Wextra -c broken.c 2>&1 || true
