export function Pager({ page, pageCount, onChange }: PagerProps) {
  return (
    <nav className="pager" aria-label="Table pages">
      <button disabled={page === 0} onClick={() => onChange(0)}>
        First
      </button>
      <button disabled={page === 0} onClick={() => onChange(page - 1)}>
        Previous
      </button>
      <span aria-live="polite">
        Page {page + 1} of {pageCount}
      </span>
      <button disabled={page >= pageCount - 1} onClick={() => onChange(page + 1)}>
        Next
      </button>
    </nav>
  );
}
