// How a dashboard is put together: panels in rows, and the form in which Grafana (10 and newer) wants them.
// What the dashboards show is in boards.mjs.

const datasource = { type: "prometheus", uid: "${datasource}" };

// The same word has the same colour on every dashboard.
const COLOURS = {
  done: "green", refused: "yellow", dead: "red", cancelled: "text",
  enqueued: "blue", finished: "green",
  waiting: "blue", delayed: "purple", running: "green",
  ready: "green", busy: "blue", initializing: "text", recovered: "yellow", error: "red",
  slots: "green", target: "purple", wanted: "orange", limit: "red",
  healthy: "green", degraded: "yellow", unhealthy: "red",
};

/** The thresholds [from, colour]; the first colour holds below the first value. */
export const steps = (first, ...others) => [[null, first], ...others];

/** One line of a panel: a query and what its series are called. */
export const line = (expr, legend = "") => ({ expr, legend });

function targets(lines, instant, format) {
  return lines.map(({ expr, legend }, index) => ({
    datasource,
    editorMode: "code",
    expr,
    legendFormat: legend,
    range: !instant,
    instant,
    refId: String.fromCharCode(65 + index),
    ...(format && { format }),
  }));
}

function panel(type, { title, description, unit, lines, thresholds = steps("green"), decimals, min, max }, options, more = {}) {
  const { defaults = {}, overrides = [], instant = false, format, ...rest } = more;
  return {
    type,
    title,
    description,
    datasource,
    fieldConfig: {
      defaults: {
        unit,
        mappings: [],
        thresholds: {
          mode: "absolute",
          steps: thresholds.map(([value, color]) => ({ color, value })),
        },
        ...(decimals !== undefined && { decimals }),
        ...(min !== undefined && { min }),
        ...(max !== undefined && { max }),
        ...defaults,
      },
      overrides,
    },
    options,
    targets: targets(lines, instant, format),
    ...rest,
  };
}

const byName = (name, id, value) => ({ matcher: { id: "byName", options: name }, properties: [{ id, value }] });

function colours(lines, words) {
  const names = [...lines.map(({ legend }) => legend), ...words];
  return names
    .filter((name) => COLOURS[name])
    .map((name) => byName(name, "color", { mode: "fixed", fixedColor: COLOURS[name] }));
}

/** One number, as it is now, coloured by its thresholds, with its course behind it. */
export const stat = (what) =>
  panel("stat", what, {
    colorMode: "value",
    graphMode: what.graph === false ? "none" : "area",
    justifyMode: "auto",
    orientation: "auto",
    textMode: "value",
    wideLayout: true,
    reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
  }, { defaults: { color: { mode: "thresholds" }, noValue: what.none ?? "idle" } });

/** A course over time. `words` are label values that have a colour of their own; `stack` piles the series up. */
export const graph = (what) =>
  panel("timeseries", { min: 0, ...what }, {
    legend: { displayMode: "table", placement: "bottom", showLegend: true, calcs: ["lastNotNull", "max"] },
    tooltip: { mode: "multi", sort: "desc" },
  }, {
    defaults: {
      color: { mode: "palette-classic" },
      custom: {
        drawStyle: "line",
        lineInterpolation: "linear",
        lineWidth: 1,
        fillOpacity: what.stack ? 40 : 8,
        gradientMode: "none",
        showPoints: "never",
        spanNulls: false,
        axisPlacement: "auto",
        scaleDistribution: what.log ? { type: "log", log: 10 } : { type: "linear" },
        stacking: { mode: what.stack ? "normal" : "none", group: "A" },
        thresholdsStyle: { mode: what.thresholds ? "line" : "off" },
      },
    },
    overrides: colours(what.lines, what.words ?? []),
  });

/** What there is now, one bar for each series. */
export const bars = (what) =>
  panel("bargauge", { min: 0, ...what }, {
    displayMode: "basic",
    orientation: "horizontal",
    valueMode: "color",
    showUnfilled: true,
    minVizHeight: 16,
    minVizWidth: 8,
    reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
  }, {
    instant: true,
    defaults: { color: { mode: what.words ? "fixed" : "thresholds" } },
    overrides: colours(what.lines, what.words ?? []),
  });

/** A row of cells over time for each series, coloured by the thresholds. */
export const history = (what) =>
  panel("status-history", what, {
    legend: { displayMode: "list", placement: "bottom", showLegend: false },
    rowHeight: 0.9,
    colWidth: 0.9,
    showValue: "never",
    tooltip: { mode: "single", sort: "none" },
  }, { defaults: { color: { mode: "thresholds" }, custom: { fillOpacity: 70, lineWidth: 0 } } });

/** How observations spread over a histogram's buckets, over time. */
export const spread = (what) =>
  panel("heatmap", what, {
    calculate: false,
    cellGap: 1,
    color: { mode: "scheme", scheme: "Oranges", steps: 64, exponent: 0.5, reverse: false, fill: "dark-orange" },
    filterValues: { le: 1e-9 },
    legend: { show: true },
    rowsFrame: { layout: "auto" },
    tooltip: { mode: "single", yHistogram: false, showColorScale: false },
    yAxis: { axisPlacement: "left", unit: what.unit },
  }, { format: "heatmap" });

const renamed = (columns) => Object.fromEntries(columns.map(([name, title]) => [name, title]));
const ordered = (columns) => Object.fromEntries(columns.map(([name], index) => [name, index]));

/**
 * What there is now, as a table. `columns` are [field, heading, unit?]; the fields are labels, and `Value` or, with
 * several lines, `Value #A`, `Value #B`… `hidden` fields are left out.
 */
export const table = (what) =>
  panel("table", what, { showHeader: true, cellHeight: "sm", footer: { show: false, reducer: ["sum"], fields: "" } }, {
    instant: true,
    format: "table",
    defaults: { custom: { align: "auto", cellOptions: { type: "auto" }, inspect: false } },
    overrides: what.columns.filter(([, , unit]) => unit).map(([, title, unit]) => byName(title, "unit", unit)),
    transformations: [
      ...(what.lines.length > 1 ? [{ id: "merge", options: {} }] : []),
      {
        id: "organize",
        options: {
          excludeByName: Object.fromEntries(["Time", ...(what.hidden ?? [])].map((name) => [name, true])),
          indexByName: ordered(what.columns),
          renameByName: renamed(what.columns),
        },
      },
    ],
  });

/** What there is now, with one label's values down and another's across. */
export const matrix = (what) =>
  panel("table", what, { showHeader: true, cellHeight: "sm", footer: { show: false, reducer: ["sum"], fields: "" } }, {
    instant: true,
    format: "table",
    defaults: { custom: { align: "auto", cellOptions: { type: "auto" }, inspect: false } },
    overrides: colours([], what.words ?? []).map(({ matcher, properties }) => ({
      matcher,
      properties: [...properties, { id: "custom.cellOptions", value: { type: "color-text" } }],
    })),
    transformations: [{
      id: "groupingToMatrix",
      options: { rowField: what.down, columnField: what.across, valueField: "Value", emptyValue: "null" },
    }],
  });

/** A row of panels with its heading. They share the width evenly, or as `widths` says. */
export const row = (title, height, panels, widths = panels.map(() => Math.floor(24 / panels.length))) => ({
  title,
  height,
  panels,
  widths,
});

function placed(rows) {
  const found = [];
  let y = 0;
  for (const { title, height, panels, widths } of rows) {
    if (panels.length !== widths.length) throw new Error(`row ${title}: ${panels.length} panels, ${widths.length} widths`);
    found.push({ type: "row", title, collapsed: false, gridPos: { h: 1, w: 24, x: 0, y }, panels: [] });
    y += 1;
    let x = 0;
    panels.forEach((one, index) => {
      if (x + widths[index] > 24) {
        x = 0;
        y += height;
      }
      found.push({ ...one, gridPos: { h: height, w: widths[index], x, y } });
      x += widths[index];
    });
    y += height;
  }
  return found.map((one, index) => ({ id: index + 1, ...one }));
}

const all = { selected: true, text: ["All"], value: ["$__all"] };

/** A choice of a label's values, all of them at first. */
export const choice = (name, label, series) => ({
  name,
  label,
  type: "query",
  datasource,
  definition: `label_values(${series}, ${name})`,
  query: { qryType: 1, query: `label_values(${series}, ${name})`, refId: "PrometheusVariableQueryEditor-VariableQuery" },
  regex: "",
  sort: 1,
  refresh: 2,
  hide: 0,
  includeAll: true,
  allValue: ".*",
  multi: true,
  options: [],
  skipUrlSync: false,
  current: all,
});

const source = {
  name: "datasource",
  label: "Data source",
  type: "datasource",
  query: "prometheus",
  regex: "",
  hide: 0,
  includeAll: false,
  multi: false,
  options: [],
  refresh: 1,
  skipUrlSync: false,
  current: {},
};

const link = ({ uid, title, description }) => ({
  type: "link",
  title,
  tooltip: description,
  url: `/d/${uid}`,
  icon: "dashboard",
  keepTime: true,
  includeVars: true,
  targetBlank: false,
  asDropdown: false,
  tags: [],
});

/** The whole dashboard, with links to the others of `boards`. */
export const dashboard = (board, boards) => ({
  id: null,
  uid: board.uid,
  title: board.title,
  description: board.description,
  tags: ["booster-fleet"],
  schemaVersion: 39,
  version: 1,
  editable: true,
  graphTooltip: 1,
  timezone: "browser",
  time: { from: "now-30m", to: "now" },
  timepicker: {},
  refresh: "10s",
  links: boards.filter(({ uid }) => uid !== board.uid).map(link),
  annotations: { list: [] },
  templating: { list: [source, ...board.choices] },
  panels: placed(board.rows),
});
