export interface CartLine {
  sku: string;
  unitPrice: number;
  quantity: number;
  /** Free text from the customer, e.g. for an engraving. */
  remark?: string;
}
