"use client";

import { CandlePanel } from "@/components/candles";
import { DecidedPanel } from "@/components/decided";
import { Badge, Panel, Stat } from "@/components/parts";
import { Table } from "@/components/table";
import { percent, time } from "@/lib/format";
import { useUniverse } from "@/lib/market";
import { useMarket } from "@/lib/questions";
import { useView } from "@/lib/view";

export default function Page() {
  return (
    <>
      <h1 className="text-lg font-semibold">Market</h1>
      <Universe />
      <Quality />
      <CandlePanel first="BTC/USD" />
    </>
  );
}

const WORDS: Record<string, string> = {
  eligible: "may be traded",
  "not listed": "not listed at the venue",
  excluded: "on a reviewed list",
  stale: "hardly traded in the last day",
  "too young": "listed too short a time",
  volume: "turns over too little",
  spread: "its spread is too wide",
  rank: "too far down by turnover",
};

function Universe() {
  return (
    <DecidedPanel title="Who may be traded, and why not" what="the universe" told={useUniverse()}>
      {(told) => (
        <div className="space-y-4">
          <p className="text-xs text-muted">
            Listed {told.age_d} days or longer, a median turnover of {whole(told.notional_min)} a day or more,
            a spread of {told.spread_bp_max} bp or less; of these the {told.names_max} largest. Stablecoins,
            wrapped, tokenised and meme coins stay out by reviewed lists.
          </p>
          <Table
            label="instruments, and the first rule that keeps each out"
            rows={told.candidates}
            id={(row) => row.instrument}
            empty="The window holds no instrument."
            columns={[
              { name: "instrument", cell: (row) => row.instrument },
              {
                name: "may be traded",
                cell: (row) =>
                  row.eligible ? <Badge tone="good">yes</Badge> : <Badge tone="warn">no</Badge>,
              },
              {
                name: "because",
                cell: (row) => (row.list ? `on the list: ${row.list}` : (WORDS[row.reason] ?? row.reason)),
              },
              {
                name: "turnover a day",
                number: true,
                cell: (row) => (row.notional === null ? "not known" : whole(row.notional)),
              },
              {
                name: "spread",
                number: true,
                cell: (row) => (row.spread_bp === null ? "not known" : `${row.spread_bp.toFixed(1)} bp`),
              },
            ]}
          />
        </div>
      )}
    </DecidedPanel>
  );
}

function Quality() {
  const market = useMarket();
  const { zone } = useView();
  if (!market.data) return null;
  const seen = market.data;
  const count = (test: (one: (typeof seen.instruments)[number]) => boolean) =>
    `${seen.instruments.filter(test).length} of ${seen.instruments.length}`;
  return (
    <Panel
      title="Quality of the last hour's data"
      aside={<span className="num text-xs text-muted">{time(seen.asof, zone)}</span>}
    >
      <dl className="grid grid-cols-2 gap-4 sm:grid-cols-4">
        <Stat
          label="verdict"
          value={seen.refused ? <Badge tone="bad">refused</Badge> : <Badge tone="good">usable</Badge>}
          note={seen.refused ? "nothing is entered" : "bitcoin and two thirds are whole"}
        />
        <Stat label="bars usable" value={count((one) => one.usable)} note="the others are kept out" />
        <Stat label="traded in the hour" value={count((one) => one.traded)} />
        <Stat
          label="bitcoin's volatility"
          value={seen.btc_volatility_percentile === null ? "–" : percent(seen.btc_volatility_percentile, 0)}
          note="of its own past lies below"
        />
      </dl>
    </Panel>
  );
}

function whole(value: number): string {
  return new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 }).format(value);
}
