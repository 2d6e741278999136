export function wrap(text: string, width: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (word.length > width) {
      lines.push(line);
      line = "";
    }
    if (line !== "" && line.length + 1
