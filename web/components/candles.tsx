"use client";

import {
  CandlestickSeries,
  createChart,
  createSeriesMarkers,
  LineStyle,
  type SeriesMarker,
  type Time,
  type UTCTimestamp,
} from "lightweight-charts";
import { useEffect, useRef, useState } from "react";
import { Problem, type Schemas } from "@/lib/api";
import { time } from "@/lib/format";
import { useCandles, useUniverse } from "@/lib/market";
import { usePositions, useTrades } from "@/lib/questions";
import { useView } from "@/lib/view";
import { color } from "./chart";
import { Badge, Empty, Failure, Loading, Panel } from "./parts";
import { Table } from "./table";

type Trade = Schemas["Trade"];
type Holding = Schemas["Holding"];

const HOUR_MS = 3_600_000;

/** One instrument, chosen: its hours, what was bought and sold in it, and where its stop and target rest. */
export function CandlePanel({ first }: { first: string }) {
  const [instrument, setInstrument] = useState(first);
  const universe = useUniverse();
  const candles = useCandles(instrument);
  const trades = useTrades(instrument);
  const positions = usePositions();
  const names = universe.data?.candidates.map((one) => one.instrument) ?? [instrument];
  const held = positions.data?.positions.find((one) => one.instrument === instrument);
  const none = candles.error instanceof Problem && candles.error.status === 404;
  return (
    <Panel
      title="Entries, exits and stops"
      aside={
        <label className="flex items-center gap-2 text-xs">
          instrument
          <select
            className="min-h-9 rounded border border-line bg-raised px-2"
            value={instrument}
            onChange={(event) => setInstrument(event.target.value)}
          >
            {names.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      }
    >
      {candles.isPending && <Loading what="the hours" />}
      {candles.isError &&
        (none ? (
          <Empty>No window of the market shows {instrument} yet.</Empty>
        ) : (
          <Failure error={candles.error} again={candles.refetch} />
        ))}
      {candles.data && <Candles candles={candles.data} trades={trades.data?.items ?? []} held={held} />}
    </Panel>
  );
}

function Candles({
  candles,
  trades,
  held,
}: {
  candles: Schemas["Candles"];
  trades: Trade[];
  held: Holding | undefined;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const { theme, zone } = useView();
  const [table, setTable] = useState(false);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme is read through the palette
  useEffect(() => {
    if (!frame.current || table) return;
    const offset = zone === "utc" ? 0 : -new Date().getTimezoneOffset() * 60;
    // A candle stands at the beginning of its hour, as everywhere else.
    const at = (iso: string) =>
      (Math.floor((Date.parse(iso) - HOUR_MS) / HOUR_MS) * 3600 + offset) as UTCTimestamp;
    const [good, bad, ink] = [color("good"), color("bad"), color("ink")];
    const chart = createChart(frame.current, {
      autoSize: true,
      layout: {
        background: { color: "transparent" },
        textColor: color("muted"),
        attributionLogo: false,
      },
      grid: { vertLines: { visible: false }, horzLines: { color: color("line") } },
      rightPriceScale: { borderColor: color("line") },
      timeScale: { borderColor: color("line"), timeVisible: true },
    });
    const series = chart.addSeries(CandlestickSeries, {
      upColor: good,
      wickUpColor: good,
      downColor: bad,
      wickDownColor: bad,
      borderVisible: false,
      priceFormat: { type: "price", minMove: tick(candles.close), precision: digits(candles.close) },
    });
    series.setData(
      candles.asof.map((asof, n) => ({
        time: at(asof),
        open: candles.open[n] as number,
        high: candles.high[n] as number,
        low: candles.low[n] as number,
        close: candles.close[n] as number,
      })),
    );
    const begins = Date.parse(candles.asof[0] ?? "") - HOUR_MS;
    const marks: SeriesMarker<Time>[] = trades
      .filter((trade) => Date.parse(trade.at) >= begins)
      .map((trade) => ({
        // In the hour in which it happened, whose candle ends later.
        time: (Math.floor(Date.parse(trade.at) / HOUR_MS) * 3600 + offset) as UTCTimestamp,
        position: trade.side === "buy" ? ("belowBar" as const) : ("aboveBar" as const),
        shape: trade.side === "buy" ? ("arrowUp" as const) : ("arrowDown" as const),
        color: trade.side === "buy" ? good : ink,
        text: trade.kind === "stop" ? "stop" : trade.side,
      }))
      .sort((a, b) => Number(a.time) - Number(b.time));
    createSeriesMarkers(series, marks);
    for (const [title, price, ink] of [
      ["entry", held?.entry, color("accent")],
      ["stop", held?.stop, bad],
      ["target", held?.take, good],
    ] as const) {
      if (price)
        series.createPriceLine({
          price: Number(price),
          color: ink,
          lineStyle: LineStyle.Dashed,
          lineWidth: 1,
          title,
        });
    }
    chart
      .timeScale()
      .setVisibleLogicalRange({ from: candles.asof.length - 168, to: candles.asof.length + 4 });
    return () => chart.remove();
  }, [candles, trades, held, zone, theme, table]);

  return (
    <figure aria-label={`${candles.instrument}, hour by hour`}>
      <div className="mb-2 flex items-center justify-between gap-2">
        <figcaption className="flex flex-wrap gap-2 text-xs text-muted">
          {candles.instrument}, hour by hour
          {held ? (
            <>
              <Badge tone="accent">entry {held.entry}</Badge>
              {held.stop && <Badge tone="bad">stop {held.stop}</Badge>}
              {held.take && <Badge tone="good">target {held.take}</Badge>}
            </>
          ) : (
            <Badge>not held</Badge>
          )}
        </figcaption>
        <button
          type="button"
          className="text-xs underline underline-offset-2"
          aria-pressed={table}
          onClick={() => setTable(!table)}
        >
          {table ? "show the candles" : "show the hours as a table"}
        </button>
      </div>
      {table ? <Hours candles={candles} trades={trades} /> : <div ref={frame} className="h-80" />}
    </figure>
  );
}

function Hours({ candles, trades }: { candles: Schemas["Candles"]; trades: Trade[] }) {
  const { zone } = useView();
  const rows = candles.asof.map((asof, n) => ({ asof, n })).reverse();
  const within = (asof: string, trade: Trade) => {
    const past = Date.parse(asof) - Date.parse(trade.at);
    return past > 0 && past <= HOUR_MS;
  };
  return (
    <div className="max-h-80 overflow-y-auto">
      <Table
        label={`hours of ${candles.instrument}, newest first`}
        rows={rows}
        id={(row) => row.asof}
        empty="No hour has a price."
        columns={[
          { name: "until", cell: (row) => <span className="num">{time(row.asof, zone)}</span> },
          { name: "open", number: true, cell: (row) => candles.open[row.n] },
          { name: "high", number: true, cell: (row) => candles.high[row.n] },
          { name: "low", number: true, cell: (row) => candles.low[row.n] },
          { name: "close", number: true, cell: (row) => candles.close[row.n] },
          {
            name: "traded",
            cell: (row) =>
              trades
                .filter((trade) => within(row.asof, trade))
                .map((trade) => `${trade.side} ${trade.quantity} at ${trade.price}`)
                .join(", "),
          },
        ]}
      />
    </div>
  );
}

/** Digits behind the point that tell prices of this size apart. */
function digits(closes: number[]): number {
  const last = closes.at(-1) ?? 1;
  return Math.max(0, Math.min(8, 5 - Math.ceil(Math.log10(last || 1))));
}

function tick(closes: number[]): number {
  return 10 ** -digits(closes);
}
