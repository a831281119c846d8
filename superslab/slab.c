#include "superslab/slab.h"

#include "base/fatal.h"

uint64_t hak_slab_starts(const hak_slab_body* body, const hak_size_class* row, uint32_t word) {
  const hak_phase* phase = body->phase;
  for (uint32_t w = word % row->grains; w > 0; w--) phase = phase->next; /* the phases repeat */
  return phase->starts & hak_slab_word_mask(body, word);
}

uintptr_t hak_slab_block_of(const hak_slab* cell, uintptr_t address) {
  const hak_slab_body* body = hak_slab_body_of(cell);
  const hak_size_class* row = hak_slab_class(cell);
  uintptr_t first = body->base + row->first;
  if (address < first) return 0;
  uintptr_t index = (address - first) / row->stride;
  return index < row->capacity ? first + index * row->stride : 0;
}

bool hak_slab_is_block(const hak_slab* cell, uintptr_t address) {
  return address != 0 && hak_slab_block_of(cell, address) == address;
}

bool hak_slab_is_live_anywhere(const hak_slab* cell, uintptr_t address) {
  uintptr_t grain = address >> cell->shift;
  return hak_slab_is_live(cell, address) && !hak_bit_test(hak_slab_body_of(cell)->remote, grain);
}

uint32_t hak_slab_count_remote(const hak_slab* head) {
  const hak_slab_body* body = hak_slab_body_of(head);
  const uint64_t* remote = hak_body_remote(body);
  uint32_t count = 0;
  for (uint32_t w = 0; w < body->frontier; w++) count += hak_count_bits(hak_peek(&remote[w]));
  return count;
}

uint32_t hak_slab_count_live(const hak_slab* head) {
  const hak_slab_body* body = hak_slab_body_of(head);
  uint32_t count = 0;
  uint32_t frontier = hak_peek(&body->frontier);
  for (uint32_t w = 0; w < frontier; w++) count += hak_count_bits(~hak_peek(&body->bits[w]));
  return count;
}

void hak_slab_check(const hak_slab* head) {
  const hak_slab_body* body = hak_slab_body_of(head);
  const hak_size_class* row = hak_slab_class(head);
  if (head->kind != HAK_CELL_SLAB || head->head != head) hak_fatal("slab: not a head", body->base);
  if (body->slab != head) hak_fatal("slab: body of another slab", body->base);
  if (body->end_grain - body->first_grain != row->capacity * row->grains) hak_fatal("slab: stride", body->base);
  for (uint32_t w = 0; w < body->words; w++) {
    if ((~body->bits[w] & ~hak_slab_starts(body, row, w)) != 0)
      hak_fatal("slab: live where no block begins", body->base);
    uint64_t dealt = w >= body->frontier ? 0 : w + 1 < body->frontier ? ~UINT64_C(0) : hak_low_mask(body->edge);
    if ((~body->bits[w] & ~dealt) != 0) hak_fatal("slab: live behind the frontier", body->base);
  }
  uint32_t live = hak_slab_count_live(head);
  if (head->state == HAK_SLAB_PARTIAL && body->countdown != live)
    hak_fatal("slab: countdown of a partial slab", body->base);
  if (head->state == HAK_SLAB_FULL && row->capacity - live != row->wake - body->countdown) {
    hak_fatal("slab: countdown of a full slab", body->base);
  }
}
