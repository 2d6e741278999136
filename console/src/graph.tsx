import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { timeOfDay } from "./format";
import { useStore } from "./store";
import { darkness } from "./theme";

export interface Line {
  label: string;
  /** A colour of the style sheet, such as `blue`. */
  tone: string;
  values: (number | null)[];
  fill?: boolean;
}

interface Props {
  title: string;
  /** How much time is shown, up to the last point. */
  minutes: number;
  /** Unix milliseconds. */
  times: number[];
  lines: Line[];
  format: (value: number | null | undefined) => string;
}

const HEIGHT = 150;
/** All graphs show the same moment under the pointer. */
const SYNC = "fleet";

/** Lines over time, with a legend that tells the values under the pointer, else the latest. */
export function Graph({ title, minutes, times, lines, format }: Props) {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const [hovered, setHovered] = useState<number | null>(null);
  const dark = useStore(darkness);
  const data = [times.map((t) => t / 1000), ...lines.map((line) => line.values)] as uPlot.AlignedData;
  const latest = useRef(data);
  latest.current = data;
  const shape = lines.map((line) => `${line.label} ${line.tone}`).join();

  useLayoutEffect(() => {
    const element = holder.current;
    if (!element) return;
    const made = new uPlot(options(element, minutes, lines, format, setHovered), latest.current, element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [shape, minutes, dark]);

  useEffect(() => plot.current?.setData(data), [times, lines]);

  const at = hovered !== null && hovered < times.length ? hovered : times.length - 1;
  const time = times[at];
  const said = lines.map((line) => `${line.label} ${format(line.values[at])}`).join(", ");
  return (
    <section class="panel graph">
      <header>
        <h2>{title}</h2>
        <span class="graph-time">{hovered !== null && time ? timeOfDay(time).slice(0, 8) : ""}</span>
      </header>
      <ul class="legend">
        {lines.map((line) => (
          <li key={line.label}>
            <span class={`swatch ${line.tone}`} />
            {line.label} <b>{format(line.values[at])}</b>
          </li>
        ))}
      </ul>
      <div ref={holder} class="plot" role="img" aria-label={times.length > 0 ? `${title}: now ${said}` : `${title}: no data yet`} />
      {times.length === 0 && <p class="plot-empty">No data yet</p>}
    </section>
  );
}

function options(
  element: HTMLElement,
  minutes: number,
  lines: Line[],
  format: Props["format"],
  hover: (i: number | null) => void,
): uPlot.Options {
  const grid = { stroke: color(element, "line"), width: 1 };
  const axis = { stroke: color(element, "muted"), font: "11px system-ui, sans-serif", grid, ticks: { show: false } };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    padding: [8, 8, 0, 0],
    cursor: { sync: { key: SYNC }, drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      x: { range: (_plot, _first, last) => [last - minutes * 60, last] },
      y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1] },
    },
    axes: [
      { ...axis, size: 24, gap: 4, space: 70, values: (_plot, splits) => splits.map((split) => timeOfDay(split * 1000).slice(0, 5)) },
      { ...axis, size: 56, space: 32, values: (_plot, splits) => splits.map(format) },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.label,
        stroke: color(element, line.tone),
        ...(line.fill && { fill: color(element, `${line.tone}-fill`) }),
        width: 1.5,
        points: { show: false },
      })),
    ],
    hooks: { setCursor: [(plot) => hover(plot.cursor.idx ?? null)] },
  };
}

/** A custom property's colour as the canvas takes it. */
function color(element: HTMLElement, name: string): string {
  const probe = document.createElement("i");
  probe.style.color = `var(--${name})`;
  element.append(probe);
  const computed = getComputedStyle(probe).color;
  probe.remove();
  return computed;
}
