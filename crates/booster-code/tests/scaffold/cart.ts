export function total(items: number[], rate?: number): number {
  return items.length;
}
