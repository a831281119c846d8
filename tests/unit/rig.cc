#include "tests/unit/rig.h"

Rig::Rig() {
  hak_options_read(&options, nullptr);
  options.huge_pages = HAK_HUGE_PAGES_NEVER;
  os.set_memory_bytes(size_t{1} << 30);
  hak_meta_init(&meta, os.table());
  EXPECT_TRUE(hak_map_init(&map, os.table()));
  hak_arena_init(&arena, &map, &meta, os.table(), &options);
  hak_slab_pool_init(&pool, &arena, &meta);
}

hak_owner* Rig::make_owner() {
  owners_.push_back(std::make_unique<hak_owner>());
  hak_owner_init(owners_.back().get(), &pool, owners_.size());
  return owners_.back().get();
}

uintptr_t Rig::alloc_run(size_t units, size_t align, bool* zeroed, hak_run_use use) {
  bool ignored;
  return hak_arena_alloc(&arena, use, units, align, zeroed != nullptr ? zeroed : &ignored);
}

void* Rig::alloc(hak_owner* owner, unsigned class_index) {
  hak_bin* bin = &owner->bins[class_index];
  if (hak_class_is_wide(class_index)) return hak_owner_take_wide(owner, bin);
  void* block = hak_bin_take(bin);
  if (block == nullptr && bin->current != nullptr) block = hak_bin_step(bin);
  return block != nullptr ? block : hak_owner_refill(owner, bin);
}

bool Rig::free(hak_owner* self, void* block) {
  uintptr_t address = address_of(block);
  hak_cell* found = hak_map_find(&map, address);
  if (found == nullptr || hak_peek(&found->kind) != HAK_CELL_SLAB || !hak_slab_is_block(found, address)) return false;
  if (self == nullptr || hak_load_seq_cst(&found->head->owner) != self) {
    return hak_slab_free_remote(&pool, self, found, address);
  }
  if (!hak_slab_free_shared(found, address)) return false;
  if (hak_slab_count_free(found)) hak_owner_on_countdown(self, found->head);
  return true;
}

void Rig::settle() {
  for (const auto& owner : owners_) {
    for (hak_bin& bin : owner->bins) hak_bin_settle(&bin);
  }
}

void Rig::check() const {
  for (const auto& owner : owners_) hak_owner_check(owner.get());
}

std::vector<void*> Rig::fill_slab(hak_owner* owner, unsigned class_index) {
  std::vector<void*> blocks;
  for (uint32_t i = 0; i < row_of(class_index).capacity; i++) blocks.push_back(alloc(owner, class_index));
  for (void* block : blocks) EXPECT_EQ(head(block), head(blocks[0])) << "the bin was in the middle of a slab";
  return blocks;
}

unsigned class_of_stride(size_t stride) {
  for (unsigned c = 0; c < HAK_CLASSES; c++) {
    if (hak_size_classes[c].stride == stride) return c;
  }
  ADD_FAILURE() << "no class of stride " << stride;
  return 0;
}

std::string name_of_class(const testing::TestParamInfo<unsigned>& parameter) {
  return "Stride" + std::to_string(row_of(parameter.param).stride);
}

namespace {

uint8_t pattern(uint32_t tag, size_t at) { return static_cast<uint8_t>(tag * 31 + at * 7 + 1); }

}  // namespace

void fill_block(void* block, size_t bytes, uint32_t tag) {
  auto* p = static_cast<uint8_t*>(block);
  for (size_t i = 0; i < bytes; i++) p[i] = pattern(tag, i);
}

bool block_holds(const void* block, size_t bytes, uint32_t tag) {
  const auto* p = static_cast<const uint8_t*>(block);
  for (size_t i = 0; i < bytes; i++) {
    if (p[i] != pattern(tag, i)) return false;
  }
  return true;
}
