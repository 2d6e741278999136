// Shows /openapi.json. All texts are set as text, never as markup.
"use strict";

const METHODS = ["get", "post", "put", "delete"];

/** An element with a class, and children that are elements or texts. */
function element(name, kind, ...children) {
  const node = document.createElement(name);
  if (kind) node.className = kind;
  node.append(...children.filter((child) => child !== undefined && child !== ""));
  return node;
}

/** The name at the end of a reference. */
const named = (reference) => reference.split("/").pop();

/** A schema in a few words, such as `array of Job` or `integer, 1 to 500`. */
function words(schema) {
  if (!schema || typeof schema !== "object") return "any JSON";
  if (schema.$ref) return named(schema.$ref);
  const choices = schema.oneOf ?? schema.anyOf ?? schema.allOf;
  if (choices) return choices.map(words).filter((word) => word !== "null").join(" or ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(", ");
  const types = [schema.type ?? "any JSON"].flat().filter((type) => type !== "null");
  const type = types[0] === "array" ? `array of ${words(schema.items)}` : types.join(" or ");
  const { minimum, maximum } = schema;
  const range = minimum !== undefined && maximum !== undefined ? `, ${minimum} to ${maximum}` : "";
  return type + range;
}

function table(head, rows) {
  const cells = (row, name) => element("tr", "", ...row.map((cell) => element(name, "", cell ?? "")));
  return element("table", "", cells(head, "th"), ...rows.map((row) => cells(row, "td")));
}

/** The fields of a schema, and of those that it names, each schema once. */
function fields(api, schema, shown = new Set()) {
  if (!schema || typeof schema !== "object") return [];
  if (schema.$ref) {
    const name = named(schema.$ref);
    if (shown.has(name)) return [];
    shown.add(name);
    const target = api.components.schemas[name];
    const rows = Object.entries(target.properties ?? {}).map(([field, value]) => [
      element("code", "", field + (target.required?.includes(field) ? "" : "?")), words(value), value.description,
    ]);
    const title = rows.length ? [element("p", "", element("strong", "", name)), table(["field", "type", ""], rows)] : [];
    return [...title, ...inside(target).flatMap((part) => fields(api, part, shown))];
  }
  return inside(schema).flatMap((part) => fields(api, part, shown));
}

/** The schemas that a schema is made of. */
function inside(schema) {
  const choices = schema.oneOf ?? schema.anyOf ?? schema.allOf ?? [];
  return [...choices, ...Object.values(schema.properties ?? {}), schema.items].filter(Boolean);
}

function contents(api, content) {
  return Object.entries(content ?? {}).flatMap(([type, { schema }]) => [
    element("p", "", element("code", "", type), ` ${words(schema)}`), ...fields(api, schema),
  ]);
}

function route(api, path, method, operation) {
  const parameters = (operation.parameters ?? []).map((one) => [
    element("code", "", one.name), one.in, words(one.schema), one.description,
  ]);
  const responses = Object.entries(operation.responses ?? {}).flatMap(([status, response]) => [
    element("h4", "", `${status === "default" ? "otherwise" : status} ${response.description ?? ""}`),
    ...contents(api, response.content),
  ]);
  const body = operation.requestBody ? [element("h4", "", "Body"), ...contents(api, operation.requestBody.content)] : [];
  const inner = element("div", "", element("p", "", operation.description ?? ""),
    ...(parameters.length ? [table(["parameter", "in", "type", ""], parameters)] : []), ...body, ...responses);
  const head = element("summary", "", element("span", "method", method.toUpperCase()), element("code", "", path),
    element("span", "about", ` ${operation.summary ?? ""}`));
  const node = element("details", "", head, inner);
  node.dataset.text = `${method} ${path} ${operation.summary ?? ""} ${operation.description ?? ""}`.toLowerCase();
  return node;
}

function show(api) {
  document.getElementById("about").textContent = `${api.info.description} Version ${api.info.version}.`;
  const main = document.getElementById("routes");
  for (const tag of api.tags) {
    const routes = Object.entries(api.paths).flatMap(([path, methods]) =>
      METHODS.filter((method) => methods[method]?.tags?.includes(tag.name))
        .map((method) => route(api, path, method, methods[method])));
    main.append(element("section", "", element("h2", "", `${tag.name}: ${tag.description}`), ...routes));
  }
}

document.getElementById("filter").addEventListener("input", (event) => {
  const text = event.target.value.trim().toLowerCase();
  for (const node of document.querySelectorAll("details")) node.hidden = !node.dataset.text.includes(text);
});

fetch("/openapi.json")
  .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`status ${answer.status}`))))
  .then(show)
  .catch((error) => {
    document.getElementById("about").textContent = `/openapi.json cannot be shown: ${error.message}`;
  });
