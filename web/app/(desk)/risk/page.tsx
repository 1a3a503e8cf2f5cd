"use client";

import { CandlePanel } from "@/components/candles";
import { CommandButton } from "@/components/command";
import { Together } from "@/components/heatmap";
import { Badge, Empty, Failure, Loading, Meter, Note, Panel, Stat } from "@/components/parts";
import { STATES } from "@/components/shell";
import { Table } from "@/components/table";
import { amount, percent, time } from "@/lib/format";
import { useOverview, usePositions, useTradingState } from "@/lib/questions";
import { useDesk } from "@/lib/session";
import { useView } from "@/lib/view";

export default function Page() {
  return (
    <>
      <h1 className="text-lg font-semibold">Risk</h1>
      <div className="grid gap-4 xl:grid-cols-2">
        <TradingState />
        <Drawdown />
      </div>
      <Positions />
      <Together />
      <Events />
    </>
  );
}

function TradingState() {
  const told = useTradingState();
  const { me } = useDesk();
  const may = (action: string) => me.actions.includes(action);
  if (told.isPending)
    return (
      <Panel title="Trading state">
        <Loading what="the trading state" />
      </Panel>
    );
  if (told.isError)
    return (
      <Panel title="Trading state">
        <Failure error={told.error} again={told.refetch} />
      </Panel>
    );
  const { state, epoch, tellers, guard } = told.data;
  const halted = state === "HALTED" && guard !== null && guard.halt_id !== "";
  return (
    <Panel title="Trading state" aside={<Badge tone={STATES[state] ?? "plain"}>{state}</Badge>}>
      <div className="space-y-4">
        <p className="text-muted">
          Three tell it and the tightest holds; one that is missing keeps entries out. Halt epoch{" "}
          <span className="num">{epoch}</span>.
        </p>
        <dl className="grid grid-cols-3 gap-4">
          {tellers.map((teller) => (
            <Stat
              key={teller.name}
              label={teller.name}
              value={
                teller.state === null ? (
                  <Badge tone="bad">missing</Badge>
                ) : (
                  <Badge tone={STATES[teller.state] ?? "plain"}>{teller.state}</Badge>
                )
              }
              note={teller.epoch === null ? "" : `epoch ${teller.epoch}`}
            />
          ))}
        </dl>
        {guard === null && (
          <Note tone="bad">The guard does not answer. Halting still works; a resume does not.</Note>
        )}
        {guard && Object.keys(guard.clear_h).length > 0 && (
          <Note tone="warn">
            Kill switch:{" "}
            {Object.entries(guard.clear_h)
              .map(([name, hours]) => `${name} needs ${hours} clean hours`)
              .join(", ")}
            .
          </Note>
        )}
        {halted && guard && (
          <div className="rounded border border-line p-3">
            <p className="font-medium">
              <span className="num">{guard.halt_id}</span>: {guard.causes.join(", ")}
            </p>
            <p className="mt-1 text-muted">
              {guard.entries_cancelled
                ? "Working entries are all over."
                : "Working entries are being cancelled."}{" "}
              {guard.requester
                ? `${guard.requester} asked for a resume; approved by ${guard.approvers.join(", ") || "nobody yet"}, ${guard.approvals_required} wanted.`
                : "Nobody has asked for a resume yet."}
            </p>
          </div>
        )}
        <div className="flex flex-wrap gap-2">
          {may("halt") && state !== "HALTED" && <CommandButton command="halt" />}
          {may("halt and flatten") && <CommandButton command="flatten" />}
          {may("trip the kill switch") && state !== "HALTED" && <CommandButton command="kill-switch" />}
          {halted && guard && may("request resume") && !guard.requester && (
            <CommandButton command="request-resume" halt={guard.halt_id} />
          )}
          {halted && guard && may("approve resume") && (
            <CommandButton command="approve-resume" halt={guard.halt_id} disabled={!guard.requester} />
          )}
        </div>
      </div>
    </Panel>
  );
}

function Drawdown() {
  const overview = useOverview();
  return (
    <Panel title="Limits">
      {overview.isPending && <Loading what="limits" />}
      {overview.isError && <Failure error={overview.error} again={overview.refetch} />}
      {overview.data && (
        <div className="space-y-4">
          <Meter
            label="risk drawdown since the last approved re-base, toward the halt"
            used={overview.data.risk_drawdown}
            limit={overview.data.tiers[2] ?? 0.2}
            text={`${percent(overview.data.risk_drawdown)} of ${percent(overview.data.tiers[2] ?? 0.2, 0)}`}
            marks={overview.data.tiers.map((tier) => ({ at: tier, label: percent(tier, 0) }))}
          />
          <Meter
            label="lifetime drawdown, never re-based"
            used={overview.data.lifetime_drawdown}
            limit={overview.data.tiers[2] ?? 0.2}
            text={percent(overview.data.lifetime_drawdown)}
          />
          {overview.data.meters
            .filter((meter) => meter.name !== "drawdown")
            .map((meter) => (
              <Meter
                key={meter.name}
                label={meter.name}
                used={meter.used}
                limit={meter.limit}
                text={
                  meter.unit === "of equity"
                    ? `${percent(meter.used)} of ${percent(meter.limit, 0)} of equity`
                    : `${meter.used} of ${meter.limit}`
                }
              />
            ))}
          <p className="text-xs text-muted">
            Tier {overview.data.tier}:{" "}
            {["full size", "half size", "quarter size, half the exposure, five positions", "halted"][
              overview.data.tier
            ] ?? ""}
            .
          </p>
        </div>
      )}
    </Panel>
  );
}

function Positions() {
  const positions = usePositions();
  const { zone } = useView();
  const held = positions.data?.positions.find((one) => !one.dust);
  return (
    <>
      {held && <CandlePanel first={held.instrument} />}
      <Panel title="Positions with stops and targets">
        {positions.isPending && <Loading what="positions" />}
        {positions.isError && <Failure error={positions.error} again={positions.refetch} />}
        {positions.data && (
          <Table
            label="open positions"
            rows={positions.data.positions}
            id={(row) => row.instrument}
            empty="No position is open. Sitting in cash is the usual state."
            columns={[
              {
                name: "instrument",
                cell: (row) => (
                  <>
                    {row.instrument} {row.dust && <Badge>dust</Badge>}
                  </>
                ),
              },
              { name: "quantity", number: true, cell: (row) => row.quantity },
              { name: "mark", number: true, cell: (row) => row.mark },
              { name: "value", number: true, cell: (row) => amount(row.value) },
              {
                name: "result",
                number: true,
                cell: (row) => (
                  <span className={row.result.startsWith("-") ? "text-bad" : "text-good"}>
                    {amount(row.result)}
                  </span>
                ),
              },
              { name: "entry", number: true, cell: (row) => row.entry },
              { name: "stop", number: true, cell: (row) => row.stop ?? "none" },
              { name: "target", number: true, cell: (row) => row.take ?? "none" },
              { name: "trail", number: true, cell: (row) => row.trail ?? "none" },
              { name: "since", cell: (row) => <span className="num">{time(row.since, zone)}</span> },
            ]}
          />
        )}
      </Panel>
    </>
  );
}

function Events() {
  const told = useTradingState();
  const { zone } = useView();
  if (!told.data) return null;
  return (
    <Panel title="What befell the trading state">
      {told.data.events.length === 0 ? (
        <Empty>Nothing yet.</Empty>
      ) : (
        <Table
          label="events, newest first"
          rows={told.data.events.map((row, number) => ({ ...row, number }))}
          id={(row) => String(row.number)}
          empty=""
          columns={[
            { name: "at", cell: (row) => <span className="num">{time(row.at, zone)}</span> },
            { name: "what", cell: (row) => <Badge tone={row.refusal ? "bad" : "plain"}>{row.what}</Badge> },
            { name: "halt", cell: (row) => row.halt },
            { name: "by", cell: (row) => row.operator },
            { name: "reason", cell: (row) => row.reason },
            { name: "refused because", cell: (row) => row.refusal },
            { name: "then", cell: (row) => <Badge tone={STATES[row.state] ?? "plain"}>{row.state}</Badge> },
          ]}
        />
      )}
    </Panel>
  );
}
