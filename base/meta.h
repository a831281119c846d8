/* meta.h - memory for the allocator's own records.
 *
 * Purpose:      small zeroed records that live apart from the program's blocks, where no overflow reaches them.
 * Owns:         mappings of its own, never given back; freed records are kept by kind and size and used again for such
 *               records only, so that a stale pointer to one still points to one ("type-stable").
 * Thread rule:  any thread; one lock inside, the last in rank.
 * Failure rule: NULL when the kernel gives no more.
 */
#ifndef HAK_BASE_META_H
#define HAK_BASE_META_H

#include "base/lock.h"
#include "base/os.h"

HAK_C_BEGIN

enum {
  HAK_META_GRAIN = 64,        /* records are multiples of it, and aligned to it */
  HAK_META_MAX_BYTES = 16384, /* the largest record */
  HAK_META_SHADOW = 262144,   /* from a body to its shadow */
};

typedef enum hak_meta_kind {
  HAK_META_BODY,  /* of a slab; has a shadow: as many bytes, zeroed as well, that take no memory before they are used */
  HAK_META_OTHER, /* threads, regions */
  HAK_META_KINDS,
} hak_meta_kind;

typedef struct hak_meta {
  hak_lock lock;
  const hak_os* os;
  size_t mapped_bytes; /* without shadows */
  struct hak_meta_records {
    uintptr_t bump, bump_end; /* the part of the newest mapping that no record has had */
    /* By size in grains; linked through the first word. */
    void* freed[HAK_META_MAX_BYTES / HAK_META_GRAIN + 1];
  } kinds[HAK_META_KINDS];
} hak_meta;

void hak_meta_init(hak_meta* meta, const hak_os* os);
/* A zeroed record with a zeroed shadow if its kind has one, 64-byte aligned, of 1 to HAK_META_MAX_BYTES bytes. */
void* hak_meta_alloc(hak_meta* meta, hak_meta_kind kind, size_t bytes);
/* Takes back a record of the kind and size that it was asked for with. */
void hak_meta_free(hak_meta* meta, hak_meta_kind kind, void* record, size_t bytes);

HAK_C_END

#endif
