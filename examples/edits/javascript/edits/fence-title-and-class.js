// ... existing code ...

function readFence(reader) {
  const [, language, title = ''] = /^`{3,}\s*(\S*)\s*(.*)$/.exec(reader.next());
  const lines = reader.takeWhile((line) => !isFence(line));
  reader.next();
  return { type: 'code', language, title, text: lines.join('\n') };
}

// ... existing code ...

function renderBlock(block) {
  switch (block.type) {
    case 'heading':
      return `<h${block.level}>${renderInline(block.text)}</h${block.level}>`;
    case 'code':
      return `<pre title="${escapeHtml(block.title)}"><code>${escapeHtml(block.text)}</code></pre>`;
    case 'quote':
      return `<blockquote>${block.blocks.map(renderBlock).join('\n')}</blockquote>`;
    // ... existing code ...
    default:
      throw new TypeError(`unknown block ${block.type}`);
  }
}

// ... existing code ...
