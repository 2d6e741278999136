/** Same as Badge, but hidden while the count is below the limit. */
export function OptionalBadge({ from = 1, ...props }: BadgeProps & { from?: number }) {
  if (props.count < from) {
    return null;
  }
  return <Badge {...props} />;
}
