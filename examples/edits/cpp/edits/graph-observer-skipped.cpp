// ... existing code ...

class Observer {
 public:
  // ... existing code ...
  virtual void finished(const Task&) {}
  virtual void skipped(const Task&) {}
};

class StreamObserver : public Observer {
 public:
  // ... existing code ...

  void finished(const Task& task) override {
    out_ << "< " << task.name() << ": " << to_text(task.outcome()) << '\n';
  }

  void skipped(const Task& task) override {
    out_ << "- " << task.name() << '\n';
  }

  // ... existing code ...
};

// ... existing code ...
