import React from "react";

export type BadgeTone = "info" | "success" | "danger";

interface BadgeProps {
  tone?: BadgeTone;
  count: number;
  label: string;
}

const TONE_CLASS: Record<BadgeTone, string> = {
  info: "badge--blue",
  success: "badge--green",
  danger: "badge--red",
};

/** Shows "99+" for large numbers. */
function formatCount(count: number): string {
  return count > 99 ? "99+" : String(count);
}

/** A small coloured counter, e.g. next to a menu entry. */
export function Badge({ tone = "info", count, label }: BadgeProps) {
  return (
    <span className={`badge ${TONE_CLASS[tone]}`}>
      {label}: <b>{formatCount(count)}</b>
    </span>
  );
}

/** Same as Badge, but it's hidden while there is nothing to count. */
export function OptionalBadge(props: BadgeProps) {
  if (props.count === 0) {
    return null;
  }
  return <Badge {...props} />;
}
