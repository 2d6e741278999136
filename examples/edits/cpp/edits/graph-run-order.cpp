bool Graph::run(Observer& observer) {
  check();
  // ... existing code ...
  for (std::size_t index : order()) {
    Task& task = tasks_[index];
    // ... existing code ...
    observer.started(task);
    bool task_ok = task.run();
    observer.finished(task);
    ok = ok && task_ok;
  }
  return ok;
}
