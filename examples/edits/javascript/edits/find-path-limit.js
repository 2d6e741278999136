function findPath(level, start, goal, isBlocked = () => false, limit = Infinity) {
  const cameFrom = new Map();
  const visited = new Set([level.index(start)]);
  const queue = [start];
  while (queue.length > 0) {
    if (visited.size > limit) {
      return null;
    }
    const current = queue.shift();
    // ... existing code ...
  }
  return null;
}
