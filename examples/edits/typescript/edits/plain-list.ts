private list(ordered: boolean, items: Block[][]): string {
  const digits = String(items.length).length;
  return items
    .map((item, i) => {
      const bullet = ordered ? `${String(i + 1).padStart(digits)}. ` : "* ";
      return bullet + this.render(item).replace(/\n/g, "\n" + " ".repeat(bullet.length));
    })
    .join("\n");
}
