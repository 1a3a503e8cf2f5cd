"use client";

import dynamic from "next/dynamic";
import Link from "next/link";
import { useMemo } from "react";
import { Badge, Empty, Failure, Loading, Meter, Note, Panel, Stat } from "@/components/parts";
import { ago, amount, hourKey, percent, signed, time } from "@/lib/format";
import { OUTCOMES } from "@/lib/outcomes";
import { useAlerts, useEquity, useHours, useOverview } from "@/lib/questions";
import { useNow, useView } from "@/lib/view";

const TimeChart = dynamic(() => import("@/components/chart").then((chart) => chart.TimeChart), {
  ssr: false,
  loading: () => <div className="h-96" />,
});

const STALE_AFTER_MS = 70 * 60 * 1000;

export default function Page() {
  const overview = useOverview();
  const { zone } = useView();
  if (overview.isPending) return <Loading what="the overview" />;
  if (overview.isError) return <Failure error={overview.error} again={overview.refetch} />;
  const told = overview.data;
  return (
    <>
      <h1 className="sr-only">Overview</h1>
      {told.mode !== "replay" && told.last_ended && <Age ended={told.last_ended} />}
      <div className="grid gap-4 lg:grid-cols-3">
        <Panel title="Value" className="lg:col-span-2">
          <dl className="grid grid-cols-2 gap-4 sm:grid-cols-4">
            <Stat
              label={`equity, ${told.quote}`}
              value={amount(told.equity)}
              note={told.asof ? time(told.asof, zone) : "no hour yet"}
            />
            <Stat
              label="24 hours"
              value={told.day_change == null ? "–" : signed(told.day_change)}
              note="of unit value"
            />
            <Stat label={`cash, ${told.quote}`} value={amount(told.cash)} />
            <Stat label="positions" value={told.positions} note={`${told.predictor} decides`} />
          </dl>
        </Panel>
        <Panel title="Hours">
          <dl className="grid grid-cols-2 gap-4">
            <Stat
              label="last"
              value={
                told.last_hour ? (
                  <Link
                    className="underline decoration-dotted"
                    href={`/hour/?asof=${hourKey(told.last_hour)}`}
                  >
                    {hourKey(told.last_hour).slice(11, 16)}
                  </Link>
                ) : (
                  "–"
                )
              }
              note={
                told.last_outcome && (
                  <Badge tone={OUTCOMES[told.last_outcome] ?? "plain"}>{told.last_outcome}</Badge>
                )
              }
            />
            <Next mode={told.mode} last={told.last_hour ?? null} />
          </dl>
        </Panel>
      </div>
      <div className="grid gap-4 lg:grid-cols-3">
        <Panel
          title="Risk"
          aside={
            <Link className="text-xs underline" href="/risk/">
              details
            </Link>
          }
        >
          <div className="space-y-4">
            <Meter
              label="risk drawdown toward the halt"
              used={told.risk_drawdown}
              limit={told.tiers[2] ?? 0.2}
              text={`${percent(told.risk_drawdown)} of ${percent(told.tiers[2] ?? 0.2, 0)}`}
              marks={told.tiers.map((tier) => ({ at: tier, label: percent(tier, 0) }))}
            />
            {told.meters
              .filter((meter) => meter.name !== "drawdown")
              .map((meter) => (
                <Meter
                  key={meter.name}
                  label={`${meter.name} ${meter.unit === "of equity" ? "of equity" : ""}`}
                  used={meter.used}
                  limit={meter.limit}
                  text={
                    meter.unit === "of equity"
                      ? `${percent(meter.used)} of ${percent(meter.limit, 0)}`
                      : `${meter.used} of ${meter.limit}`
                  }
                />
              ))}
            <p className="text-xs text-muted">
              lifetime drawdown <span className="num">{percent(told.lifetime_drawdown)}</span> · halt epoch{" "}
              <span className="num">{told.halt_epoch}</span>
            </p>
            {told.triggers.length > 0 && (
              <Note tone="bad">Kill switch: {told.triggers.join(", ")}. No entries.</Note>
            )}
          </div>
        </Panel>
        <Panel title="Equity and drawdown" className="lg:col-span-2">
          <Curve />
        </Panel>
      </div>
      <div className="grid gap-4 lg:grid-cols-2">
        <Panel
          title="Latest hours"
          aside={
            <Link className="text-xs underline" href="/hours/">
              all
            </Link>
          }
        >
          <Latest />
        </Panel>
        <Panel
          title="Alerts"
          aside={
            <Link className="text-xs underline" href="/operations/">
              all
            </Link>
          }
        >
          <Alerts />
        </Panel>
      </div>
    </>
  );
}

/** Says so when no hour has ended for longer than an hour takes. */
function Age({ ended }: { ended: string }) {
  const now = useNow();
  if (now - Date.parse(ended) <= STALE_AFTER_MS) return null;
  return (
    <Note tone="warn">The last hour ended {ago(ended, now)} ago. What is shown may be out of date.</Note>
  );
}

function Next({ mode, last }: { mode: string; last: string | null }) {
  const { zone } = useView();
  const now = useNow();
  if (mode === "replay" || !last)
    return (
      <Stat label="next" value="–" note={mode === "replay" ? "when the replay gets there" : "not yet"} />
    );
  const next = Date.parse(last) + 3_600_000;
  const left = Math.max(0, Math.round((next - now) / 1000));
  const text = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  return (
    <Stat label="next" value={left > 0 ? text : "due"} note={time(new Date(next).toISOString(), zone)} />
  );
}

function Curve() {
  const equity = useEquity();
  const lines = useMemo(
    () =>
      equity.data
        ? [
            {
              name: "equity",
              kind: "baseline" as const,
              pane: 0,
              values: equity.data.equity,
              color: "accent",
              format: (v: number) => v.toFixed(2),
            },
            {
              name: "drawdown",
              kind: "area" as const,
              pane: 1,
              values: equity.data.lifetime_drawdown.map((d) => -d * 100),
              color: "bad",
              format: (v: number) => `${v.toFixed(2)} %`,
            },
            {
              name: "exposure",
              kind: "line" as const,
              pane: 2,
              values: equity.data.exposure.map((e) => e * 100),
              color: "muted",
              format: (v: number) => `${v.toFixed(1)} %`,
            },
          ]
        : [],
    [equity.data],
  );
  if (equity.isPending) return <Loading what="the curve" />;
  if (equity.isError) return <Failure error={equity.error} again={equity.refetch} />;
  if (equity.data.asof.length === 0) return <Empty>No hour has been marked yet.</Empty>;
  const label = `equity, lifetime drawdown and exposure, ${equity.data.hours_a_point} h a point`;
  return <TimeChart label={label} asof={equity.data.asof} lines={lines} height={360} />;
}

function Latest() {
  const hours = useHours("");
  const { zone } = useView();
  if (hours.isPending) return <Loading what="hours" />;
  if (hours.isError) return <Failure error={hours.error} again={hours.refetch} />;
  if (hours.data.items.length === 0) return <Empty>No hour has ended yet.</Empty>;
  return (
    <ul className="divide-y divide-line">
      {hours.data.items.slice(0, 8).map((hour) => (
        <li key={hour.asof} className="flex items-center justify-between gap-2 py-1.5">
          <Link className="num underline decoration-dotted" href={`/hour/?asof=${hourKey(hour.asof)}`}>
            {time(hour.asof, zone)}
          </Link>
          <span className="truncate text-muted">
            {hour.reason || (hour.fills ? `${hour.fills} fills` : "")}
          </span>
          <Badge tone={OUTCOMES[hour.outcome] ?? "plain"}>{hour.outcome}</Badge>
        </li>
      ))}
    </ul>
  );
}

function Alerts() {
  const alerts = useAlerts();
  const { zone } = useView();
  if (alerts.isPending) return <Loading what="alerts" />;
  if (alerts.isError) return <Failure error={alerts.error} again={alerts.refetch} />;
  if (alerts.data.length === 0) return <Empty>Nothing needs you.</Empty>;
  return (
    <ul className="divide-y divide-line">
      {alerts.data.slice(0, 8).map((alert) => (
        <li key={alert.alert} className="py-1.5">
          <span className="flex justify-between gap-2">
            <Badge tone="warn">{alert.kind}</Badge>
            <span className="num text-xs text-muted">{time(alert.at, zone)}</span>
          </span>
          <span className="mt-0.5 block">{alert.message}</span>
        </li>
      ))}
    </ul>
  );
}
