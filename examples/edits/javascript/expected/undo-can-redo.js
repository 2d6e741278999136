'use strict';

/** Undo and redo for the drawing board. */
class UndoStack {
  constructor(limit = 100) {
    this.limit = limit;
    this.done = [];
    this.undone = [];
  }

  // A command has two methods: apply() and revert().
  run(command) {
    command.apply();
    this.done.push(command);
    this.undone.length = 0;
    if (this.done.length > this.limit) {
      this.done.shift();
    }
  }

  undo() {
    const command = this.done.pop();
    command.revert();
    this.undone.push(command);
  }

  redo() {
    const command = this.undone.pop();
    if (!command) {
      return false;
    }
    command.apply();
    this.done.push(command);
    return true;
  }

  get canUndo() {
    return this.done.length > 0;
  }

  get canRedo() {
    return this.undone.length > 0;
  }
}

module.exports = UndoStack;
