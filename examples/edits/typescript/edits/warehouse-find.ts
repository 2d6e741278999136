  find(sku: Sku, since: Date, kind?: MovementKind): Movement[] {
    return this.history.filter(
      (m) => m.sku === sku && m.at >= since && (kind === undefined || m.kind === kind),
    );
  }
