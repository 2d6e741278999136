class Game {
  // ... existing code ...

  descend() {
    if (this.level.get(this.hero.position) !== '>') {
      this.say('there are no stairs here');
      return false;
    }
    this.depth += 1;
    this.monsters = [];
    this.floor = [];
    this.level = new LevelBuilder(this.random).build(30 + 2 * this.depth);
    this.hero.position = this.randomFloor();
    this.populate();
    this.say(`you are on level ${this.depth} now`);
    return true;
  }

  // ... existing code ...
}
