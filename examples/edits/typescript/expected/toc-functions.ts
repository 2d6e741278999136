/**
 * A small Markdown dialect: headings, paragraphs, lists, quotes, code
 * fences, rules and the usual inline marks. The work is done in three steps:
 *
 *   1. `BlockParser` cuts the text into blocks,
 *   2. `parseInline` cuts the text of a block into spans,
 *   3. a `Renderer` turns both into the output.
 */

export type Span =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "strong"; children: Span[] }
  | { kind: "emphasis"; children: Span[] }
  | { kind: "link"; href: string; children: Span[] };

export type Block =
  | { kind: "heading"; level: number; spans: Span[] }
  | { kind: "paragraph"; spans: Span[] }
  | { kind: "quote"; blocks: Block[] }
  | { kind: "list"; ordered: boolean; items: Block[][] }
  | { kind: "code"; language: string; text: string }
  | { kind: "rule" };

export interface Renderer {
  block(block: Block): string;
  span(span: Span): string;
}

export interface TocEntry {
  level: number;
  title: string;
  anchor: string;
}

// ---------------------------------------------------------------------
// Helpers
// ---------------------------------------------------------------------

const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/;
const FENCE = /^(`{3,}|~{3,})\s*([\w+-]*)\s*$/;
const RULE = /^(?:-{3,}|\*{3,}|_{3,})$/;
const BULLET = /^(\s*)[-*+]\s+(.*)$/;
const NUMBERED = /^(\s*)\d+[.)]\s+(.*)$/;
const QUOTE = /^>\s?(.*)$/;

const HTML_ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

/** Makes text safe for HTML content and attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (char) => HTML_ENTITIES[char] ?? char);
}

/** Tabs count as four spaces; line ends are normalised. */
export function normalize(source: string): string[] {
  return source.replace(/\r\n?/g, "\n").replace(/\t/g, "    ").split("\n");
}

function isBlank(line: string): boolean {
  return line.trim() === "";
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

/** The anchor of a heading, e.g. "Getting started" -> "getting-started". */
export function anchorFor(title: string): string {
  const anchor = title
    .toLowerCase()
    .replace(/[^\w\s-]/g, "")
    .trim()
    .replace(/\s+/g, "-");
  return anchor || "section";
}

// ---------------------------------------------------------------------
// Inline spans
// ---------------------------------------------------------------------

/** Finds the closing mark, skipping escaped characters. */
function findClosing(text: string, mark: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    if (text[i] === "\\") {
      i++;
      continue;
    }
    if (text.startsWith(mark, i)) {
      return i;
    }
  }
  return -1;
}

/** Only these schemes may be used in links. */
function isSafeHref(href: string): boolean {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(href);
  if (!scheme) {
    return true;
  }
  return ["http", "https", "mailto"].includes(scheme[1].toLowerCase());
}

export function parseInline(text: string): Span[] {
  const spans: Span[] = [];
  let plain = "";

  const flush = () => {
    if (plain !== "") {
      spans.push({ kind: "text", text: plain });
      plain = "";
    }
  };

  let i = 0;
  while (i < text.length) {
    const char = text[i];

    if (char === "\\" && i + 1 < text.length) {
      plain += text[i + 1];
      i += 2;
      continue;
    }

    if (char === "`") {
      const end = text.indexOf("`", i + 1);
      if (end > i) {
        flush();
        spans.push({ kind: "code", text: text.slice(i + 1, end) });
        i = end + 1;
        continue;
      }
    }

    if (text.startsWith("**", i)) {
      const end = findClosing(text, "**", i + 2);
      if (end > i + 2) {
        flush();
        spans.push({ kind: "strong", children: parseInline(text.slice(i + 2, end)) });
        i = end + 2;
        continue;
      }
    }

    if (char === "*" || char === "_") {
      const end = findClosing(text, char, i + 1);
      if (end > i + 1) {
        flush();
        spans.push({ kind: "emphasis", children: parseInline(text.slice(i + 1, end)) });
        i = end + 1;
        continue;
      }
    }

    if (char === "[") {
      const link = parseLink(text, i);
      if (link) {
        flush();
        spans.push(link.span);
        i = link.end;
        continue;
      }
    }

    plain += char;
    i++;
  }

  flush();
  return spans;
}

/** Reads `[label](href)` at the given position. */
function parseLink(text: string, start: number): { span: Span; end: number } | null {
  const labelEnd = findClosing(text, "]", start + 1);
  if (labelEnd < 0 || text[labelEnd + 1] !== "(") {
    return null;
  }
  const hrefEnd = text.indexOf(")", labelEnd + 2);
  if (hrefEnd < 0) {
    return null;
  }
  const href = text.slice(labelEnd + 2, hrefEnd).trim();
  if (!isSafeHref(href)) {
    return null;
  }
  const children = parseInline(text.slice(start + 1, labelEnd));
  return { span: { kind: "link", href, children }, end: hrefEnd + 1 };
}

/** The text of spans without any marks. */
export function plainText(spans: Span[]): string {
  return spans
    .map((span) => {
      switch (span.kind) {
        case "text":
        case "code":
          return span.text;
        default:
          return plainText(span.children);
      }
    })
    .join("");
}

// ---------------------------------------------------------------------
// Blocks
// ---------------------------------------------------------------------

/** Cuts lines into blocks. One instance parses one text. */
export class BlockParser {
  private pos = 0;

  constructor(private readonly lines: string[]) {}

  parse(): Block[] {
    const blocks: Block[] = [];
    while (this.pos < this.lines.length) {
      if (isBlank(this.lines[this.pos])) {
        this.pos++;
        continue;
      }
      blocks.push(this.next());
    }
    return blocks;
  }

  private next(): Block {
    const line = this.lines[this.pos];
    const fence = FENCE.exec(line);
    if (fence) {
      return this.codeFence(fence[1], fence[2]);
    }
    const heading = HEADING.exec(line);
    if (heading) {
      this.pos++;
      return { kind: "heading", level: heading[1].length, spans: parseInline(heading[2]) };
    }
    if (RULE.test(line.trim())) {
      this.pos++;
      return { kind: "rule" };
    }
    if (QUOTE.test(line)) {
      return this.quote();
    }
    if (BULLET.test(line)) {
      return this.list(false);
    }
    if (NUMBERED.test(line)) {
      return this.list(true);
    }
    return this.paragraph();
  }

  /** Everything up to the closing fence; a missing one means "to the end". */
  private codeFence(mark: string, language: string): Block {
    const body: string[] = [];
    this.pos++;
    while (this.pos < this.lines.length) {
      const line = this.lines[this.pos++];
      if (line.trim() === mark) {
        break;
      }
      body.push(line);
    }
    return { kind: "code", language, text: body.join("\n") };
  }

  private quote(): Block {
    const inner: string[] = [];
    while (this.pos < this.lines.length) {
      const match = QUOTE.exec(this.lines[this.pos]);
      if (!match) {
        break;
      }
      inner.push(match[1]);
      this.pos++;
    }
    return { kind: "quote", blocks: new BlockParser(inner).parse() };
  }

  private list(ordered: boolean): Block {
    const pattern = ordered ? NUMBERED : BULLET;
    const items: Block[][] = [];
    const first = pattern.exec(this.lines[this.pos]) as RegExpExecArray;
    const indent = first[1].length;

    while (this.pos < this.lines.length) {
      const match = pattern.exec(this.lines[this.pos]);
      if (!match || match[1].length !== indent) {
        break;
      }
      this.pos++;
      const body = [match[2]];
      // Deeper lines belong to this item.
      while (this.pos < this.lines.length) {
        const line = this.lines[this.pos];
        if (isBlank(line) || indentOf(line) <= indent) {
          break;
        }
        body.push(line.slice(indent + 2));
        this.pos++;
      }
      items.push(new BlockParser(body).parse());
    }
    return { kind: "list", ordered, items };
  }

  private paragraph(): Block {
    const words: string[] = [];
    while (this.pos < this.lines.length && !this.interrupts(this.lines[this.pos])) {
      words.push(this.lines[this.pos].trim());
      this.pos++;
    }
    return { kind: "paragraph", spans: parseInline(words.join(" ")) };
  }

  /** True if a paragraph ends before this line. */
  private interrupts(line: string): boolean {
    return isBlank(line) || HEADING.test(line) || FENCE.test(line) || QUOTE.test(line);
  }
}

/** Text in, blocks out. */
export function parse(source: string): Block[] {
  return new BlockParser(normalize(source)).parse();
}

// ---------------------------------------------------------------------
// Renderers
// ---------------------------------------------------------------------

export class HtmlRenderer implements Renderer {
  constructor(private readonly options: { anchors: boolean } = { anchors: true }) {}

  render(blocks: Block[]): string {
    return blocks.map((block) => this.block(block)).join("\n");
  }

  block(block: Block): string {
    switch (block.kind) {
      case "heading":
        return this.heading(block.level, block.spans);
      case "paragraph":
        return `<p>${this.spans(block.spans)}</p>`;
      case "quote":
        return `<blockquote>\n${this.render(block.blocks)}\n</blockquote>`;
      case "list":
        return this.list(block.ordered, block.items);
      case "code":
        return this.code(block.language, block.text);
      case "rule":
        return "<hr>";
    }
  }

  span(span: Span): string {
    switch (span.kind) {
      case "text":
        return escapeHtml(span.text);
      case "code":
        return `<code>${escapeHtml(span.text)}</code>`;
      case "strong":
        return `<strong>${this.spans(span.children)}</strong>`;
      case "emphasis":
        return `<em>${this.spans(span.children)}</em>`;
      case "link":
        return `<a href="${escapeHtml(span.href)}">${this.spans(span.children)}</a>`;
    }
  }

  private spans(spans: Span[]): string {
    return spans.map((span) => this.span(span)).join("");
  }

  private heading(level: number, spans: Span[]): string {
    const id = this.options.anchors ? ` id="${anchorFor(plainText(spans))}"` : "";
    return `<h${level}${id}>${this.spans(spans)}</h${level}>`;
  }

  private list(ordered: boolean, items: Block[][]): string {
    const tag = ordered ? "ol" : "ul";
    const body = items.map((item) => `<li>${this.render(item)}</li>`).join("\n");
    return `<${tag}>\n${body}\n</${tag}>`;
  }

  private code(language: string, text: string): string {
    const attribute = language ? ` class="language-${language}"` : "";
    return `<pre><code${attribute}>${escapeHtml(text)}</code></pre>`;
  }
}

/** Output for terminals and mails: no marks, wrapped lines. */
export class PlainRenderer implements Renderer {
  constructor(private readonly width = 72) {}

  render(blocks: Block[]): string {
    return blocks.map((block) => this.block(block)).join("\n\n");
  }

  block(block: Block): string {
    switch (block.kind) {
      case "heading": {
        const title = plainText(block.spans);
        const line = block.level === 1 ? "=" : "-";
        return `${title}\n${line.repeat(title.length)}`;
      }
      case "paragraph":
        return wrap(plainText(block.spans), this.width);
      case "quote":
        return this.prefixed(this.render(block.blocks), "| ");
      case "list":
        return this.list(block.ordered, block.items);
      case "code":
        return this.prefixed(block.text, "    ");
      case "rule":
        return "-".repeat(this.width);
    }
  }

  span(span: Span): string {
    return plainText([span]);
  }

  private list(ordered: boolean, items: Block[][]): string {
    return items
      .map((item, i) => {
        const bullet = ordered ? `${i + 1}. ` : "* ";
        return bullet + this.render(item).replace(/\n/g, "\n" + " ".repeat(bullet.length));
      })
      .join("\n");
  }

  private prefixed(text: string, prefix: string): string {
    return text
      .split("\n")
      .map((line) => prefix + line)
      .join("\n");
  }
}

/** Breaks a text into lines no longer than `width`, between words. */
export function wrap(text: string, width: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines.join("\n");
}

// ---------------------------------------------------------------------
// Table of contents
// ---------------------------------------------------------------------

export function tableOfContents(blocks: Block[], maxLevel = 3): TocEntry[] {
  const entries: TocEntry[] = [];
  for (const block of blocks) {
    if (block.kind !== "heading" || block.level > maxLevel) {
      continue;
    }
    const title = plainText(block.spans);
    entries.push({ level: block.level, title, anchor: anchorFor(title) });
  }
  return entries;
}

/** The table of contents as a nested Markdown list. */
export function renderToc(entries: TocEntry[]): string {
  if (entries.length === 0) {
    return "";
  }
  const top = Math.min(...entries.map((entry) => entry.level));
  return entries
    .map((entry) => `${"  ".repeat(entry.level - top)}- [${entry.title}](#${entry.anchor})`)
    .join("\n");
}

/** Words in the text, without those in code blocks. */
export function countWords(blocks: Block[]): number {
  let count = 0;
  for (const block of blocks) {
    switch (block.kind) {
      case "heading":
      case "paragraph":
        count += plainText(block.spans).split(/\s+/).filter(Boolean).length;
        break;
      case "quote":
        count += countWords(block.blocks);
        break;
      case "list":
        for (const item of block.items) {
          count += countWords(item);
        }
        break;
    }
  }
  return count;
}

/** Short-cut: Markdown text to HTML text. */
export function toHtml(source: string): string {
  return new HtmlRenderer().render(parse(source));
}
