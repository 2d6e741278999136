// ... existing code ...

/** One blow, a critical one now and then; returns a sentence. */
function attack(attacker, target, random) {
  if (!random.chance(75)) {
    return `${attacker.name} missed ${target.name}`;
  }
  const factor = random.chance(5) ? 2 : 1;
  const points = Math.max(1, factor * random.roll(attacker.damage) - target.armor);
  target.hurt(points);
  if (!target.isAlive) {
    return `${attacker.name} killed ${target.name}`;
  }
  return `${attacker.name} hit ${target.name} for ${points}`;
}

// ... existing code ...
