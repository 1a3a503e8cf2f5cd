"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useDesk } from "./session";

export type Link = "live" | "waiting" | "lost";

const LOST_MS = 20_000;

/** Listens for changes and asks anew for what is shown; while the stream is away, every query polls. */
export function useLive(): Link {
  const queries = useQueryClient();
  const { portfolio } = useDesk();
  const [link, setLink] = useState<Link>("waiting");

  useEffect(() => {
    const where = `/api/portfolios/${encodeURIComponent(portfolio.portfolio)}/events?track=${encodeURIComponent(portfolio.track)}`;
    const stream = new EventSource(where);
    let lost: ReturnType<typeof setTimeout> | undefined;
    const refresh = () => queries.invalidateQueries({ queryKey: [portfolio.track, portfolio.portfolio] });
    stream.onopen = () => {
      clearTimeout(lost);
      setLink("live");
    };
    stream.addEventListener("change", refresh);
    stream.onerror = () => {
      setLink("waiting");
      clearTimeout(lost);
      lost = setTimeout(() => setLink("lost"), LOST_MS);
    };
    return () => {
      clearTimeout(lost);
      stream.close();
    };
  }, [portfolio.track, portfolio.portfolio, queries]);

  useEffect(() => {
    if (link === "live") return;
    const timer = setInterval(
      () => queries.invalidateQueries({ queryKey: [portfolio.track, portfolio.portfolio] }),
      5000,
    );
    return () => clearInterval(timer);
  }, [link, portfolio.track, portfolio.portfolio, queries]);

  return link;
}
