"use client";

import {
  AreaSeries,
  BaselineSeries,
  createChart,
  type IChartApi,
  LineSeries,
  type UTCTimestamp,
} from "lightweight-charts";
import { useEffect, useRef, useState } from "react";
import { useView } from "@/lib/view";

export interface Line {
  name: string;
  kind: "line" | "area" | "baseline";
  /** Pane from the top, 0 first. */
  pane: number;
  values: (number | null)[];
  /** A palette name of globals.css. */
  color: string;
  format: (value: number) => string;
}

export function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Lines over time in panes one above the other, with a table of the same figures for whoever prefers it. */
export function TimeChart({
  label,
  asof,
  lines,
  height = 320,
}: {
  label: string;
  asof: string[];
  lines: Line[];
  height?: number;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const { theme, zone } = useView();
  const [table, setTable] = useState(false);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme is read through the palette
  useEffect(() => {
    if (!frame.current || table) return;
    const chart: IChartApi = createChart(frame.current, {
      height,
      autoSize: true,
      layout: {
        background: { color: "transparent" },
        textColor: color("muted"),
        panes: { separatorColor: color("line") },
        attributionLogo: false,
      },
      grid: { vertLines: { visible: false }, horzLines: { color: color("line") } },
      rightPriceScale: { borderColor: color("line") },
      timeScale: { borderColor: color("line"), timeVisible: true },
      localization: {
        timeFormatter: (at: number) =>
          new Date(at * 1000).toLocaleString("sv-SE", zone === "utc" ? { timeZone: "UTC" } : {}),
      },
    });
    const offset = zone === "utc" ? 0 : -new Date().getTimezoneOffset() * 60;
    for (const line of lines) {
      const ink = color(line.color);
      const format = { type: "custom" as const, formatter: line.format, minMove: 0.0001 };
      const common = { title: line.name, priceFormat: format, priceLineVisible: false };
      const series =
        line.kind === "area"
          ? chart.addSeries(
              AreaSeries,
              {
                ...common,
                lineColor: ink,
                topColor: `${ink}55`,
                bottomColor: `${ink}08`,
                lineWidth: 2,
                invertFilledArea: true,
              },
              line.pane,
            )
          : line.kind === "baseline"
            ? chart.addSeries(
                BaselineSeries,
                {
                  ...common,
                  topLineColor: ink,
                  topFillColor1: `${ink}44`,
                  topFillColor2: `${ink}08`,
                  lineWidth: 2,
                  baseValue: { type: "price", price: line.values.find((v) => v !== null) ?? 0 },
                },
                line.pane,
              )
            : chart.addSeries(LineSeries, { ...common, color: ink, lineWidth: 2 }, line.pane);
      series.setData(
        asof.flatMap((at, index) => {
          const value = line.values[index];
          return value === null || value === undefined
            ? []
            : [{ time: (Date.parse(at) / 1000 + offset) as UTCTimestamp, value }];
        }),
      );
    }
    chart.panes()[0]?.setStretchFactor(3);
    chart.timeScale().fitContent();
    return () => chart.remove();
  }, [asof, lines, height, zone, theme, table]);

  return (
    <figure aria-label={label}>
      <div className="mb-2 flex items-center justify-between gap-2">
        <figcaption className="text-xs text-muted">{label}</figcaption>
        <button
          type="button"
          className="text-xs underline underline-offset-2"
          aria-pressed={table}
          onClick={() => setTable(!table)}
        >
          {table ? "show the chart" : "show a table"}
        </button>
      </div>
      {table ? <Figures label={label} asof={asof} lines={lines} /> : <div ref={frame} style={{ height }} />}
      <p className="mt-1 text-right text-[11px] text-muted">
        charts by{" "}
        <a className="underline" href="https://www.tradingview.com/lightweight-charts/">
          TradingView Lightweight Charts
        </a>
      </p>
    </figure>
  );
}

const ROWS_SHOWN = 200;

function Figures({ label, asof, lines }: { label: string; asof: string[]; lines: Line[] }) {
  const { zone } = useView();
  const rows = asof
    .map((at, index) => ({ at, index }))
    .slice(-ROWS_SHOWN)
    .reverse();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a frame that scrolls must be reachable by keyboard
    <section aria-label={`${label}, as a table`} tabIndex={0} className="max-h-80 overflow-auto">
      <table className="w-full text-left whitespace-nowrap">
        <caption className="text-left text-xs text-muted">
          the newest {rows.length} of {asof.length}
        </caption>
        <thead>
          <tr className="text-xs text-muted">
            <th scope="col" className="py-1 pr-4 font-medium">
              time
            </th>
            {lines.map((line) => (
              <th key={line.name} scope="col" className="py-1 pr-4 text-right font-medium">
                {line.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ at, index }) => (
            <tr key={at} className="border-t border-line">
              <td className="num py-1 pr-4">
                {at.slice(0, 16).replace("T", " ")}
                {zone === "utc" ? "" : " UTC"}
              </td>
              {lines.map((line) => {
                const value = line.values[index];
                return (
                  <td key={line.name} className="num py-1 pr-4 text-right">
                    {value === null || value === undefined ? "" : line.format(value)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
