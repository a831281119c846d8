// An object on the stack is deleted.
#include "cli/misuse/programs/misuse.h"

struct alignas(16) Object {
  char bytes[48];
};

int main() {
  Object local;
  Object* object = new Object;
  suspect(&local);
  BUG(delete &local;)
  delete object;
  return 0;
}
