// bodies.h - the functions behind the rows of the workload table; only registry.cc and footprint.cc name them.
#ifndef HAK_CLI_WORKLOADS_BODIES_H
#define HAK_CLI_WORKLOADS_BODIES_H

#include "cli/workloads/workload.h"

namespace hakctl {

void run_mixed(Run& run);               // slots.cc
void run_tiny(Run& run);                // slots.cc
void run_mid_large_mt(Run& run);        // slots.cc
void run_large(Run& run);               // slots.cc
void run_replace(Run& run);             // slots.cc
void run_larson(Run& run);              // larson.cc
void run_producer_consumer(Run& run);   // producer_consumer.cc
void run_footprint_handover(Run& run);  // producer_consumer.cc
void run_exchange(Run& run);            // exchange.cc
void run_lifetimes(Run& run);           // lifetimes.cc
void run_tree(Run& run);                // tree.cc
void run_strings(Run& run);             // strings.cc
void run_cache(Run& run);               // cache.cc
void run_vectors(Run& run);             // vectors.cc
void run_stress(Run& run);              // stress.cc
void run_false_sharing(Run& run);       // false_sharing.cc
void run_locality(Run& run);            // locality.cc

}  // namespace hakctl

#endif  // HAK_CLI_WORKLOADS_BODIES_H
