"use client";

import { Check, CircleHelp, Download, X } from "lucide-react";
import { Again, Beside } from "@/components/beside";
import { Badge, Empty, Failure, Loading, Note, Panel, Stat, type Tone } from "@/components/parts";
import { Table } from "@/components/table";
import type { Schemas } from "@/lib/api";
import { percent, signed, time } from "@/lib/format";
import { usePerformance } from "@/lib/questions";
import { useDesk } from "@/lib/session";
import { useView } from "@/lib/view";

const OUTCOMES: Record<string, Tone> = { MET: "good", "NOT MET": "bad", INCONCLUSIVE: "warn" };
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export default function Page() {
  const told = usePerformance();
  const { portfolio } = useDesk();
  const { zone } = useView();
  if (told.isPending) return <Loading what="the record" />;
  if (told.isError) return <Failure error={told.error} again={told.refetch} />;
  const record = told.data;
  const where = `/api/portfolios/${encodeURIComponent(portfolio.portfolio)}/equity.csv?track=${encodeURIComponent(portfolio.track)}`;
  return (
    <>
      <header className="flex flex-wrap items-center gap-3">
        <h1 className="text-lg font-semibold">Performance</h1>
        <Badge>{record.label}</Badge>
        <Badge tone={OUTCOMES[record.outcome] ?? "plain"}>{record.outcome}</Badge>
        <a className="ml-auto inline-flex items-center gap-1 text-xs underline" href={where} download>
          <Download aria-hidden className="size-3.5" /> every hour as CSV
        </a>
      </header>
      {record.sharpe === null ? (
        <Panel title="Record">
          <Empty>The record is shorter than two days; it says nothing yet.</Empty>
        </Panel>
      ) : (
        <>
          <Panel
            title="Record"
            aside={
              record.since &&
              record.until && (
                <span className="num text-xs text-muted">
                  {time(record.since, zone)} to {time(record.until, zone)}
                </span>
              )
            }
          >
            <dl className="grid grid-cols-2 gap-4 sm:grid-cols-4 xl:grid-cols-6">
              <Stat label="growth a year" value={share(record.cagr)} note="net, of unit value" />
              <Stat label="Sharpe ratio" value={record.sharpe?.toFixed(2) ?? "–"} />
              <Stat label="Sortino ratio" value={record.sortino?.toFixed(2) ?? "–"} />
              <Stat label="volatility" value={share(record.volatility)} />
              <Stat label="maximum drawdown" value={share(record.max_drawdown)} />
              <Stat
                label="worst month"
                value={record.worst_month === null ? "–" : signed(record.worst_month)}
              />
              <Stat label="mean exposure" value={share(record.exposure)} />
              <Stat label="turnover" value={record.turnover?.toFixed(1) ?? "–"} note="round trips a year" />
              <Stat label="trades" value={record.trades} />
              <Stat label="fees paid" value={record.fees_paid.toFixed(2)} />
              <Stat label="length" value={`${record.years.toFixed(2)} y`} />
            </dl>
          </Panel>
          <Panel title="Targets">
            <div className="space-y-3">
              <Note tone={record.outcome === "NOT MET" ? "bad" : "warn"}>
                {record.outcome === "NOT MET"
                  ? "At least one target is not met."
                  : "A record alone proves nothing: the statistical bounds need years, a falling year and every trial that was made."}
              </Note>
              <Table
                label="targets"
                rows={record.targets}
                id={(row) => row.name}
                empty=""
                columns={[
                  { name: "target", cell: (row) => row.name },
                  { name: "wanted", cell: (row) => row.wanted },
                  {
                    name: "measured",
                    number: true,
                    cell: (row) => (row.value === null ? "not measured" : row.value.toFixed(4)),
                  },
                  { name: "holds", cell: (row) => <Holds holds={row.holds} /> },
                ]}
              />
            </div>
          </Panel>
          <Beside />
          <Panel title="Months">
            <Months months={record.months} />
          </Panel>
        </>
      )}
      <Again />
    </>
  );
}

function share(value: number | null): string {
  return value === null ? "–" : percent(value);
}

function Holds({ holds }: { holds: boolean | null }) {
  if (holds === null)
    return (
      <span className="inline-flex items-center gap-1 text-muted">
        <CircleHelp aria-hidden className="size-4" /> not known
      </span>
    );
  return holds ? (
    <span className="inline-flex items-center gap-1 text-good">
      <Check aria-hidden className="size-4" /> yes
    </span>
  ) : (
    <span className="inline-flex items-center gap-1 text-bad">
      <X aria-hidden className="size-4" /> no
    </span>
  );
}

/** A row a year; the depth of a cell's colour is the size of the result, the number says it. */
function Months({ months }: { months: Schemas["Month"][] }) {
  const byMonth = new Map(months.map((month) => [month.month.slice(0, 7), month]));
  const years = [...new Set(months.map((month) => month.month.slice(0, 4)))];
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a frame that scrolls must be reachable by keyboard
    <section aria-label="results by month" tabIndex={0} className="overflow-x-auto">
      <table className="num w-full border-separate border-spacing-1 text-right">
        <caption className="sr-only">result of each month, with its drawdown</caption>
        <thead>
          <tr className="text-xs text-muted">
            <th scope="col" className="text-left font-medium">
              year
            </th>
            {MONTHS.map((name) => (
              <th key={name} scope="col" className="font-medium">
                {name}
              </th>
            ))}
            <th scope="col" className="font-medium">
              year
            </th>
          </tr>
        </thead>
        <tbody>
          {years.map((year) => {
            const results = MONTHS.map((_, number) =>
              byMonth.get(`${year}-${String(number + 1).padStart(2, "0")}`),
            );
            const whole = results.reduce((product, month) => product * (1 + (month?.result ?? 0)), 1) - 1;
            return (
              <tr key={year}>
                <th scope="row" className="text-left font-medium">
                  {year}
                </th>
                {results.map((month, number) => (
                  <td
                    key={MONTHS[number]}
                    title={month ? `drawdown ${percent(month.drawdown)}` : undefined}
                    className="min-w-16 rounded px-1.5 py-1"
                    style={month ? { background: tint(month.result) } : undefined}
                  >
                    {month ? signed(month.result, 1) : ""}
                  </td>
                ))}
                <td className="font-semibold">{signed(whole, 1)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

function tint(result: number): string {
  const strength = Math.round(Math.min(1, Math.abs(result) / 0.05) * 30);
  return `color-mix(in srgb, var(--${result < 0 ? "bad" : "good"}) ${strength}%, transparent)`;
}
