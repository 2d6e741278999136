  summary() {
    const counts = {};
    for (const task of this.tasks.values()) {
<<<<<<< HEAD
      counts[task.state] = (counts[task.state] ?? 0) + 1;
=======
      counts[task.state] ??= [];
      counts[task.state].push(task.name);
>>>>>>> feature/names-in-summary
    }
    return counts;
  }
