"use client";

import { ExternalLink } from "lucide-react";
import Link from "next/link";
import { useSearchParams } from "next/navigation";
import { type ReactNode, Suspense } from "react";
import { Badge, Empty, Failure, Loading, Note, Stat } from "@/components/parts";
import { Table } from "@/components/table";
import type { OneHour } from "@/lib/api";
import { amount, hourKey, percent, time } from "@/lib/format";
import { OUTCOMES, VERDICTS } from "@/lib/outcomes";
import { useHour } from "@/lib/questions";
import { useView } from "@/lib/view";

export default function Page() {
  return (
    <Suspense fallback={<Loading what="the hour" />}>
      <Hour />
    </Suspense>
  );
}

function Hour() {
  const asof = useSearchParams().get("asof") ?? "";
  const hour = useHour(asof);
  const { zone } = useView();
  if (asof === "") return <Empty>No hour is named. Choose one from the list of hours.</Empty>;
  if (hour.isPending) return <Loading what="the hour" />;
  if (hour.isError) return <Failure error={hour.error} again={hour.refetch} />;
  const told = hour.data;
  return (
    <>
      <header className="flex flex-wrap items-center gap-3">
        <h1 className="num text-lg font-semibold">{time(told.asof, zone)}</h1>
        <Badge tone={OUTCOMES[told.outcome] ?? "plain"}>{told.outcome}</Badge>
        {told.reason && <span className="text-muted">{told.reason}</span>}
        <nav aria-label="neighbouring hours" className="ml-auto flex gap-3">
          <Link className="underline" href={`/hour/?asof=${hourKey(told.previous)}`}>
            previous
          </Link>
          <Link className="underline" href={`/hour/?asof=${hourKey(told.next)}`}>
            next
          </Link>
          {told.workflow && (
            <a className="inline-flex items-center gap-1 underline" href={told.workflow}>
              Temporal <ExternalLink aria-hidden className="size-3.5" />
            </a>
          )}
        </nav>
      </header>
      <ol className="relative space-y-4 border-l-2 border-line pl-5">
        <Stage name="Market" done={Object.keys(told.stages).length > 0}>
          <Stages stages={told.stages} />
        </Stage>
        <Stage name="Mark and guard" done={told.account !== null}>
          <Guard account={told.account} />
        </Stage>
        <Stage name="Decision" done={told.decision !== ""}>
          <WhyNot told={told} />
        </Stage>
        <Stage name="Risk" done={told.verdicts.length > 0}>
          <Table
            label="verdicts of risk"
            rows={told.verdicts}
            id={(row) => row.instrument}
            empty="Nothing was asked of risk."
            columns={[
              { name: "instrument", cell: (row) => row.instrument },
              {
                name: "verdict",
                cell: (row) => <Badge tone={VERDICTS[row.verdict] ?? "plain"}>{row.verdict}</Badge>,
              },
              { name: "because", cell: (row) => row.reason },
              { name: "controls that bound", cell: (row) => row.breaches.join(", ") || "none" },
              { name: "wanted", number: true, cell: (row) => row.wanted },
              { name: "approved", number: true, cell: (row) => row.approved },
              { name: "limit", number: true, cell: (row) => row.limit },
              { name: "stop", number: true, cell: (row) => (row.stop === "0" ? "" : row.stop) },
            ]}
          />
        </Stage>
        <Stage name="Orders" done={told.orders.length > 0}>
          <Table
            label="orders of the hour"
            rows={told.orders.map((row, number) => ({ ...row, number }))}
            id={(row) => String(row.number)}
            empty="No order was sent."
            columns={[
              { name: "instrument", cell: (row) => row.instrument },
              { name: "kind", cell: (row) => row.kind },
              { name: "quantity", number: true, cell: (row) => row.quantity },
              {
                name: "price",
                number: true,
                cell: (row) => (row.price === "0" ? "market" : row.price),
              },
              { name: "state", cell: (row) => row.state },
              { name: "note", cell: (row) => row.note },
            ]}
          />
        </Stage>
        <Stage name="Fills" done={told.fills.length > 0}>
          <Table
            label="fills of the hour"
            rows={told.fills.map((row, number) => ({ ...row, number }))}
            id={(row) => String(row.number)}
            empty="Nothing was filled."
            columns={[
              { name: "at", cell: (row) => <span className="num">{time(row.at, zone, true)}</span> },
              { name: "instrument", cell: (row) => row.instrument },
              { name: "kind", cell: (row) => row.kind },
              { name: "quantity", number: true, cell: (row) => row.quantity },
              { name: "price", number: true, cell: (row) => row.price },
              { name: "value", number: true, cell: (row) => amount(row.value) },
              { name: "fee", number: true, cell: (row) => amount(row.fee, 4) },
              { name: "as", cell: (row) => (row.maker ? "maker" : "taker") },
            ]}
          />
        </Stage>
        <Stage name="Proof" done={told.proof !== ""}>
          {told.proof === "" && <Empty>Not proved yet.</Empty>}
          {told.proof === "HELD" && (
            <Note tone="good">
              Another process came to the same decision and the same state, from the raw replies.
            </Note>
          )}
          {told.proof !== "" && told.proof !== "HELD" && (
            <Note tone="bad">The proof failed: {told.proof}</Note>
          )}
        </Stage>
      </ol>
    </>
  );
}

function Stage({ name, done, children }: { name: string; done: boolean; children: ReactNode }) {
  return (
    <li className="relative rounded-lg border border-line bg-panel p-4">
      <span
        aria-hidden
        className={`absolute -left-[1.72rem] top-5 size-3 rounded-full border-2 ${done ? "border-accent bg-accent" : "border-muted bg-surface"}`}
      />
      <h2 className="mb-2 font-semibold">{name}</h2>
      {children}
    </li>
  );
}

function Stages({ stages }: { stages: OneHour["stages"] }) {
  const names = ["fetch", "features", "predict", "roll"].filter((name) => stages[name]);
  if (names.length === 0) return <Empty>Nothing of the market is stored for this hour.</Empty>;
  return (
    <dl className="grid gap-3 sm:grid-cols-2 xl:grid-cols-4">
      {names.map((name) => (
        <div key={name} className="min-w-0 rounded bg-raised p-3">
          <dt className="font-medium">{name}</dt>
          {Object.entries(stages[name] ?? {}).map(([key, value]) => (
            <dd key={key} className="num truncate text-xs text-muted" title={String(value)}>
              {key}: {typeof value === "object" ? JSON.stringify(value) : String(value)}
            </dd>
          ))}
        </div>
      ))}
    </dl>
  );
}

function Guard({ account }: { account: OneHour["account"] }) {
  if (!account) return <Empty>The account was not marked.</Empty>;
  const triggers = account.triggers;
  return (
    <>
      <dl className="grid grid-cols-2 gap-4 sm:grid-cols-4">
        <Stat label="equity" value={amount(account.equity)} />
        <Stat label="exposure" value={percent(account.exposure)} note={`${account.positions} positions`} />
        <Stat label="risk drawdown" value={percent(account.risk_drawdown)} note={`tier ${account.tier}`} />
        <Stat label="state" value={account.state} note={account.halt} />
      </dl>
      {triggers.length > 0 && (
        <div className="mt-3">
          <Note tone="bad">Kill switch: {triggers.join(", ")}</Note>
        </div>
      )}
    </>
  );
}

function WhyNot({ told }: { told: OneHour }) {
  const rows = Object.entries(told.why_not).map(([instrument, gate]) => ({ instrument, gate }));
  if (told.decision === "") return <Empty>Nothing was decided.</Empty>;
  return (
    <>
      <Table
        label="why each other instrument was not traded"
        rows={rows}
        id={(row) => row.instrument}
        empty="Every instrument has an intent."
        columns={[
          { name: "instrument", cell: (row) => row.instrument },
          { name: "why no trade", cell: (row) => row.gate },
        ]}
      />
      <p className="num mt-2 truncate text-xs text-muted" title={told.decision}>
        decision {told.decision}
      </p>
    </>
  );
}
