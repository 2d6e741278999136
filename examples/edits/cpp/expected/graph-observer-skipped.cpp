// task_graph.cpp - runs tasks in an order in which every task comes after
// the tasks it needs.
//
// A graph is built once, checked for loops, and can then be run many times.
// Tasks that failed make all tasks that need them end as skipped.
#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <ostream>
#include <queue>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tasks {

enum class Outcome {
  Waiting,
  Done,
  Failed,
  Skipped,
};

const char* to_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::Waiting:
      return "waiting";
    case Outcome::Done:
      return "done";
    case Outcome::Failed:
      return "failed";
    case Outcome::Skipped:
      return "skipped";
  }
  return "?";
}

using Action = std::function<bool()>;

// One node of the graph.
class Task {
 public:
  Task(std::string name, Action action)
      : name_(std::move(name)), action_(std::move(action)) {}

  const std::string& name() const { return name_; }
  Outcome outcome() const { return outcome_; }
  int cost() const { return cost_; }
  void set_cost(int cost) { cost_ = cost; }

  void reset() { outcome_ = Outcome::Waiting; }

  void skip() { outcome_ = Outcome::Skipped; }

  bool run() {
    bool ok = action_ ? action_() : true;
    outcome_ = ok ? Outcome::Done : Outcome::Failed;
    return ok;
  }

 private:
  std::string name_;
  Action action_;
  Outcome outcome_ = Outcome::Waiting;
  int cost_ = 1;
};

// Told about the steps of a run.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void started(const Task&) {}
  virtual void finished(const Task&) {}
  virtual void skipped(const Task&) {}
};

class StreamObserver : public Observer {
 public:
  explicit StreamObserver(std::ostream& out) : out_(out) {}

  void started(const Task& task) override {
    out_ << "> " << task.name() << '\n';
  }

  void finished(const Task& task) override {
    out_ << "< " << task.name() << ": " << to_text(task.outcome()) << '\n';
  }

  void skipped(const Task& task) override {
    out_ << "- " << task.name() << '\n';
  }

 private:
  std::ostream& out_;
};

class LoopError : public std::runtime_error {
 public:
  explicit LoopError(const std::string& name)
      : std::runtime_error("task needs itself: " + name) {}
};

class Graph {
 public:
  std::size_t add(const std::string& name, Action action);
  void need(const std::string& task, const std::string& needed);
  void check() const;
  std::vector<std::size_t> order() const;
  bool run(Observer& observer);
  int critical_cost() const;

  Task& task(const std::string& name);
  std::size_t size() const { return tasks_.size(); }

 private:
  enum class Mark { White, Grey, Black };

  std::size_t index_of(const std::string& name) const;
  void visit(std::size_t index, std::vector<Mark>& marks) const;
  bool all_done(const std::set<std::size_t>& needed) const;

  std::vector<Task> tasks_;
  std::vector<std::set<std::size_t>> needs_;
  std::map<std::string, std::size_t> names_;
};

// ---- building -------------------------------------------------------------

std::size_t Graph::add(const std::string& name, Action action) {
  if (names_.count(name) != 0) {
    throw std::invalid_argument("task exists: " + name);
  }
  std::size_t index = tasks_.size();
  tasks_.emplace_back(name, std::move(action));
  needs_.emplace_back();
  names_[name] = index;
  return index;
}

std::size_t Graph::index_of(const std::string& name) const {
  auto found = names_.find(name);
  if (found == names_.end()) {
    throw std::out_of_range("no such task: " + name);
  }
  return found->second;
}

Task& Graph::task(const std::string& name) {
  return tasks_[index_of(name)];
}

void Graph::need(const std::string& task, const std::string& needed) {
  needs_[index_of(task)].insert(index_of(needed));
}

// ---- checking -------------------------------------------------------------

// Depth-first search; a grey task on the way means that there is a loop.
void Graph::visit(std::size_t index, std::vector<Mark>& marks) const {
  if (marks[index] == Mark::Black) {
    return;
  }
  if (marks[index] == Mark::Grey) {
    throw LoopError(tasks_[index].name());
  }
  marks[index] = Mark::Grey;
  for (std::size_t needed : needs_[index]) {
    visit(needed, marks);
  }
  marks[index] = Mark::Black;
}

void Graph::check() const {
  std::vector<Mark> marks(tasks_.size(), Mark::White);
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    visit(i, marks);
  }
}

// ---- running --------------------------------------------------------------

// Tasks that are free at the same time are ordered as they were added.
std::vector<std::size_t> Graph::order() const {
  std::vector<std::size_t> missing(tasks_.size());
  std::vector<std::vector<std::size_t>> users(tasks_.size());
  std::priority_queue<std::size_t, std::vector<std::size_t>,
                      std::greater<std::size_t>>
      ready;
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    missing[i] = needs_[i].size();
    if (missing[i] == 0) {
      ready.push(i);
    }
    for (std::size_t needed : needs_[i]) {
      users[needed].push_back(i);
    }
  }
  std::vector<std::size_t> result;
  while (!ready.empty()) {
    std::size_t index = ready.top();
    ready.pop();
    result.push_back(index);
    for (std::size_t user : users[index]) {
      if (--missing[user] == 0) {
        ready.push(user);
      }
    }
  }
  return result;
}

bool Graph::all_done(const std::set<std::size_t>& needed) const {
  return std::all_of(needed.begin(), needed.end(), [this](std::size_t i) {
    return tasks_[i].outcome() == Outcome::Done;
  });
}

// Runs all tasks; true when none of them failed or was skipped.
bool Graph::run(Observer& observer) {
  check();
  for (Task& task : tasks_) {
    task.reset();
  }
  bool ok = true;
  for (std::size_t index : order()) {
    Task& task = tasks_[index];
    if (!all_done(needs_[index])) {
      task.skip();
      ok = false;
      continue;
    }
    observer.started(task);
    ok = task.run() && ok;
    observer.finished(task);
  }
  return ok;
}

// The cost of the most expensive chain of tasks.
int Graph::critical_cost() const {
  std::vector<int> cost(tasks_.size(), 0);
  int worst = 0;
  for (std::size_t index : order()) {
    int before = 0;
    for (std::size_t needed : needs_[index]) {
      before = std::max(before, cost[needed]);
    }
    cost[index] = before + tasks_[index].cost();
    worst = std::max(worst, cost[index]);
  }
  return worst;
}

}  // namespace tasks
