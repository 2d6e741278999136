  private code(language: string, text: string): string {
    const attribute = language ? ` class="language-${escapeHtml(language)}"` : "";
    const caption = language ? `<figcaption>${escapeHtml(language)}</figcaption>` : "";
    return `<figure>${caption}<pre><code${attribute}>${escapeHtml(text)}</code></pre></figure>`;
  }
