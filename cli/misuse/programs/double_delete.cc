// An object is deleted twice.
#include "cli/misuse/programs/misuse.h"

struct Object {
  char bytes[200];
};

int main() {
  Object* object = new Object;
  suspect(object);
  delete object;
  BUG(delete object;)
  return 0;
}
