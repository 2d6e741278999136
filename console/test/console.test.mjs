// The console in a browser: every action, the keyboard, accessibility, and fleets larger than this machine.
//
//   node --test test/*.test.mjs                                  against the stand-in of mock-server.mjs
//   BOOSTER=../target/debug/booster node --test test/*.test.mjs  starts a private fleet with `booster up` and asks that
//   BASE_URL=http://… node --test test/*.test.mjs                asks a fleet that runs; its jobs, queues and modules are changed
//
// SCREENSHOTS=DIR keeps pictures of the views there; WARM_UP_S lets the fleet run for a while first.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { startMock } from "./mock-server.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const PATIENCE = 15_000;
const VIEWS = ["overview", "workers", "queues", "jobs", "dead", "modules", "events"];
const WIDTHS = [1280, 400];
const CODE = 'import math\n\n\ndef area(radius):\n    return 3.14 * radius * radius\n\n\ndef volume(radius, height):\n    return area(radius) * height\n';
const EDIT = 'def area(radius: float) -> float:\n    """Area of a circle."""\n    return math.pi * radius**2\n';

let browser;
before(async () => {
  browser = await chromium.launch({ executablePath: CHROMIUM, args: process.getuid() === 0 ? ["--no-sandbox"] : [] });
});
after(() => browser.close());

/** Opens a page that fails the test, when it is closed, for an error in the console or a request to elsewhere. */
async function open(url, { width = 1280, height = 860, colorScheme = "light", expected = [] } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(`exception: ${error.stack}`));
  page.on("console", (message) => {
    const where = `${message.text()} ${message.location().url}`;
    if (["error", "warning"].includes(message.type()) && !expected.some((known) => known.test(where))) wrong.push(where);
  });
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== "data:" && origin !== new URL(url).origin) wrong.push(`a request to ${request.url()}`);
  });
  await page.goto(url);
  return {
    page,
    async close() {
      await context.close();
      assert.deepEqual(wrong, []);
    },
  };
}

const go = async (page, view) => {
  await page.locator(`nav a[href="#/${view}"]`).click();
  await page.locator(`nav a[href="#/${view}"][aria-current=page]`).waitFor();
};
const button = (page, name) => page.getByRole("button", { name, exact: true });
const says = (page, text) => page.locator(".toast", { hasText: text }).first().waitFor();
const confirm = (page, name) => page.locator("dialog").getByRole("button", { name, exact: true }).click();

/** Tries until `found` returns something. */
async function eventually(what, found) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const result = await found();
    if (result) return result;
    assert.ok(Date.now() < end, `in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function axe(page, what) {
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document);
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ target, failureSummary }) => `${target} ${failureSummary}`).join("; ")}`);
  });
  assert.deepEqual(found, [], what);
}

/** Brings a second version of a module into the fleet, so that there is something to promote. */
function push(redis) {
  const modules = new URL("../../guests/out/", import.meta.url);
  const dir = mkdtempSync(join(tmpdir(), "console-"));
  const manifest = { ...JSON.parse(readFileSync(new URL("noop.json", modules))), version: "0.2.0" };
  writeFileSync(join(dir, "manifest.json"), JSON.stringify(manifest));
  const args = ["--redis-url", redis, "module", "push", fileURLToPath(new URL("noop.wasm", modules)), "--manifest", join(dir, "manifest.json")];
  const pushed = spawnSync(process.env.BOOSTER, args, { encoding: "utf8" });
  rmSync(dir, { recursive: true });
  assert.equal(pushed.status, 0, pushed.stderr);
}

async function startFleet() {
  if (process.env.BASE_URL) return { url: process.env.BASE_URL, stop: async () => {} };
  if (!process.env.BOOSTER) return startMock({ workers: 2, slots: 10, rate: 10 });
  const child = spawn(process.env.BOOSTER, ["up", "--workers", "2", "--listen", "127.0.0.1:0", "--json"], { stdio: ["ignore", "pipe", "pipe"] });
  const { gateway: url, redis } = await new Promise((resolve, reject) => {
    const told = [];
    createInterface({ input: child.stderr }).on("line", (line) => told.push(line));
    createInterface({ input: child.stdout }).once("line", (line) => resolve(JSON.parse(line)));
    child.on("exit", (status) => reject(new Error(`booster up ended with ${status}: ${told.join("\n")}`)));
  });
  push(redis);
  return {
    url,
    stop: () => new Promise((resolve) => {
      child.once("exit", resolve);
      child.kill("SIGTERM");
    }),
  };
}

describe("with a fleet", () => {
  let fleet;
  let load;
  const run = `t${Date.now().toString(36)}`;
  const submit = async (job) => {
    const headers = process.env.KEY ? { Authorization: `Bearer ${process.env.KEY}` } : {};
    const response = await fetch(`${fleet.url}/v1/jobs`, { method: "POST", headers, body: JSON.stringify(job) });
    assert.equal(response.status, 202, await response.text());
  };
  const apply = (id, more = {}) => submit({ id: `${run}-${id}`, booster: "apply", input: { code: CODE, edit: EDIT, language: "python" }, ...more });
  const faulty = (id, what, more = {}) =>
    submit({ id: `${run}-${id}`, booster: "faulty", maxRetries: 0, input: { do: what, ...more } });
  const visit = async (view, options = {}) => {
    const opened = await open(`${fleet.url}/#/${view}`, options);
    if (process.env.KEY) {
      await opened.page.getByLabel("API key").fill(process.env.KEY);
      await button(opened.page, "Log in").click();
    }
    return opened;
  };

  before(async () => {
    fleet = await startFleet();
    let count = 0;
    load = setInterval(() => {
      const n = count++;
      const jobs = [n % 40 === 7 ? faulty(`load-${n}`, "panic") : apply(`load-${n}`, { priority: ["normal", "high"][n % 2] })];
      if (n % 8 === 0) jobs.push(faulty(`work-${n}`, "work", { times: 50_000_000 }));
      for (let i = Math.round(2 + 2 * Math.sin(n / 150)); i > 0; i -= 1) jobs.push(apply(`wave-${n}-${i}`));
      // What the fleet refuses while a test drains a queue is no matter.
      for (const job of jobs) job.catch(() => {});
    }, 100);
    await new Promise((resolve) => setTimeout(resolve, 1000 * Number(process.env.WARM_UP_S ?? 0)));
    await apply("done");
    await faulty("refused", "refuse");
    for (const id of ["dead-1", "dead-2", "dead-3", "dead-4"]) await faulty(id, "panic");
  });
  after(async () => {
    clearInterval(load);
    await fleet?.stop();
  });

  test("the page comes with a strict policy and is revalidated", async () => {
    const response = await fetch(`${fleet.url}/`);
    assert.equal(response.status, 200);
    const policy = response.headers.get("content-security-policy");
    for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"]) {
      assert.ok(policy.includes(part), `${part} in ${policy}`);
    }
    assert.ok(!policy.includes("unsafe"));
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
    const etag = response.headers.get("etag");
    if (etag) {
      const again = await fetch(`${fleet.url}/`, { headers: { "If-None-Match": etag } });
      assert.equal(again.status, 304);
    }
  });

  test("overview: figures, graphs, slots, failures", async () => {
    const { page, close } = await visit("overview");
    await page.getByText("Live", { exact: true }).waitFor();
    await eventually("a point in the graphs", async () => (await page.locator(".plot[aria-label*='now']").count()) === 4);
    for (const span of ["5 min", "60 min", "15 min"]) {
      await button(page, span).click();
      await page.locator("button[aria-pressed=true]", { hasText: span }).waitFor();
    }
    const plot = page.locator(".plot").first();
    await plot.hover();
    await eventually("a time under the pointer", async () => /\d\d:\d\d/.test(await page.locator(".graph-time").first().textContent()));
    await page.locator(".share").waitFor();
    await page.locator(".failures a").first().click();
    await page.getByRole("heading", { name: "Why it is dead" }).waitFor();
    await close();
  });

  test("workers: live slots, filter, fold", async () => {
    const { page, close } = await visit("workers");
    const slots = page.locator(".row.slot");
    await slots.first().waitFor();
    const all = await slots.count();
    const fold = page.locator(".disclosure").first();
    assert.equal(await fold.getAttribute("aria-expanded"), "true");
    await fold.click();
    await eventually("fewer slots", async () => (await slots.count()) < all);
    await fold.click();
    await page.getByLabel("Status").selectOption("ready");
    await eventually("only ready slots", async () => {
      const words = await page.locator(".slot-status .badge:first-child").allTextContents();
      return words.length > 0 && words.every((word) => word === "ready");
    });
    await page.getByLabel("Status").selectOption("");
    await page.getByLabel("Filter by worker, host, slot or job").fill("no such worker");
    await page.getByText("No slot matches the filter").waitFor();
    await page.getByLabel("Filter by worker, host, slot or job").fill("");
    await slots.first().waitFor();
    await close();
  });

  test("queues: pause, a job that waits and is cancelled, resume, drain", async () => {
    const { page, close } = await visit("queues");
    const mode = (word) => page.locator("tr", { has: page.locator("th", { hasText: /^low$/ }) }).locator(".badge", { hasText: word }).waitFor();
    await button(page, "Pause low").click();
    await says(page, "The queue low is paused.");
    await mode("paused");
    await apply("waiting", { priority: "low" });
    await page.goto(`${fleet.url}/#/jobs/${run}-waiting`);
    await page.locator(".job-head .badge", { hasText: "waiting" }).waitFor();
    await button(page, "Cancel").click();
    await confirm(page, "Keep");
    await page.locator(".job-head .badge", { hasText: "waiting" }).waitFor();
    await button(page, "Cancel").click();
    await confirm(page, "Cancel the job");
    await page.locator(".job-head .badge", { hasText: "cancelled" }).waitFor();
    await go(page, "queues");
    await button(page, "Resume low").click();
    await says(page, "The queue low is open again.");
    await button(page, "Drain low").click();
    await page.locator("dialog[open]").waitFor();
    await page.keyboard.press("Escape");
    await mode("open");
    await button(page, "Drain low").click();
    await confirm(page, "Drain");
    await mode("draining");
    await button(page, "Resume low").click();
    await mode("open");
    await close();
  });

  test("jobs: search, filters, changes, input and output", async () => {
    const { page, close } = await visit("jobs");
    const rows = page.locator(".jobs .row:not(.head)");
    await rows.first().waitFor();
    await page.getByLabel("State").selectOption("refused");
    await eventually("only refused jobs", async () => {
      const words = await page.locator(".job-state").allTextContents();
      return words.length > 0 && words.every((word) => word === "refused");
    });
    await page.getByLabel("Queue").selectOption("normal");
    await page.getByLabel("Booster").fill("faulty");
    await page.locator(".job-id", { hasText: `${run}-refused` }).waitFor();
    await button(page, "Clear").click();
    await page.getByLabel("Search by id").fill(`${run}-done`);
    await eventually("one job", async () => (await rows.count()) === 1);
    await button(page, "Refresh").click();
    await page.getByRole("link", { name: `${run}-done` }).click();
    await page.getByRole("tab", { name: "Changes" }).waitFor();
    assert.ok((await page.locator(".diff.added").count()) > 0);
    assert.ok((await page.locator(".diff.removed").count()) > 0);
    for (const [tab, text] of [["Output", "math.pi"], ["Record", '"state"']]) {
      await page.getByRole("tab", { name: tab }).click();
      await page.getByRole("region", { name: tab }).filter({ hasText: text }).waitFor();
    }
    await page.getByRole("tab", { name: "Input" }).click();
    await page.getByText("The input is not kept").waitFor();
    await page.getByRole("tab", { name: "Input" }).press("ArrowRight");
    await page.getByRole("tab", { name: "Record", selected: true }).press("ArrowRight");
    await page.getByRole("tab", { name: "Changes", selected: true }).waitFor();
    await page.locator(".happened li").first().waitFor();
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await button(page, "Copy id").click();
    await says(page, "Copied.");
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `${run}-done`);
    await page.keyboard.press("Escape");
    await page.getByLabel("Search by id").waitFor();
    await page.goto(`${fleet.url}/#/jobs/${run}-refused`);
    await page.getByRole("heading", { name: "Why it was refused" }).waitFor();
    await page.getByRole("tab", { name: "Input" }).click();
    await page.getByRole("region", { name: "Input" }).filter({ hasText: /\S/ }).waitFor();
    await close();
    const { page: other, close: closeOther } = await open(`${fleet.url}/#/jobs/no-such-job`, { expected: [/404/, /401/] });
    await other.getByText(/No job with this id|API key/).first().waitFor();
    await closeOther();
  });

  test("dead letters: what went wrong, retry, replay, drop, replay all", async () => {
    const { page, close } = await visit("dead");
    const row = (id) => page.locator(".dead .row", { hasText: `${run}-${id}` });
    await row("dead-1").waitFor();
    await row("dead-1").getByRole("link").click();
    await page.getByRole("heading", { name: "Why it is dead" }).waitFor();
    await page.getByRole("region", { name: "Error" }).filter({ hasText: /\S/ }).waitFor();
    await button(page, "Retry").click();
    await says(page, "The job runs again.");
    await go(page, "dead");
    await page.getByLabel("Queue").selectOption("normal");
    await row("dead-2").getByRole("button", { name: "Replay" }).click();
    await says(page, `${run}-dead-2 runs again.`);
    await row("dead-3").getByRole("button", { name: "Drop" }).click();
    await confirm(page, "Keep");
    await row("dead-3").getByRole("button", { name: "Drop" }).click();
    await confirm(page, "Drop");
    await says(page, `${run}-dead-3 is forgotten.`);
    await eventually("it is gone", async () => (await row("dead-3").count()) === 0);
    await page.getByLabel("Queue").selectOption("");
    await button(page, "Replay all").click();
    await confirm(page, "Replay all");
    await says(page, /jobs run again/);
    await button(page, "Refresh").click();
    await close();
  });

  test("modules: promote, roll back", async () => {
    const { page, close } = await visit("modules");
    const [name, version] = process.env.BOOSTER ? ["noop", "0.2.0"] : ["apply", "1.3.0"];
    const row = page.locator("tr", { hasText: name }).filter({ hasText: version });
    await button(page, `Promote ${name} ${version}`).click();
    await confirm(page, "Promote");
    await says(page, "Promoted.");
    await row.locator(".badge", { hasText: "active" }).waitFor();
    await button(page, `Roll back ${name}`).click();
    await confirm(page, "Roll back");
    await says(page, "Rolled back.");
    await row.locator(".badge", { hasText: "stored" }).waitFor();
    await close();
  });

  test("events: filter, pause, look at one", async () => {
    const { page, close } = await visit("events");
    const rows = page.locator(".events .row:not(.head)");
    await rows.first().waitFor();
    await button(page, "error").click();
    await eventually("only errors", async () => {
      const words = await page.locator(".event-type").allTextContents();
      return words.length > 0 && words.every((word) => word === "error");
    });
    await button(page, "error").click();
    await page.getByLabel("Filter by any word").fill(`${run}-refused`);
    await eventually("only that job", async () => {
      const ids = await page.locator(".event-job").allTextContents();
      return ids.length > 0 && ids.every((id) => id === `${run}-refused`);
    });
    await page.getByLabel("Filter by any word").fill("");
    await button(page, "Pause").click();
    const first = await rows.first().textContent();
    await page.getByText(/\d new/).waitFor();
    assert.equal(await rows.first().textContent(), first);
    await button(page, "Resume").click();
    await eventually("it moves on", async () => (await rows.first().textContent()) !== first);
    await button(page, "Pause").click();
    await page.locator(".what button").first().click();
    await page.getByRole("region", { name: "Event" }).filter({ hasText: "timestamp" }).waitFor();
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("dialog").count(), 0);
    // Events of slots have no link to a job.
    await button(page, "completed").click();
    await eventually("only completed jobs", async () => {
      const words = await page.locator(".event-type").allTextContents();
      return words.length > 0 && words.every((word) => word === "completed");
    });
    await page.locator(".events").press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    assert.equal(await page.evaluate(() => document.activeElement.closest("[aria-rowindex]")?.getAttribute("aria-rowindex")), "3");
    await page.keyboard.press("End");
    await eventually("the last row has the focus", () =>
      page.evaluate(() => {
        const list = document.querySelector("[role=table]");
        return document.activeElement.closest("[aria-rowindex]")?.getAttribute("aria-rowindex") === list.getAttribute("aria-rowcount");
      }));
    await page.keyboard.press("Home");
    await eventually("the first row has the focus", () =>
      page.evaluate(() => document.activeElement.closest("[aria-rowindex]")?.getAttribute("aria-rowindex") === "2"));
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.locator(".job-head").waitFor();
    await close();
  });

  test("keyboard: shortcuts, their switch, visible focus and no trap", async () => {
    const { page, close } = await visit("overview");
    await page.getByText("Live", { exact: true }).waitFor();
    for (const [i, view] of VIEWS.entries()) {
      await page.keyboard.press(String(i + 1));
      await page.locator(`nav a[href="#/${view}"][aria-current=page]`).waitFor();
    }
    await page.keyboard.press("/");
    await page.locator(".search:focus").waitFor();
    await page.keyboard.type("p1");
    assert.equal(await page.locator(".search").inputValue(), "p1", "keys in a field are text");
    await page.keyboard.press("Escape");
    await page.keyboard.press("p");
    await button(page, "Resume").waitFor();
    await page.keyboard.press("p");
    for (const theme of ["light", "dark", "auto"]) {
      await page.keyboard.press("t");
      await button(page, `Theme: ${theme}`).waitFor();
      const shown = await page.evaluate(() => document.documentElement.dataset.theme ?? "auto");
      assert.equal(shown, theme);
    }
    await page.keyboard.press("?");
    await page.getByLabel("Shortcuts are on").uncheck();
    await page.keyboard.press("Escape");
    await page.keyboard.press("1");
    assert.ok(page.url().endsWith("#/events"), "shortcuts are off");
    await button(page, "Keyboard shortcuts").click();
    await page.getByLabel("Shortcuts are on").check();
    await button(page, "Close").click();
    await button(page, "Theme: auto").click();
    await button(page, "Theme: light").waitFor();

    for (const view of VIEWS) {
      await go(page, view);
      await page.locator("h1:focus").waitFor();
      await eventually(`${view} is loaded`, async () => (await page.getByText("Loading…").count()) === 0);
      const seen = new Set();
      for (let i = 0; i < 100; i += 1) {
        await page.keyboard.press("Tab");
        const at = await page.evaluate(() => {
          const element = document.activeElement;
          if (!element || element === document.body) return null;
          const style = getComputedStyle(element);
          element.dataset.stop ??= String(Math.random());
          return { stop: element.dataset.stop, ringed: style.outlineStyle !== "none" && style.outlineWidth !== "0px", html: element.outerHTML.slice(0, 120) };
        });
        if (at === null || seen.has(at.stop)) break;
        assert.ok(at.ringed, `focus is visible on ${at.html}`);
        seen.add(at.stop);
        assert.ok(i < 99, `the end of ${view} is reached by Tab`);
      }
      assert.ok(seen.size >= 2, `${view} has ${seen.size} stops`);
    }
    await close();
  });

  for (const colorScheme of ["light", "dark"]) {
    for (const width of WIDTHS) {
      test(`accessible and within its width: ${colorScheme}, ${width} px`, async () => {
        const { page, close } = await visit("overview", { width, colorScheme });
        const views = [...VIEWS, `jobs/${run}-done`, `jobs/${run}-refused`];
        await button(page, "5 min").click();
        for (const view of views) {
          await page.goto(`${fleet.url}/#/${view}`);
          await page.getByText("Live", { exact: true }).waitFor();
          await eventually(`${view} is loaded`, async () => (await page.getByText("Loading…").count()) === 0);
          await axe(page, `${view}, ${colorScheme}, ${width} px`);
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
          assert.equal(overflow, 0, `${view} is as wide as the screen`);
          await shoot(page, `${view.split("/").length > 1 ? (view.endsWith("done") ? "job" : "refused") : view}-${colorScheme}-${width}`);
        }
        await page.goto(`${fleet.url}/#/queues`);
        await button(page, "Drain low").click();
        await axe(page, `a question, ${colorScheme}, ${width} px`);
        await confirm(page, "Keep");
        await button(page, "Keyboard shortcuts").click();
        await axe(page, `help, ${colorScheme}, ${width} px`);
        await close();
      });
    }
  }
});

/** Keeps a picture, when somebody wants it. */
async function shoot(page, name) {
  if (!process.env.SCREENSHOTS) return;
  mkdirSync(process.env.SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(process.env.SCREENSHOTS, `console-${name}.png`) });
}

test("log in with a key, log out", async () => {
  const mock = await startMock({ key: "right", rate: 1 });
  const { page, close } = await open(mock.url, { expected: [/401/] });
  await page.getByLabel("API key").fill("wrong");
  await button(page, "Log in").click();
  await page.getByText("The gateway does not know this key.").waitFor();
  await axe(page, "log in");
  await page.getByLabel("API key").fill("right");
  await page.keyboard.press("Enter");
  await page.getByText("Live", { exact: true }).waitFor();
  await page.locator(".figure").first().waitFor();
  await button(page, "Log out").click();
  await page.getByLabel("API key").waitFor();
  await close();
  await mock.stop();
});

test("a lost connection is shown with the age of the data, and comes back without a gap", async () => {
  const mock = await startMock({ rate: 5 });
  const { page, close } = await open(`${mock.url}/#/events`, { expected: [/503/, /ERR_/] });
  await page.getByText("Live", { exact: true }).waitFor();
  mock.breakOff(true);
  await page.getByText("Disconnected", { exact: true }).waitFor();
  await page.getByText(/Data is .* old/).waitFor();
  await page.getByText(/Trying again in \d+ s/).waitFor();
  mock.fleet.say("error", { jobId: "while-away", queue: "normal", booster: "apply", cause: "trap", error: { code: "trap", message: "missed" }, attempts: 1, dead: true });
  await page.locator('nav a[href="#/queues"]').click();
  await page.getByRole("alert").filter({ hasText: "could not be loaded" }).waitFor();
  mock.breakOff(false);
  await eventually("live again", async () => {
    const now = button(page, "Try now");
    if (await now.count()) await now.click().catch(() => {});
    return page.getByText("Live", { exact: true }).isVisible();
  });
  await page.getByRole("alert").waitFor({ state: "detached", timeout: 40_000 });
  await go(page, "events");
  await page.getByLabel("Filter by any word").fill("while-away");
  await page.locator(".event-job", { hasText: "while-away" }).waitFor();
  assert.equal(await page.locator(".event-job").count(), 1, "it came once");
  await close();
  await mock.stop();
});

test("500 workers of 10 slots and 100,000 events", async () => {
  const mock = await startMock({ workers: 500, slots: 10, rate: 200 });
  const { page, close } = await open(`${mock.url}/#/workers`);
  await page.getByText("500 workers").waitFor();
  await page.getByText("Live", { exact: true }).waitFor();
  assert.ok((await page.locator(".list .row").count()) < 80, "only the rows in view exist");
  await page.getByLabel("Filter by worker, host, slot or job").fill("worker-499");
  await page.getByText("worker-499", { exact: true }).waitFor();
  await page.getByLabel("Filter by worker, host, slot or job").fill("");
  await page.getByLabel("Status").selectOption("ready");
  await page.locator(".row.slot").first().waitFor();
  await page.locator(".list").evaluate((list) => (list.scrollTop = list.scrollHeight));
  await page.locator('.row.slot [title^="worker-500"]').first().waitFor();
  await shoot(page, "scale-workers");

  await go(page, "events");
  const began = Date.now();
  const last = await mock.burst(100_000);
  await page.getByLabel("Filter by any word").fill(last);
  await page.locator(".event-job", { hasText: last }).waitFor();
  assert.ok(Date.now() - began < 60_000, "a minute is generous");
  await page.getByLabel("Filter by any word").fill("");
  const kept = await eventually("the whole list", async () => {
    const count = Number(/[\d,]+/.exec(await page.getByText(/shown/).textContent())[0].replaceAll(",", ""));
    return count > 4000 && count;
  });
  assert.ok(kept <= 5500, `${kept} events are kept`);
  assert.ok((await page.locator(".list .row").count()) < 80);

  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  assert.ok(usedSize < 100 * 1024 * 1024, `${Math.round(usedSize / 1048576)} MB of JavaScript objects`);
  await go(page, "overview");
  await page.locator(".share").waitFor();
  await shoot(page, "scale-overview");
  await close();
  await mock.stop();
});
