/* A string literal is freed. */
#include "cli/misuse/programs/misuse.h"

int main(void) {
  const char* text = "a string of the program";
  char* copy = strdup(text);
  suspect(text);
  BUG(free((char*)text);)
  free(copy);
  return 0;
}
