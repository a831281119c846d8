#include "frontend/report.h"

#include <string.h>

#include "base/fatal.h"
#include "base/size_class.h"
#include "frontend/introspect.h"
#include "frontend/origin.h"
#include "frontend/sealed.h"

void hak_report_stats(void) {
  hak_counter counters[HAK_MOST_COUNTERS];
  size_t count = hak_counters(counters, HAK_MOST_COUNTERS);
  for (size_t i = 0; i < count; i++) {
    hak_line line = {.length = 0};
    hak_line_text(&line, counters[i].name);
    hak_line_text(&line, " = ");
    hak_line_number(&line, counters[i].value);
    hak_line_text(&line, " ");
    hak_line_text(&line, counters[i].unit);
    hak_line_print(&line);
  }
}

int hak_report_xml(FILE* stream) {
  hak_counter counters[HAK_MOST_COUNTERS];
  size_t count = hak_counters(counters, HAK_MOST_COUNTERS);
  fprintf(stream, "<malloc version=\"hakmem\">\n");
  for (size_t i = 0; i < count; i++) {
    fprintf(stream, "<counter name=\"%s\" unit=\"%s\" value=\"%llu\"/>\n", counters[i].name, counters[i].unit,
            (unsigned long long)counters[i].value);
  }
  return fprintf(stream, "</malloc>\n") < 0 ? -1 : 0;
}

static size_t counter(const hak_counter* counters, size_t count, const char* name) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(counters[i].name, name) == 0) return (size_t)counters[i].value;
  }
  return 0;
}

struct mallinfo2 hak_report_mallinfo(void) {
  hak_counter counters[HAK_MOST_COUNTERS];
  size_t count = hak_counters(counters, HAK_MOST_COUNTERS);
  struct mallinfo2 info = {0};
  info.arena = counter(counters, count, "committed_bytes");
  info.uordblks = counter(counters, count, "live_bytes");
  info.hblkhd = counter(counters, count, "large_bytes");
  info.fordblks = counter(counters, count, "used_bytes") + counter(counters, count, "dirty_bytes");
  info.fordblks = info.fordblks > info.uordblks ? info.fordblks - info.uordblks : 0;
  info.keepcost = counter(counters, count, "dirty_bytes");
  return info;
}

static bool add_live(const hak_slab_info* slab, void* arg) {
  ((uint64_t*)arg)[slab->size_class] += slab->used;
  return true;
}

static void print_live(uint64_t number, const char* what, uint64_t bytes) {
  hak_line line = {.length = 0};
  if (number == 0) return;
  hak_line_text(&line, "live at exit: ");
  hak_line_number(&line, number);
  hak_line_text(&line, what);
  if (bytes != 0) hak_line_number(&line, bytes);
  hak_line_text(&line, bytes != 0 ? " bytes" : "");
  hak_line_print(&line);
}

static bool count_origin(const hak_block_info* block, void* arg) {
  uint32_t origin;
  size_t bytes = hak_sealed_read(block->address, block->bytes, &origin);
  (void)arg;
  hak_origin_count(origin, bytes);
  return true;
}

static void report_origins(void) {
  if (HAK_DEBUG) {
    hak_visit_blocks(count_origin, NULL);
    hak_origin_print();
    return;
  }
  hak_line line = {.length = 0};
  hak_line_text(&line, "live at exit: a build with checks=debug knows who allocated them");
  hak_line_print(&line);
}

void hak_report_live(bool origins) {
  uint64_t blocks[HAK_CLASSES] = {0};
  hak_counter counters[HAK_MOST_COUNTERS];
  size_t count = hak_counters(counters, HAK_MOST_COUNTERS);
  hak_visit_slabs(add_live, blocks);
  for (unsigned c = 0; c < HAK_CLASSES; c++) print_live(blocks[c], " of the class of ", hak_size_classes[c].stride);
  print_live(counter(counters, count, "large_bytes"), " bytes in large blocks", 0);
  if (origins) report_origins();
}
