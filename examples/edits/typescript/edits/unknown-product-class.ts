export class UnknownProductError extends Error {
  constructor(
    readonly sku: Sku,
    readonly suggestion?: Sku,
  ) {
    super(`unknown product {${sku}}`);
    this.name = "UnknownProductError";
  }
}
