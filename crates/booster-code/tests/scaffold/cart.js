export class Cart {
  constructor(items) {
    this.items = items;
  }

  async loadAll(url, retries = 3) {
    return fetch(url);
  }
}

export const parseLine = (text) => {
  return text.split(',');
};

/** Adds. */
export function add(a, b) {
  return a + b;
}
