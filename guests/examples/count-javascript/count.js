// The example booster `count` in JavaScript: bytes, lines and words of a text.

/** Measures a text as the other examples do. */
function count(text) {
  const bytes = new TextEncoder().encode(text).length;
  const feeds = text.split("\n").length - 1;
  const lines = feeds + (text === "" || text.endsWith("\n") ? 0 : 1);
  const words = text.split(/[ \t\n\r]+/).filter((word) => word !== "").length;
  return { bytes, lines, words };
}

/** The text of a request, or nothing. */
function textOf(input) {
  try {
    const { text } = JSON.parse(input);
    return typeof text === "string" ? text : undefined;
  } catch {
    return undefined;
  }
}

export function apply(input) {
  const text = textOf(input);
  if (text === undefined) {
    const message = "expected an object with a string `text`";
    // What is thrown is the `err` of the result.
    throw JSON.stringify({ success: false, reason: "invalid_input", message });
  }
  return JSON.stringify(count(text));
}
