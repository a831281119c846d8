// tree.cc - binary trees are built, walked and taken down; one long-lived tree stays beside them.
#include <vector>

#include "cli/workloads/block.h"
#include "cli/workloads/bodies.h"

namespace hakctl {

namespace {

struct Node {
  Node* left;
  Node* right;
  uint64_t key;
};

class Grove {
 public:
  Grove(Run* run, unsigned thread)
      : run_(run), rng_(run->params().seed, thread), sizes_(run->params().size, SizePicker::kUniform) {}

  // A balanced tree of `nodes` nodes whose keys count up from `first`.
  Node* build(uint64_t nodes, uint64_t first) {
    if (nodes == 0 || run_->failed()) return nullptr;
    size_t size = sizes_.pick(rng_.next());
    Node* node = static_cast<Node*>(malloc(size));
    if (node == nullptr) {
      run_->fail_allocation(size);
      return nullptr;
    }
    uint64_t on_the_left = (nodes - 1) / 2;
    node->key = first + on_the_left;
    node->left = build(on_the_left, first);
    node->right = build(nodes - 1 - on_the_left, node->key + 1);
    return node;
  }
  uint64_t sum(const Node* node) const { return node ? sum(node->left) + node->key + sum(node->right) : 0; }
  void take_down(Node* node) {
    if (node == nullptr) return;
    take_down(node->left);
    take_down(node->right);
    free(node);
  }
  // The keys are known, so is their sum: a damaged node shows.
  void walk(const Node* root, uint64_t nodes) {
    if (!run_->failed() && sum(root) != nodes * (nodes - 1) / 2) run_->fail_corrupt(run_->params().size.max);
  }

  Node* standing = nullptr;
  uint64_t standing_nodes = 0;

 private:
  Run* run_;
  Rng rng_;
  SizePicker sizes_;
};

uint64_t plant(Run& run, Grove* grove) {
  const Params& params = run.params();
  uint64_t left = params.iters;
  while (left > 0 && !run.failed()) {
    uint64_t nodes = std::min(left, params.working_set);
    Node* tree = grove->build(nodes, 0);
    grove->walk(tree, nodes);
    // The newest tree stands while the one before it goes, as when a program replaces a structure.
    grove->take_down(grove->standing);
    grove->standing = tree;
    grove->standing_nodes = nodes;
    left -= nodes;
  }
  return params.iters - left;
}

}  // namespace

void run_tree(Run& run) {
  const Params& params = run.params();
  std::vector<Grove> groves;
  for (unsigned i = 0; i < params.threads; ++i) groves.emplace_back(&run, i);
  Phases phases;
  phases.work = [&](unsigned i) { return plant(run, &groves[i]); };
  phases.cleanup = [&](unsigned i) {
    groves[i].walk(groves[i].standing, groves[i].standing_nodes);
    groves[i].take_down(groves[i].standing);
  };
  run.parallel(params.threads, phases);
}

}  // namespace hakctl
