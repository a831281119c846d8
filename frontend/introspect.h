/* introspect.h - the allocator seen from inside the process: counters, slabs, chunks.
 *
 * Purpose:      read-only views for tools and tests. hakctl dump and the footprint workloads stand on this header.
 * Owns:         nothing; every figure is copied out of the component that keeps it.
 * Thread rule:  any thread, at any time. Other threads go on allocating, so that figures of one call may be a few
 *               operations apart from each other; with all other threads at rest they are exact.
 * Failure rule: nothing here fails or allocates. A visitor may allocate; it may then see its own blocks.
 */
#ifndef HAK_FRONTEND_INTROSPECT_H
#define HAK_FRONTEND_INTROSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One slab: a run of units cut into blocks of one size class. */
typedef struct hak_slab_info {
  uintptr_t address;   /* first byte of the slab */
  uintptr_t superslab; /* the superslab (aligned chunk) that it is cut from */
  size_t bytes;        /* address space of the slab */
  size_t stride;       /* distance from one block to the next, header included */
  size_t block_bytes;  /* what malloc_usable_size says of a block */
  unsigned size_class; /* index into the size-class table */
  unsigned index;      /* number of the slab's first unit in its superslab */
  unsigned capacity;   /* blocks that the slab holds */
  unsigned used;       /* blocks in the hands of the program */
  unsigned free;       /* capacity - used - remote */
  unsigned remote;     /* freed by another thread, not yet drained */
  bool pool;           /* cut by pool_tls (else by tiny) */
  const char* state;   /* "current", "full", "partial", "spare", "abandoned" */
  uint64_t owner;      /* thread that owns the slab, as the allocator numbers them; 0 for an abandoned one */
} hak_slab_info;

/* One chunk of address space: 64 units of the arena, a superslab when slabs are cut from it. */
typedef struct hak_chunk_info {
  uintptr_t address;
  size_t bytes;
  unsigned units;  /* units in the chunk */
  unsigned used;   /* units inside slabs and large blocks */
  unsigned dirty;  /* free units that still hold memory of the kernel's */
  unsigned clean;  /* free units that hold none */
  bool huge_pages; /* transparent huge pages were asked for */
} hak_chunk_info;

/* One live block, of a slab or large. */
typedef struct hak_block_info {
  uintptr_t address;
  size_t bytes; /* what malloc_usable_size says, without a seal's */
} hak_block_info;

/* Called once for each item; return false to stop. */
typedef bool hak_slab_visitor(const hak_slab_info* info, void* arg);
typedef bool hak_chunk_visitor(const hak_chunk_info* info, void* arg);
typedef bool hak_block_visitor(const hak_block_info* info, void* arg);

void hak_visit_slabs(hak_slab_visitor* visit, void* arg);
void hak_visit_chunks(hak_chunk_visitor* visit, void* arg);
/* While no other thread frees: a block freed under the visitor's eyes may be visited still. */
void hak_visit_blocks(hak_block_visitor* visit, void* arg);

/* Counters of the whole process. Every one of them is a row of the table in introspect.c, with its help text. */
typedef struct hak_counter {
  const char* name; /* as in "slabs_attached" */
  const char* unit; /* "bytes", "events", "items" */
  const char* help;
  uint64_t value;
} hak_counter;

enum { HAK_MOST_COUNTERS = 64 };
/* Fills up to max counters and returns how many there are: no more than that. */
size_t hak_counters(hak_counter* out, size_t max);

/* The options in force (base/options.h): read from the environment at the first request, or now if there was none. */
struct hak_options;
void hak_read_options(struct hak_options* out);

#ifdef __cplusplus
}
#endif
#endif
