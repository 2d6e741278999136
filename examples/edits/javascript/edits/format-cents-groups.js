// ... existing code ...

/** Format cents as '12.34 EUR', with a group mark at thousands. */
function formatCents(cents, currency = 'EUR') {
  const sign = cents < 0 ? '-' : '';
  const abs = Math.abs(cents);
  const whole = String(Math.floor(abs / 100)).replace(/\B(?=(\d{3})+$)/g, ',');
  const rest = String(abs % 100).padStart(2, '0');
  return `${sign}${whole}.${rest} ${currency}`;
}

// ... rest of the file ...
