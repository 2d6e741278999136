// ... existing code ...

function EmptyHint() {
  return <p className="hint">Nothing to do. That's great {":-)"}</p>;
}

function AllDoneHint({ count }: { count: number }) {
  return <p className="hint">You've finished all {count} todos.</p>;
}

// ... existing code ...
