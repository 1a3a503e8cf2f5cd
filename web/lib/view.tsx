"use client";

import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import type { Zone } from "./format";

type Theme = "light" | "dark";

interface View {
  zone: Zone;
  theme: Theme;
  setZone: (zone: Zone) => void;
  setTheme: (theme: Theme) => void;
}

const Context = createContext<View | null>(null);

/** How the reader wants it shown: time zone and theme, kept in the browser. */
export function ViewProvider({ children }: { children: ReactNode }) {
  const [zone, setZoneState] = useState<Zone>("utc");
  const [theme, setThemeState] = useState<Theme>("light");

  useEffect(() => {
    setZoneState(localStorage.getItem("zone") === "local" ? "local" : "utc");
    setThemeState(document.documentElement.dataset.theme === "dark" ? "dark" : "light");
  }, []);

  const setZone = useCallback((next: Zone) => {
    localStorage.setItem("zone", next);
    setZoneState(next);
  }, []);
  const setTheme = useCallback((next: Theme) => {
    localStorage.setItem("theme", next);
    document.documentElement.dataset.theme = next;
    setThemeState(next);
  }, []);
  const view = useMemo(() => ({ zone, theme, setZone, setTheme }), [zone, theme, setZone, setTheme]);
  return <Context value={view}>{children}</Context>;
}

export function useView(): View {
  const view = useContext(Context);
  if (!view) throw new Error("useView needs a ViewProvider above it");
  return view;
}

/** The present second, for the few places that count; whoever asks is drawn anew each second. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
