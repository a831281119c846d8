# A repository from init to gc.
export HOME=$PWD GIT_AUTHOR_DATE='2024-01-02T03:04:05Z' GIT_COMMITTER_DATE='2024-01-02T03:04:05Z' GIT_CONFIG_NOSYSTEM=1
git config --global user.name tester
git config --global user.email tester@example.com
git config --global init.defaultBranch main
git config --global gc.auto 0
git config --global advice.detachedHead false
git init -q repo
cd repo
for i in $(seq 12); do
  mkdir -p dir$((i % 4))
  seq $((i * 100)) $((i * 400)) > dir$((i % 4))/file$i
  echo "line $i" >> log
  git add .
  git commit -q -m "Commit $i"
done
git checkout -q -b side HEAD~5
seq 5 50000 > other
git add other
git commit -q -m side
git checkout -q main
git merge -q -m merged side
git log --stat --format='%H %an %ad %s' | sha256sum
git log --oneline --graph | cat
git diff HEAD~8 | sha256sum
git blame -s log
git gc -q
git fsck --full 2>&1
git cat-file --batch-all-objects --batch-check | sha256sum
git clone -q . ../clone
cd ../clone
git rev-parse HEAD
git archive HEAD | tar t
git status
