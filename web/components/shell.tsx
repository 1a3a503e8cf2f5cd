"use client";

import {
  Activity,
  Clock3,
  FlaskConical,
  Gauge,
  Globe,
  LineChart,
  LogOut,
  Moon,
  Radio,
  Scale,
  Shield,
  Sun,
  Unplug,
  Wallet,
  Wrench,
} from "lucide-react";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { type ReactNode, useEffect } from "react";
import { useLive } from "@/lib/live";
import { useOverview } from "@/lib/questions";
import { Session, useDesk } from "@/lib/session";
import { useView } from "@/lib/view";
import { Badge, Failure, Loading, type Tone } from "./parts";

const PAGES = [
  { href: "/", name: "Overview", icon: Gauge },
  { href: "/hours/", name: "Hours", icon: Clock3 },
  { href: "/trades/", name: "Trades", icon: Wallet },
  { href: "/models/", name: "Models", icon: FlaskConical },
  { href: "/market/", name: "Market", icon: Globe },
  { href: "/risk/", name: "Risk", icon: Shield },
  { href: "/performance/", name: "Performance", icon: LineChart },
  { href: "/operations/", name: "Operations", icon: Wrench },
  { href: "/governance/", name: "Governance", icon: Scale },
];

const MODES: Record<string, { words: string; tone: string }> = {
  live: { words: "LIVE · real money", tone: "bg-bad text-panel" },
  paper: { words: "PAPER · simulated fills", tone: "bg-accent text-panel" },
  replay: { words: "REPLAY · recorded hours", tone: "bg-raised text-ink" },
  backtest: { words: "BACKTEST", tone: "bg-raised text-ink" },
};

export const STATES: Record<string, Tone> = { ACTIVE: "good", REDUCING: "warn", HALTED: "bad" };

/** Everything around a page: mode, navigation, whether what is shown is fresh. */
export function Shell({ children }: { children: ReactNode }) {
  return (
    <Session
      waiting={(error) => (
        <main className="mx-auto max-w-md p-6">
          {error ? <Failure error={error} /> : <Loading what="your desk" />}
        </main>
      )}
    >
      <Frame>{children}</Frame>
    </Session>
  );
}

function Frame({ children }: { children: ReactNode }) {
  const path = usePathname();
  const { portfolio, portfolios, choose, me, signOut } = useDesk();
  const { zone, setZone, theme, setTheme } = useView();
  const link = useLive();
  const overview = useOverview();
  const mode = MODES[portfolio.mode] ?? { words: portfolio.mode, tone: "bg-raised text-ink" };
  const state = overview.data?.state;

  useEffect(() => {
    const page = PAGES.find((one) => one.href === path)?.name ?? "Hour";
    document.title = `${portfolio.mode.toUpperCase()}${state && state !== "ACTIVE" ? ` ${state}` : ""} · ${page} · Ballast`;
  }, [path, portfolio.mode, state]);

  return (
    <div className="flex min-h-dvh flex-col">
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:absolute focus:z-10 focus:bg-panel focus:p-2"
      >
        skip to content
      </a>
      <section
        aria-label="mode"
        className={`flex items-center justify-center px-4 py-1 text-xs font-semibold ${mode.tone}`}
      >
        {mode.words}
      </section>
      <header className="sticky top-0 z-10 flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line bg-panel px-4 py-2">
        <span className="flex items-center gap-2 text-base font-bold">
          <Activity aria-hidden className="size-5 text-accent" /> Ballast
        </span>
        <label className="min-w-0">
          <span className="sr-only">portfolio</span>
          <select
            className="min-h-9 max-w-56 rounded border border-line bg-raised px-2"
            value={`${portfolio.track} ${portfolio.portfolio}`}
            onChange={(event) => {
              const next = portfolios.find((one) => `${one.track} ${one.portfolio}` === event.target.value);
              if (next) choose(next);
            }}
          >
            {portfolios.map((one) => (
              <option key={`${one.track} ${one.portfolio}`} value={`${one.track} ${one.portfolio}`}>
                {one.portfolio} · {one.track}
              </option>
            ))}
          </select>
        </label>
        {state && <Badge tone={STATES[state] ?? "plain"}>{state}</Badge>}
        <span className="ml-auto flex items-center gap-2">
          <span role="status" className="flex items-center gap-1 text-xs text-muted">
            {link === "live" ? (
              <Radio aria-hidden className="size-4 text-good" />
            ) : (
              <Unplug aria-hidden className="size-4 text-warn" />
            )}
            {link === "live" ? "live" : link === "waiting" ? "reconnecting" : "stream lost, asking every 5 s"}
          </span>
          <button
            type="button"
            className="min-h-9 rounded border border-line px-2 text-xs"
            onClick={() => setZone(zone === "utc" ? "local" : "utc")}
          >
            {zone === "utc" ? "UTC" : "local time"}
          </button>
          <button
            type="button"
            aria-label={theme === "dark" ? "light theme" : "dark theme"}
            className="grid size-9 place-items-center rounded border border-line"
            onClick={() => setTheme(theme === "dark" ? "light" : "dark")}
          >
            {theme === "dark" ? (
              <Sun aria-hidden className="size-4" />
            ) : (
              <Moon aria-hidden className="size-4" />
            )}
          </button>
          <button
            type="button"
            aria-label={`sign out ${me.name}`}
            title={`${me.name}, ${me.role}`}
            className="grid size-9 place-items-center rounded border border-line"
            onClick={signOut}
          >
            <LogOut aria-hidden className="size-4" />
          </button>
        </span>
      </header>
      <div className="flex flex-1 flex-col md:flex-row">
        <nav
          aria-label="pages"
          className="overflow-x-auto border-line bg-panel max-md:border-b md:w-44 md:shrink-0 md:border-r"
        >
          <ul className="flex gap-1 p-2 md:sticky md:top-14 md:flex-col">
            {PAGES.map(({ href, name, icon: Icon }) => {
              const here = path === href || (href === "/hours/" && path.startsWith("/hour/"));
              return (
                <li key={href}>
                  <Link
                    href={href}
                    prefetch={false}
                    aria-current={here ? "page" : undefined}
                    className={`flex min-h-10 items-center gap-2 rounded px-3 ${here ? "bg-accent-soft font-semibold text-accent" : "hover:bg-raised"}`}
                  >
                    <Icon aria-hidden className="size-4 shrink-0" /> {name}
                  </Link>
                </li>
              );
            })}
          </ul>
        </nav>
        <main id="content" className="min-w-0 flex-1 space-y-4 p-4">
          {state === "HALTED" && overview.data && (
            <div role="alert" className="rounded-lg border border-bad bg-bad-soft p-3 text-bad">
              <strong>HALTED.</strong> No entries until a resume is requested and approved by another person.
              Cause: {overview.data.state_cause}. Exits and stops go on.{" "}
              <Link className="underline" href="/risk/">
                See the risk page
              </Link>
              .
            </div>
          )}
          {children}
        </main>
      </div>
    </div>
  );
}
