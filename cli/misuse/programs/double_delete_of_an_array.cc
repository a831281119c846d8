// An array is deleted twice.
#include "cli/misuse/programs/misuse.h"

int main(int argc, char** argv) {
  char* array = new char[size_argument(argc, argv)];
  suspect(array);
  delete[] array;
  BUG(delete[] array;)
  return 0;
}
