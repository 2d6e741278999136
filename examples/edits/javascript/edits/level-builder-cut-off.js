class LevelBuilder {
  // ... existing code ...

  dig(room) {
    for (let y = room.y; y < room.y + room.height; y++) {
      for (let x = room.x; x < room.x + room.width; x++) {
        if (this.level.get({ x, y }) ===
