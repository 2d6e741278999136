'use strict';

// All amounts are integers, in cents.

/** Format cents as '12.34 EUR', with a group mark at thousands. */
function formatCents(cents, currency = 'EUR') {
  const sign = cents < 0 ? '-' : '';
  const abs = Math.abs(cents);
  const whole = String(Math.floor(abs / 100)).replace(/\B(?=(\d{3})+$)/g, ',');
  const rest = String(abs % 100).padStart(2, '0');
  return `${sign}${whole}.${rest} ${currency}`;
}

/** Split an amount into `parts` shares that add up to it again. */
function splitCents(cents, parts) {
  const share = Math.floor(cents / parts);
  const left = cents - share * parts;
  return Array.from({ length: parts }, (_, i) => share + (i < left ? 1 : 0));
}

function addTax(cents, percent) {
  return cents + Math.round((cents * percent) / 100);
}

module.exports = { formatCents, splitCents, addTax };
