  undo() {
    const command = this.done.pop();
    if (!command) {
      return false;
    }
    command.revert();
    this.undone.push(command);
    return true;
  }
