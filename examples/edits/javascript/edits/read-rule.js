// ... existing code ...

function readQuote(reader) {
  const lines = reader.takeWhile(isQuote).map((line) => line.replace(/^> ?/, ''));
  return { type: 'quote', blocks: parseBlocks(lines.join('\n')) };
}

function readRule(reader) {
  reader.next();
  return { type: 'rule' };
}

// ... existing code ...
