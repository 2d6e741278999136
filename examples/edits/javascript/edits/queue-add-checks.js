add(name, action, options = {}) {
  if (this.tasks.has(name)) {
    throw new Error(`task ${name} exists`);
  }
  if (typeof action !== 'function') {
    throw new TypeError(`task ${name} has no action`);
  }
  const task = new Task(name, action, options);
  this.tasks.set(name, task);
  return task;
}
