'use strict';

/**
 * The rules of a small turn-based dungeon game, without any display.
 *
 * The game is a plain object tree that can be saved as JSON. Everything
 * random goes through one seeded generator, so a game can be replayed from
 * its seed and the list of commands.
 *
 * Parts of this file, from the bottom up: random numbers, points and
 * directions, the map, sight, path finding, items, actors, combat, the
 * minds of the monsters, the game itself, saving and loading.
 */

// ---------------------------------------------------------------------
// Random numbers
// ---------------------------------------------------------------------

class Random {
  constructor(seed) {
    this.state = seed >>> 0 || 1;
  }

  /** A whole number from 0 to 2^32 - 1 (xorshift). */
  next() {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x >>> 0;
    return this.state;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low, high) {
    return low + (this.next() % (high - low + 1));
  }

  chance(percent) {
    return this.between(1, 100) <= percent;
  }

  pick(list) {
    return list[this.next() % list.length];
  }

  /** Roll dice given as '2d6+1'. */
  roll(dice) {
    const match = /^(\d+)d(\d+)([+-]\d+)?$/.exec(dice);
    if (!match) {
      throw new RangeError(`bad dice ${dice}`);
    }
    let sum = Number(match[3] ?? 0);
    for (let i = 0; i < Number(match[1]); i++) {
      sum += this.between(1, Number(match[2]));
    }
    return sum;
  }
}

// ---------------------------------------------------------------------
// Points and directions
// ---------------------------------------------------------------------

const DIRECTIONS = {
  north: { x: 0, y: -1 },
  south: { x: 0, y: 1 },
  west: { x: -1, y: 0 },
  east: { x: 1, y: 0 },
};

const step = (point, { x, y }) => ({ x: point.x + x, y: point.y + y });

const samePoint = (a, b) => a.x === b.x && a.y === b.y;

function distance(a, b) {
  return Math.abs(a.x - b.x) + Math.abs(a.y - b.y);
}

/** The points of a straight line between two points, ends included. */
function line(from, to) {
  const points = [];
  const dx = Math.abs(to.x - from.x);
  const dy = -Math.abs(to.y - from.y);
  const sx = from.x < to.x ? 1 : -1;
  const sy = from.y < to.y ? 1 : -1;
  let error = dx + dy;
  let { x, y } = from;
  for (;;) {
    points.push({ x, y });
    if (x === to.x && y === to.y) {
      return points;
    }
    const twice = 2 * error;
    if (twice >= dy) {
      error += dy;
      x += sx;
    }
    if (twice <= dx) {
      error += dx;
      y += sy;
    }
  }
}

// ---------------------------------------------------------------------
// The map
// ---------------------------------------------------------------------

const TILES = {
  '#': { name: 'wall', walkable: false, transparent: false },
  '.': { name: 'floor', walkable: true, transparent: true },
  '+': { name: 'door', walkable: true, transparent: false },
  '~': { name: 'water', walkable: false, transparent: true },
  '>': { name: 'stairs', walkable: true, transparent: true },
};

class Level {
  constructor(width, height, fill = '#') {
    this.width = width;
    this.height = height;
    this.cells = new Array(width * height).fill(fill);
    this.seen = new Set();
  }

  /** Read a level from lines of text; all lines have the same length. */
  static parse(text) {
    const lines = text.trim().split('\n');
    const level = new Level(lines[0].length, lines.length);
    lines.forEach((row, y) => {
      [...row].forEach((char, x) => {
        level.set({ x, y }, char);
      });
    });
    return level;
  }

  contains({ x, y }) {
    return x >= 0 && y >= 0 && x < this.width && y < this.height;
  }

  index({ x, y }) {
    return y * this.width + x;
  }

  get(point) {
    return this.contains(point) ? this.cells[this.index(point)] : '#';
  }

  set(point, char) {
    if (!(char in TILES)) {
      throw new RangeError(`unknown tile ${char}`);
    }
    this.cells[this.index(point)] = char;
  }

  isWalkable(point) {
    return TILES[this.get(point)].walkable;
  }

  isTransparent(point) {
    return TILES[this.get(point)].transparent;
  }

  find(char) {
    const index = this.cells.indexOf(char);
    if (index < 0) {
      return null;
    }
    return { x: index % this.width, y: Math.floor(index / this.width) };
  }

  toString() {
    const rows = [];
    for (let y = 0; y < this.height; y++) {
      rows.push(this.cells.slice(y * this.width, (y + 1) * this.width).join(''));
    }
    return rows.join('\n');
  }
}

/** Rooms joined by corridors: the usual cellar. */
class LevelBuilder {
  constructor(random, width = 60, height = 24) {
    this.random = random;
    this.level = new Level(width, height);
    this.rooms = [];
  }

  build(tries = 30) {
    for (let i = 0; i < tries; i++) {
      const room = this.randomRoom();
      if (!this.rooms.some((other) => this.overlaps(room, other))) {
        this.dig(room);
        this.rooms.push(room);
      }
    }
    for (let i = 1; i < this.rooms.length; i++) {
      this.connect(this.center(this.rooms[i - 1]), this.center(this.rooms[i]));
    }
    this.level.set(this.center(this.rooms[this.rooms.length - 1]), '>');
    return this.level;
  }

  randomRoom() {
    const width = this.random.between(4, 10);
    const height = this.random.between(3, 6);
    return {
      x: this.random.between(1, this.level.width - width - 1),
      y: this.random.between(1, this.level.height - height - 1),
      width,
      height,
    };
  }

  overlaps(a, b) {
    return (
      a.x <= b.x + b.width &&
      b.x <= a.x + a.width &&
      a.y <= b.y + b.height &&
      b.y <= a.y + a.height
    );
  }

  dig(room) {
    for (let y = room.y; y < room.y + room.height; y++) {
      for (let x = room.x; x < room.x + room.width; x++) {
        this.level.set({ x, y }, '.');
      }
    }
  }

  center(room) {
    return {
      x: room.x + Math.floor(room.width / 2),
      y: room.y + Math.floor(room.height / 2),
    };
  }

  /** A corridor with one bend. */
  connect(from, to) {
    const bend = this.random.chance(50) ? { x: to.x, y: from.y } : { x: from.x, y: to.y };
    for (const point of [...line(from, bend), ...line(bend, to)]) {
      this.level.set(point, '.');
    }
  }
}

// ---------------------------------------------------------------------
// Sight
// ---------------------------------------------------------------------

/** Whether nothing stands between two points. */
function canSee(level, from, to) {
  return line(from, to)
    .slice(1, -1)
    .every((point) => level.isTransparent(point));
}

/** Marks what an actor sees from a point, and returns those points. */
function look(level, from, radius) {
  const visible = [];
  for (let y = from.y - radius; y <= from.y + radius; y++) {
    for (let x = from.x - radius; x <= from.x + radius; x++) {
      const point = { x, y };
      if (level.contains(point) && canSee(level, from, point)) {
        level.seen.add(level.index(point));
        visible.push(point);
      }
    }
  }
  return visible;
}

// ---------------------------------------------------------------------
// Path finding
// ---------------------------------------------------------------------

function reconstruct(level, cameFrom, goal) {
  const path = [goal];
  let key = level.index(goal);
  while (cameFrom.has(key)) {
    const previous = cameFrom.get(key);
    path.unshift(previous);
    key = level.index(previous);
  }
  return path;
}

/** Breadth-first search; the path has both ends, or is null. */
function findPath(level, start, goal, isBlocked = () => false) {
  const cameFrom = new Map();
  const visited = new Set([level.index(start)]);
  const queue = [start];
  while (queue.length > 0) {
    const current = queue.shift();
    if (samePoint(current, goal)) {
      return reconstruct(level, cameFrom, goal);
    }
    for (const direction of Object.values(DIRECTIONS)) {
      const next = step(current, direction);
      const key = level.index(next);
      if (visited.has(key) || !level.isWalkable(next)) {
        continue;
      }
      if (isBlocked(next) && !samePoint(next, goal)) {
        continue;
      }
      visited.add(key);
      cameFrom.set(key, current);
      queue.push(next);
    }
  }
  return null;
}

// ---------------------------------------------------------------------
// Items
// ---------------------------------------------------------------------

const ITEM_TYPES = {
  dagger: { slot: 'hand', damage: '1d4', weight: 1 },
  sword: { slot: 'hand', damage: '1d8', weight: 3 },
  shield: { slot: 'arm', armor: 1, weight: 4 },
  mail: { slot: 'body', armor: 3, weight: 10 },
  potion: { heals: '2d4', weight: 1 },
  coin: { weight: 0 },
};

class Item {
  constructor(type, count = 1) {
    if (!(type in ITEM_TYPES)) {
      throw new RangeError(`unknown item ${type}`);
    }
    this.type = type;
    this.count = count;
  }

  get data() {
    return ITEM_TYPES[this.type];
  }

  get weight() {
    return this.data.weight * this.count;
  }

  describe() {
    return this.count === 1 ? `a ${this.type}` : `${this.count} ${this.type}s`;
  }
}

class Backpack {
  constructor(limit = 30) {
    this.limit = limit;
    this.items = [];
  }

  get weight() {
    return this.items.reduce((sum, item) => sum + item.weight, 0);
  }

  /** Equal items are stacked; returns false when it gets too heavy. */
  add(item) {
    if (this.weight + item.weight > this.limit) {
      return false;
    }
    const stack = this.items.find((other) => other.type === item.type);
    if (stack) {
      stack.count += item.count;
    } else {
      this.items.push(item);
    }
    return true;
  }

  take(type) {
    const stack = this.items.find((item) => item.type === type);
    if (!stack) {
      return null;
    }
    stack.count -= 1;
    if (stack.count === 0) {
      this.items.splice(this.items.indexOf(stack), 1);
    }
    return new Item(type);
  }

  has(type) {
    return this.items.some((item) => item.type === type);
  }

  describe() {
    return this.items.map((item) => item.describe()).join(', ') || 'nothing';
  }
}

// ---------------------------------------------------------------------
// Actors
// ---------------------------------------------------------------------

class Actor {
  constructor(name, position, health) {
    this.name = name;
    this.position = position;
    this.health = health;
    this.maxHealth = health;
  }

  get isAlive() {
    return this.health > 0;
  }

  get armor() {
    return 0;
  }

  get damage() {
    return '1d3';
  }

  hurt(points) {
    this.health = Math.max(0, this.health - points);
  }

  heal(points) {
    this.health = Math.min(this.maxHealth, this.health + points);
  }

  describe() {
    return `${this.name} (${this.health}/${this.maxHealth})`;
  }
}

class Hero extends Actor {
  constructor(position) {
    super('you', position, 20);
    this.backpack = new Backpack();
    this.worn = {};
    this.experience = 0;
    this.sight = 7;
  }

  get level() {
    return 1 + Math.floor(Math.sqrt(this.experience / 20));
  }

  get armor() {
    return Object.values(this.worn).reduce((sum, item) => sum + (item.data.armor ?? 0), 0);
  }

  get damage() {
    return this.worn.hand ? this.worn.hand.data.damage : super.damage;
  }

  /** Put an item on; what was in its place goes to the backpack. */
  wear(type) {
    const { slot } = ITEM_TYPES[type];
    if (!slot) {
      return `you cannot wear a ${type}`;
    }
    const item = this.backpack.take(type);
    if (!item) {
      return `you have no ${type}`;
    }
    if (this.worn[slot]) {
      this.backpack.add(this.worn[slot]);
    }
    this.worn[slot] = item;
    return `you put on the ${type}`;
  }

  drink(random) {
    const potion = this.backpack.take('potion');
    if (!potion) {
      return 'you have nothing to drink';
    }
    const points = random.roll(potion.data.heals);
    this.heal(points);
    return `you feel better by ${points}`;
  }
}

const MONSTERS = {
  rat: { health: 3, damage: '1d2', armor: 0, value: 2, mind: 'coward' },
  goblin: { health: 7, damage: '1d6', armor: 1, value: 6, mind: 'hunter' },
  ogre: { health: 18, damage: '2d6', armor: 2, value: 20, mind: 'hunter' },
  statue: { health: 30, damage: '1d10', armor: 4, value: 15, mind: 'guard' },
};

class Monster extends Actor {
  constructor(kind, position) {
    super(`the ${kind}`, position, MONSTERS[kind].health);
    this.kind = kind;
    this.awake = false;
  }

  get armor() {
    return MONSTERS[this.kind].armor;
  }

  get damage() {
    return MONSTERS[this.kind].damage;
  }

  get value() {
    return MONSTERS[this.kind].value;
  }
}

// ---------------------------------------------------------------------
// Combat
// ---------------------------------------------------------------------

/** One blow; returns what happened as a sentence. */
function attack(attacker, target, random) {
  if (!random.chance(75)) {
    return `${attacker.name} missed ${target.name}`;
  }
  const points = Math.max(1, random.roll(attacker.damage) - target.armor);
  target.hurt(points);
  if (!target.isAlive) {
    return `${attacker.name} killed ${target.name}`;
  }
  return `${attacker.name} hit ${target.name} for ${points}`;
}

// ---------------------------------------------------------------------
// The minds of the monsters
// ---------------------------------------------------------------------

const MINDS = {
  /** Runs away once it is hurt. */
  coward(monster, game) {
    if (monster.health === monster.maxHealth) {
      return MINDS.hunter(monster, game);
    }
    return moveAway(monster, game);
  },

  /** Follows the hero wherever it sees a way. */
  hunter(monster, game) {
    if (distance(monster.position, game.hero.position) === 1) {
      game.say(attack(monster, game.hero, game.random));
      return true;
    }
    return moveTowards(monster, game);
  },

  /** Never leaves its place. */
  guard(monster, game) {
    if (distance(monster.position, game.hero.position) > 1) {
      return false;
    }
    game.say(attack(monster, game.hero, game.random));
    return true;
  },
};

function moveTowards(monster, game) {
  const blocked = (point) => game.monsterAt(point) !== undefined;
  const path = findPath(game.level, monster.position, game.hero.position, blocked);
  if (!path || path.length < 3) {
    return false;
  }
  monster.position = path[1];
  return true;
}

function moveAway(monster, game) {
  const options = Object.values(DIRECTIONS)
    .map((direction) => step(monster.position, direction))
    .filter((point) => game.isFree(point));
  options.sort((a, b) => distance(b, game.hero.position) - distance(a, game.hero.position));
  if (options.length === 0) {
    return false;
  }
  monster.position = options[0];
  return true;
}

// ---------------------------------------------------------------------
// The game
// ---------------------------------------------------------------------

class Game {
  constructor(seed, level = null) {
    this.seed = seed;
    this.random = new Random(seed);
    this.depth = 1;
    this.turn = 0;
    this.messages = [];
    this.monsters = [];
    this.floor = [];
    this.over = false;
    this.level = level ?? new LevelBuilder(this.random).build();
    this.hero = new Hero(this.randomFloor());
    this.populate();
    look(this.level, this.hero.position, this.hero.sight);
  }

  say(message) {
    this.messages.push({ turn: this.turn, message });
  }

  // -- what is where ------------------------------------------------

  monsterAt(point) {
    return this.monsters.find((monster) => samePoint(monster.position, point));
  }

  itemsAt(point) {
    return this.floor.filter((entry) => samePoint(entry.position, point));
  }

  isFree(point) {
    return (
      this.level.isWalkable(point) &&
      !this.monsterAt(point) &&
      !samePoint(point, this.hero.position)
    );
  }

  randomFloor() {
    for (;;) {
      const point = {
        x: this.random.between(0, this.level.width - 1),
        y: this.random.between(0, this.level.height - 1),
      };
      if (this.level.get(point) === '.' && !this.monsterAt(point)) {
        return point;
      }
    }
  }

  /** Monsters and treasure; deeper levels have more of both. */
  populate() {
    const kinds = Object.keys(MONSTERS).slice(0, 1 + this.depth);
    for (let i = 0; i < 2 + this.depth; i++) {
      this.monsters.push(new Monster(this.random.pick(kinds), this.randomFloor()));
    }
    for (let i = 0; i < 4; i++) {
      const type = this.random.pick(Object.keys(ITEM_TYPES));
      this.floor.push({ item: new Item(type), position: this.randomFloor() });
    }
  }

  // -- commands -----------------------------------------------------

  /** Carry out one command of the player, then let the others act. */
  command(name, argument) {
    if (this.over) {
      return false;
    }
    const tookTime = this.perform(name, argument);
    if (tookTime) {
      this.endTurn();
    }
    return tookTime;
  }

  perform(name, argument) {
    switch (name) {
      case 'move':
        return this.move(argument);
      case 'get':
        return this.pickUp();
      case 'wear':
        this.say(this.hero.wear(argument));
        return true;
      case 'drink':
        this.say(this.hero.drink(this.random));
        return true;
      case 'descend':
        return this.descend();
      case 'wait':
        return true;
      default:
        this.say(`you do not know how to ${name}`);
        return false;
    }
  }

  move(direction) {
    const target = step(this.hero.position, DIRECTIONS[direction]);
    const monster = this.monsterAt(target);
    if (monster) {
      this.fight(monster);
      return true;
    }
    if (!this.level.isWalkable(target)) {
      return false;
    }
    this.hero.position = target;
    return true;
  }

  fight(monster) {
    monster.awake = true;
    this.say(attack(this.hero, monster, this.random));
    if (!monster.isAlive) {
      this.hero.experience += monster.value;
      this.monsters = this.monsters.filter((other) => other !== monster);
    }
  }

  pickUp() {
    const [entry] = this.itemsAt(this.hero.position);
    if (!entry) {
      this.say('there is nothing here');
      return false;
    }
    if (!this.hero.backpack.add(entry.item)) {
      this.say('your backpack is too heavy');
      return false;
    }
    this.floor = this.floor.filter((other) => other !== entry);
    this.say(`you took ${entry.item.describe()}`);
    return true;
  }

  descend() {
    if (this.level.get(this.hero.position) !== '>') {
      this.say('there are no stairs here');
      return false;
    }
    this.depth += 1;
    this.monsters = [];
    this.floor = [];
    this.level = new LevelBuilder(this.random).build();
    this.hero.position = this.randomFloor();
    this.populate();
    return true;
  }

  endTurn() {
    this.turn += 1;
    look(this.level, this.hero.position, this.hero.sight);
    for (const monster of this.monsters) {
      if (!monster.awake) {
        monster.awake = canSee(this.level, monster.position, this.hero.position);
        continue;
      }
      MINDS[MONSTERS[monster.kind].mind](monster, this);
    }
    if (!this.hero.isAlive) {
      this.over = true;
      this.say('you died');
    }
  }
}

// ---------------------------------------------------------------------
// Saving and loading
// ---------------------------------------------------------------------

function saveItem(item) {
  return [item.type, item.count];
}

function save(game) {
  return JSON.stringify({
    seed: game.seed,
    random: game.random.state,
    depth: game.depth,
    turn: game.turn,
    level: game.level.toString(),
    hero: {
      position: game.hero.position,
      health: game.hero.health,
      experience: game.hero.experience,
      backpack: game.hero.backpack.items.map(saveItem),
    },
    monsters: game.monsters.map(({ kind, position, health }) => ({ kind, position, health })),
    floor: game.floor.map(({ item, position }) => ({ item: saveItem(item), position })),
  });
}

function load(text) {
  const data = JSON.parse(text);
  const game = new Game(data.seed, Level.parse(data.level));
  game.random.state = data.random;
  game.depth = data.depth;
  game.turn = data.turn;
  game.hero.position = data.hero.position;
  game.hero.health = data.hero.health;
  game.hero.experience = data.hero.experience;
  game.hero.backpack.items = data.hero.backpack.map(([type, count]) => new Item(type, count));
  game.monsters = data.monsters.map(({ kind, position, health }) => {
    const monster = new Monster(kind, position);
    monster.health = health;
    return monster;
  });
  game.floor = data.floor.map(({ item, position }) => ({ item: new Item(...item), position }));
  return game;
}

module.exports = { Game, Level, LevelBuilder, Random, findPath, canSee, line, save, load };
