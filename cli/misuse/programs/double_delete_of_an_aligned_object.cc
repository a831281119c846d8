// An object with an alignment of its own is deleted twice.
#include "cli/misuse/programs/misuse.h"

struct alignas(64) Object {
  char bytes[200];
};

int main() {
  Object* object = new Object;
  suspect(object);
  delete object;
  BUG(delete object;)
  return 0;
}
