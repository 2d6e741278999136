'use strict';

/*
 * A small Markdown dialect for comments: headings, lists, quotes, code
 * blocks, paragraphs, and emphasis, code and links inside of a line.
 *
 * Two passes: `parseBlocks` cuts the text into blocks, `renderBlock` makes
 * HTML of each. There is no raw HTML, everything is escaped.
 */

const ESCAPES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeHtml(text) {
  return text.replace(/[&<>"]/g, (char) => ESCAPES[char]);
}

// ---------------------------------------------------------------------
// Blocks
// ---------------------------------------------------------------------

class LineReader {
  constructor(text) {
    this.lines = text.replace(/\r\n?/g, '\n').split('\n');
    this.index = 0;
  }

  get done() {
    return this.index >= this.lines.length;
  }

  peek() {
    return this.lines[this.index];
  }

  next() {
    return this.lines[this.index++];
  }

  /** Take lines while the test holds. */
  takeWhile(test) {
    const taken = [];
    while (!this.done && test(this.peek())) {
      taken.push(this.next());
    }
    return taken;
  }
}

const isBlank = (line) => line.trim() === '';
const isBullet = (line) => /^\s*[-*] /.test(line);
const isNumbered = (line) => /^\s*\d+[.)] /.test(line);
const isQuote = (line) => line.startsWith('>');
const isFence = (line) => line.startsWith('```');
const isHeading = (line) => /^#{1,6} /.test(line);

function startsBlock(line) {
  return isBullet(line) || isNumbered(line) || isQuote(line) || isFence(line) || isHeading(line);
}

function readHeading(reader) {
  const [, marks, text] = /^(#{1,6}) (.*)$/.exec(reader.next());
  return { type: 'heading', level: marks.length, text: text.trim() };
}

function readFence(reader) {
  const language = reader.next().slice(3).trim();
  const lines = reader.takeWhile((line) => !isFence(line));
  reader.next();
  return { type: 'code', language, text: lines.join('\n') };
}

function readQuote(reader) {
  const lines = reader.takeWhile(isQuote).map((line) => line.replace(/^> ?/, ''));
  return { type: 'quote', blocks: parseBlocks(lines.join('\n')) };
}

function readList(reader, isItem, type) {
  const items = [];
  while (!reader.done && isItem(reader.peek())) {
    const first = reader.next().replace(/^\s*([-*]|\d+[.)]) /, '');
    // Indented lines below belong to the item.
    const rest = reader.takeWhile((line) => /^\s{2,}\S/.test(line) && !isItem(line));
    items.push([first, ...rest.map((line) => line.trim())].join(' '));
  }
  return { type, items };
}

function readParagraph(reader) {
  const lines = [reader.next()];
  lines.push(...reader.takeWhile((line) => !isBlank(line) && !startsBlock(line)));
  return { type: 'paragraph', text: lines.map((line) => line.trim()).join('\n') };
}

/** Cut the text into a list of blocks. */
function parseBlocks(text) {
  const reader = new LineReader(text);
  const blocks = [];
  while (!reader.done) {
    const line = reader.peek();
    if (isBlank(line)) {
      reader.next();
    } else if (isHeading(line)) {
      blocks.push(readHeading(reader));
    } else if (isFence(line)) {
      blocks.push(readFence(reader));
    } else if (isQuote(line)) {
      blocks.push(readQuote(reader));
    } else if (isBullet(line)) {
      blocks.push(readList(reader, isBullet, 'bullets'));
    } else if (isNumbered(line)) {
      blocks.push(readList(reader, isNumbered, 'numbers'));
    } else {
      blocks.push(readParagraph(reader));
    }
  }
  return blocks;
}

// ---------------------------------------------------------------------
// Inside of a line
// ---------------------------------------------------------------------

function renderLink(label, target) {
  const safe = /^(https?:|mailto:|\/|#)/i.test(target) ? target : '#';
  const rel = safe.startsWith('http') ? ' rel="nofollow"' : '';
  return `<a href="${escapeHtml(safe)}"${rel}>${renderInline(label)}</a>`;
}

const INLINE_RULES = [
  { pattern: /^`([^`]+)`/, render: (m) => `<code>${escapeHtml(m[1])}</code>` },
  { pattern: /^\*\*(.+?)\*\*/, render: (m) => `<strong>${renderInline(m[1])}</strong>` },
  { pattern: /^\*(.+?)\*/, render: (m) => `<em>${renderInline(m[1])}</em>` },
  { pattern: /^\[([^\]]+)\]\(([^)\s]+)\)/, render: (m) => renderLink(m[1], m[2]) },
];

/** Emphasis, code and links; the rest is escaped. */
function renderInline(text) {
  let html = '';
  let rest = text;
  outer: while (rest) {
    for (const { pattern, render } of INLINE_RULES) {
      const match = pattern.exec(rest);
      if (match) {
        html += render(match);
        rest = rest.slice(match[0].length);
        continue outer;
      }
    }
    html += escapeHtml(rest[0]);
    rest = rest.slice(1);
  }
  return html;
}

// ---------------------------------------------------------------------
// Output
// ---------------------------------------------------------------------

function renderItems(tag, items) {
  const inner = items.map((item) => `<li>${renderInline(item)}</li>`).join('');
  return `<${tag}>${inner}</${tag}>`;
}

function renderBlock(block) {
  switch (block.type) {
    case 'heading':
      return `<h${block.level}>${renderInline(block.text)}</h${block.level}>`;
    case 'code':
      return `<pre><code>${escapeHtml(block.text)}</code></pre>`;
    case 'quote':
      return `<blockquote>${block.blocks.map(renderBlock).join('\n')}</blockquote>`;
    case 'bullets':
      return renderItems('ul', block.items);
    case 'numbers':
      return renderItems('ol', block.items);
    case 'paragraph':
      return `<p>${renderInline(block.text)}</p>`;
    default:
      throw new TypeError(`unknown block ${block.type}`);
  }
}

function render(text) {
  return parseBlocks(text).map(renderBlock).join('\n');
}

/** The text of a block without any marks, for search and previews. */
function plainText(block) {
  switch (block.type) {
    case 'quote':
      return block.blocks.map(plainText).join('\n');
    case 'bullets':
    case 'numbers':
      return block.items.join('\n');
    default:
      return block.text;
  }
}

/** The headings of a text, for a table of contents. */
function outline(text) {
  return parseBlocks(text)
    .filter((block) => block.type === 'heading')
    .map(({ level, text: title }) => ({ level, title }));
}

module.exports = { render, outline, plainText, parseBlocks, renderInline, escapeHtml };
