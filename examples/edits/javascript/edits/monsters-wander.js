// ... existing code ...

function moveTowards(monster, game) {
  const blocked = (point) => game.monsterAt(point) !== undefined;
  const path = findPath(game.level, monster.position, game.hero.position, blocked);
  if (!path || path.length < 3) {
    return wander(monster, game);
  }
  monster.position = path[1];
  return true;
}

function wander(monster, game) {
  const point = step(monster.position, game.random.pick(Object.values(DIRECTIONS)));
  if (!game.isFree(point)) {
    return false;
  }
  monster.position = point;
  return true;
}

// ... existing code ...

function saveItem(item) {
  return item.count === 1 ? [item.type] : [item.type, item.count];
}

// ... existing code ...
