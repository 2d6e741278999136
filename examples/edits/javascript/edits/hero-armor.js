get armor() {
  const worn = Object.values(this.worn);
  return worn.reduce((sum, item) => sum + (item.data.armor ?? 0), this.level - 1);
}
