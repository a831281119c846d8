// The second object of an array is deleted.
#include "cli/misuse/programs/misuse.h"

struct Object {
  char bytes[48];
};

int main() {
  Object* array = new Object[10];
  suspect(array + 1);
  suspect(array);
  BUG(delete (array + 1);)
  delete[] array;
  return 0;
}
