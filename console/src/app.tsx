import type { ComponentType } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { lastAnswer, loggedIn, logIn, loginNeeded, logOut, Problem } from "./api";
import { duration } from "./format";
import { Icon, Mark } from "./icons";
import { link, route, VIEWS, type View } from "./route";
import { bindShortcuts, HELP, helpShown, shortcuts } from "./shortcuts";
import { clock, useStore } from "./store";
import { connection, lastHeard, reconnectNow } from "./stream";
import { nextTheme, theme } from "./theme";
import { attempt, Button, Confirmation, Dialog, Toasts } from "./ui";
import { Dead } from "./views/dead";
import { Events } from "./views/events";
import { Job } from "./views/job";
import { Jobs } from "./views/jobs";
import { Modules } from "./views/modules";
import { Overview } from "./views/overview";
import { Queues } from "./views/queues";
import { Workers } from "./views/workers";

const TITLES: Record<View, string> = {
  overview: "Overview",
  workers: "Workers",
  queues: "Queues",
  jobs: "Jobs",
  dead: "Dead letters",
  modules: "Modules",
  events: "Events",
};

const PAGES: Record<View, ComponentType> = {
  overview: Overview,
  workers: Workers,
  queues: Queues,
  jobs: Jobs,
  dead: Dead,
  modules: Modules,
  events: Events,
};

export function App() {
  const login = useStore(loginNeeded);
  useEffect(bindShortcuts, []);
  return (
    <>
      {login ? <Login /> : <Shell />}
      <Confirmation />
      <Help />
      <Toasts />
    </>
  );
}

function Shell() {
  const { view, id } = useStore(route);
  const heading = useRef<HTMLHeadingElement>(null);
  const arrived = useRef(false);
  const title = view === "jobs" && id !== undefined ? "Job" : TITLES[view];
  useLayoutEffect(() => {
    document.title = `${title} · Booster Fleet`;
    // Who follows a link is told where it led; the page's first look leaves the focus alone.
    if (arrived.current) heading.current?.focus({ preventScroll: true });
    arrived.current = true;
  }, [view, id]);
  const Page = PAGES[view];
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); heading.current?.focus(); }}>Skip to content</a>
      <header class="side">
        <a class="brand" href={link("overview")}><Mark />Booster Fleet</a>
        <Nav view={view} />
        <div class="side-end">
          <ThemeButton />
          <Button small act={() => helpShown.set(true)} label="Keyboard shortcuts" title="Keyboard shortcuts (?)" class="icon"><Icon name="help" /></Button>
          <LogOut />
        </div>
      </header>
      <main>
        <div class="top">
          <h1 ref={heading} tabIndex={-1}>{title}</h1>
          <Connected />
        </div>
        {view === "jobs" && id !== undefined ? <Job key={id} id={id} /> : <Page />}
      </main>
    </div>
  );
}

function Nav({ view }: { view: View }) {
  const current = useRef<HTMLAnchorElement>(null);
  useEffect(() => current.current?.scrollIntoView({ block: "nearest", inline: "nearest" }), [view]);
  return (
    <nav aria-label="Views">
      {VIEWS.map((name) => (
        <a key={name} ref={name === view ? current : null} href={link(name)} aria-current={name === view ? "page" : undefined}>
          <Icon name={name} />{TITLES[name]}
        </a>
      ))}
    </nav>
  );
}

function ThemeButton() {
  const chosen = useStore(theme);
  return (
    <Button small act={nextTheme} label={`Theme: ${chosen}`} title={`Theme: ${chosen} (t)`} class="icon">
      <Icon name={chosen} />
    </Button>
  );
}

function LogOut() {
  const has = useStore(loggedIn);
  if (has === "no") return null;
  const leave = async () => {
    if (await attempt(logOut(), "Logged out.")) {
      loggedIn.set("no");
      // A new page forgets what was seen, and the stream that is open.
      location.reload();
    }
  };
  return <Button small act={leave} label="Log out" title="Log out" class="icon"><Icon name="leave" /></Button>;
}

/** Whether the page hears of the fleet, and if not, since when. */
function Connected() {
  const stream = useStore(connection);
  const now = useStore(clock);
  const heard = Math.max(useStore(lastHeard), useStore(lastAnswer));
  if (stream.state === "open") return <p class="connected" role="status"><span class="dot green" />Live</p>;
  if (stream.state === "connecting") return <p class="connected" role="status"><span class="dot amber" />Connecting…</p>;
  const age = heard > 0 ? `Data is ${duration(Math.max(0, now - heard))} old. ` : "";
  return (
    <div class="connected lost">
      <p role="status" title={stream.why}><span class="dot red" />Disconnected</p>
      <p>{age}Trying again in {Math.max(0, Math.ceil((stream.retryAt - now) / 1000))} s.</p>
      <Button small act={reconnectNow}>Try now</Button>
    </div>
  );
}

function Login() {
  const [key, setKey] = useState("");
  const [wrong, setWrong] = useState("");
  const enter = async () => {
    try {
      const { operator } = await logIn(key.trim());
      if (!operator) {
        await logOut();
        setWrong("This is a tenant's key. The console shows the whole fleet, for which it takes a key without tenant.");
        return;
      }
      loggedIn.set("yes");
      loginNeeded.set(false);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setWrong(error.status === 401 ? "The gateway does not know this key." : error.message);
    }
  };
  useEffect(() => {
    document.title = "Log in · Booster Fleet";
  }, []);
  return (
    <main class="login">
      <form class="panel" onSubmit={(event) => { event.preventDefault(); void enter(); }}>
        <h1 class="brand"><Mark />Booster Fleet</h1>
        <label for="key">API key</label>
        <input
          id="key"
          type="password"
          required
          autocomplete="current-password"
          value={key}
          onInput={(event) => setKey(event.currentTarget.value)}
          aria-invalid={wrong !== ""}
          aria-describedby="key-wrong"
        />
        <p id="key-wrong" class="red-text" role="alert">{wrong}</p>
        <button type="submit" class="button primary">Log in</button>
      </form>
    </main>
  );
}

function Help() {
  const shown = useStore(helpShown);
  const active = useStore(shortcuts);
  if (!shown) return null;
  const close = () => helpShown.set(false);
  return (
    <Dialog title="Keyboard shortcuts" close={close}>
      <dl class="keys">
        {HELP.map(([key, what]) => (
          <div key={key}><dt><kbd>{key}</kbd></dt><dd>{what}</dd></div>
        ))}
      </dl>
      <label class="check">
        <input type="checkbox" checked={active === "on"} onChange={(event) => shortcuts.set(event.currentTarget.checked ? "on" : "off")} />
        Shortcuts are on
      </label>
      <p class="muted">The interface behind this page: <a href="/docs">HTTP</a>. Contained software: <a href="/assets/licenses.md">licences</a>.</p>
      <div class="actions"><Button act={close}>Close</Button></div>
    </Dialog>
  );
}
