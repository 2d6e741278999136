reset(): void {
  this.items.length = 0;
}
