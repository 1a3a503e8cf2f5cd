"use client";

import { Download } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { CandlePanel } from "@/components/candles";
import { Badge, Button, Failure, Loading, Panel } from "@/components/parts";
import { Table } from "@/components/table";
import { amount, hourKey, time } from "@/lib/format";
import { VERDICTS } from "@/lib/outcomes";
import { useOrders, useTrades, useVerdicts } from "@/lib/questions";
import { useDesk } from "@/lib/session";
import { useView } from "@/lib/view";

export default function Page() {
  return (
    <>
      <h1 className="text-lg font-semibold">Trades and orders</h1>
      <Open />
      <Traded />
      <Trades />
      <Verdicts />
    </>
  );
}

/** Begins with what was traded last. */
function Traded() {
  const trades = useTrades("");
  if (trades.isPending) return null;
  const last = trades.data?.items[0]?.instrument ?? "BTC/USD";
  return <CandlePanel key={last} first={last} />;
}

function Open() {
  const orders = useOrders(true);
  const { zone } = useView();
  return (
    <Panel title="Orders at work">
      {orders.isPending && <Loading what="orders" />}
      {orders.isError && <Failure error={orders.error} again={orders.refetch} />}
      {orders.data && (
        <Table
          label="orders at work, newest first"
          rows={orders.data.items}
          id={(row) => row.id}
          empty="No order is at work."
          columns={[
            { name: "asof", cell: (row) => <HourLink asof={row.asof} /> },
            { name: "instrument", cell: (row) => row.instrument },
            { name: "side", cell: (row) => row.side },
            { name: "kind", cell: (row) => row.kind },
            { name: "quantity", number: true, cell: (row) => row.quantity },
            { name: "price", number: true, cell: (row) => row.price ?? "market" },
            { name: "stop", number: true, cell: (row) => row.stop ?? "" },
            { name: "state", cell: (row) => row.state },
            { name: "until", cell: (row) => (row.expires ? time(row.expires, zone) : "cancelled") },
          ]}
        />
      )}
    </Panel>
  );
}

function Trades() {
  const [places, setPlaces] = useState<string[]>([]);
  const [instrument, setInstrument] = useState("");
  const trades = useTrades(instrument, places.at(-1));
  const { portfolio } = useDesk();
  const { zone } = useView();
  const where = `/api/portfolios/${encodeURIComponent(portfolio.portfolio)}/trades.csv?track=${encodeURIComponent(portfolio.track)}`;
  return (
    <Panel
      title="Trades"
      aside={
        <span className="flex flex-wrap items-center gap-3 text-xs">
          <label className="flex items-center gap-2">
            instrument
            <input
              className="min-h-9 w-28 rounded border border-line bg-raised px-2"
              placeholder="BTC/USD"
              value={instrument}
              onChange={(event) => {
                setInstrument(event.target.value.toUpperCase());
                setPlaces([]);
              }}
            />
          </label>
          <a className="inline-flex items-center gap-1 underline" href={where} download>
            <Download aria-hidden className="size-3.5" /> CSV
          </a>
        </span>
      }
    >
      {trades.isPending && <Loading what="trades" />}
      {trades.isError && <Failure error={trades.error} again={trades.refetch} />}
      {trades.data && (
        <>
          <Table
            label="trades, newest first"
            rows={trades.data.items}
            id={(row) => row.trade_id}
            empty="Nothing was traded."
            columns={[
              { name: "at", cell: (row) => <span className="num">{time(row.at, zone, true)}</span> },
              { name: "asof", cell: (row) => <HourLink asof={row.asof} /> },
              { name: "instrument", cell: (row) => row.instrument },
              {
                name: "side",
                cell: (row) => <Badge tone={row.side === "buy" ? "good" : "plain"}>{row.side}</Badge>,
              },
              { name: "order", cell: (row) => row.kind },
              { name: "quantity", number: true, cell: (row) => row.quantity },
              { name: "price", number: true, cell: (row) => row.price },
              { name: "value", number: true, cell: (row) => amount(row.value) },
              { name: "fee", number: true, cell: (row) => amount(row.fee, 4) },
              {
                name: "slippage",
                number: true,
                cell: (row) => (row.slippage ? amount(row.slippage, 4) : ""),
              },
              { name: "as", cell: (row) => (row.maker ? "maker" : "taker") },
            ]}
          />
          <nav aria-label="parts of the list" className="mt-4 flex gap-2">
            <Button disabled={places.length === 0} onClick={() => setPlaces(places.slice(0, -1))}>
              newer
            </Button>
            <Button
              disabled={!trades.data.next}
              onClick={() => trades.data.next && setPlaces([...places, trades.data.next])}
            >
              older
            </Button>
          </nav>
        </>
      )}
    </Panel>
  );
}

function Verdicts() {
  const [verdict, setVerdict] = useState("");
  const verdicts = useVerdicts(verdict);
  return (
    <Panel
      title="What risk said"
      aside={
        <label className="flex items-center gap-2 text-xs">
          verdict
          <select
            className="min-h-9 rounded border border-line bg-raised px-2"
            value={verdict}
            onChange={(event) => setVerdict(event.target.value)}
          >
            <option value="">all</option>
            {Object.keys(VERDICTS).map((word) => (
              <option key={word}>{word}</option>
            ))}
          </select>
        </label>
      }
    >
      {verdicts.isPending && <Loading what="verdicts" />}
      {verdicts.isError && <Failure error={verdicts.error} again={verdicts.refetch} />}
      {verdicts.data && (
        <Table
          label="verdicts of risk, newest first"
          rows={verdicts.data.items}
          id={(row) => `${row.asof} ${row.instrument}`}
          empty={verdict ? `Nothing was ${verdict}.` : "Nothing was asked of risk yet."}
          columns={[
            { name: "asof", cell: (row) => <HourLink asof={row.asof} /> },
            { name: "instrument", cell: (row) => row.instrument },
            { name: "side", cell: (row) => row.side },
            {
              name: "verdict",
              cell: (row) => <Badge tone={VERDICTS[row.verdict] ?? "plain"}>{row.verdict}</Badge>,
            },
            { name: "because", cell: (row) => row.reason },
            { name: "controls that bound", cell: (row) => row.breaches.join(", ") || "none" },
            { name: "wanted", number: true, cell: (row) => row.wanted },
            { name: "approved", number: true, cell: (row) => row.approved },
          ]}
        />
      )}
    </Panel>
  );
}

function HourLink({ asof }: { asof: string }) {
  const { zone } = useView();
  return (
    <Link className="num underline decoration-dotted" href={`/hour/?asof=${hourKey(asof)}`}>
      {time(asof, zone)}
    </Link>
  );
}
