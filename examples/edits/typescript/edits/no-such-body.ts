export function nextOccurrence(schedule: CronSchedule, after: Date): Date {
  const cursor = startOfMinute(after);
  // ... existing code ...
  if (schedule.timezone !== "UTC") {
    return shiftZone(cursor, schedule.timezone);
  }
  return cursor;
}
