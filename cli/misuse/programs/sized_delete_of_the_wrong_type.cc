// An object is deleted through a base class without a virtual destructor.
#include "cli/misuse/programs/misuse.h"

struct Base {
  char bytes[20];
};

struct Derived : Base {
  char more[500];
};

int main() {
  Derived* derived = new Derived;
  suspect(derived);
  BUG(delete static_cast<Base*>(derived);)
  TWIN(delete derived;)
  return 0;
}
