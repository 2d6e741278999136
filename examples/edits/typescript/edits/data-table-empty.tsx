export function DataTable<Row extends object>({
  rows,
  columns,
  pageSize = 20,
  rowKey,
  onSelect,
}: DataTableProps<Row>) {
  const [sort, setSort] = useState<SortState | null>(null);
  // ... existing code ...
      <SearchBox value={text} onChange={setText} />
      {shown.length === 0 && <p className="empty">No rows match "{query}".</p>}
      <table>
        <thead>
  // ... existing code ...
      <Pager page={page} pageCount={pageCount} onChange={setPage} />
    </div>
  );
}
