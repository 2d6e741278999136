// ... existing code ...

function renderLink(label, target) {
  const safe = /^(https?:|mailto:|\/|#)/i.test(target) ? target : '#';
  const rel = safe.startsWith('http') ? ' rel="nofollow"' : '';
  return `<a href="${escapeHtml(safe)}"${rel}>${renderInline(label)}</a>`;
}

// ... existing code ...
