# A C++ file with templates of the standard library.
cat > program.cc <<'EOF'
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>
template <int N> struct Chain { static int Get(int x) { return Chain<N - 1>::Get(x * N + 1) ^ N; } };
template <> struct Chain<0> { static int Get(int x) { return x; } };
int main() {
  std::map<std::string, std::vector<std::unique_ptr<std::string>>> map;
  std::unordered_map<int, std::set<std::string>> sets;
  for (int i = 0; i < 1000; i++) {
    map[std::to_string(i % 37)].push_back(std::make_unique<std::string>(i % 50, 'x'));
    sets[i % 11].insert(std::to_string(i * i));
  }
  size_t sum = 0;
  for (auto& [key, list] : map) for (auto& text : list) sum += text->size() * key.size();
  for (auto& [key, set] : sets) sum += std::count_if(set.begin(), set.end(), [](auto& s) { return s.find('9') != s.npos; });
  std::cout << sum << " " << Chain<200>::Get(3) << std::endl;
}
EOF
g++ -std=c++17 -O2 -c program.cc -o program.o
sha256sum program.o
g++ program.o -o program
./program
