"use client";

import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import type { Zone } from "./format";

type Theme = "light" | "dark";

interface View {
  zone: Zone;
  theme: Theme;
  now: number;
  setZone: (zone: Zone) => void;
  setTheme: (theme: Theme) => void;
}

const Context = createContext<View | null>(null);

/** How the reader wants it shown: time zone and theme, kept in the browser, and the present second. */
export function ViewProvider({ children }: { children: ReactNode }) {
  const [zone, setZoneState] = useState<Zone>("utc");
  const [theme, setThemeState] = useState<Theme>("light");
  const [now, setNow] = useState(0);

  useEffect(() => {
    setZoneState(localStorage.getItem("zone") === "local" ? "local" : "utc");
    setThemeState(document.documentElement.dataset.theme === "dark" ? "dark" : "light");
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
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
  const view = useMemo(
    () => ({ zone, theme, now, setZone, setTheme }),
    [zone, theme, now, setZone, setTheme],
  );
  return <Context value={view}>{children}</Context>;
}

export function useView(): View {
  const view = useContext(Context);
  if (!view) throw new Error("useView needs a ViewProvider above it");
  return view;
}
