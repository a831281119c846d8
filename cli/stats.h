// stats.h - what is said of repeated measurements: the median, and how far the others lie from it.
#ifndef HAK_CLI_STATS_H
#define HAK_CLI_STATS_H

#include <vector>

namespace hakctl {

struct Summary {
  double median = 0;
  double min = 0;
  double max = 0;
};

// All zero for no samples.
Summary summarize(std::vector<double> samples);

// Of positive numbers; 0 for none.
double geometric_mean(const std::vector<double>& samples);

}  // namespace hakctl

#endif  // HAK_CLI_STATS_H
