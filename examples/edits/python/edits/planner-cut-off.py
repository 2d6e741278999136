class Planner:
    # ... existing code ...

    def _scan(self, source):
        table = self.database.table(source.table)
        if not table.columns:
            raise QueryError("table without
