"use client";

import { Badge, Empty, Failure, Loading, Note, Panel, Stat } from "@/components/parts";
import { Table } from "@/components/table";
import { Trail } from "@/components/trail";
import { time } from "@/lib/format";
import { useEngine } from "@/lib/house";
import { useAlerts, useProofs, useReconciliation } from "@/lib/questions";
import { useView } from "@/lib/view";

export default function Page() {
  return (
    <>
      <h1 className="text-lg font-semibold">Operations</h1>
      <div className="grid gap-4 xl:grid-cols-2">
        <Reconciliation />
        <Alerts />
      </div>
      <Engine />
      <Proofs />
      <Trail />
    </>
  );
}

function Reconciliation() {
  const told = useReconciliation();
  const { zone } = useView();
  return (
    <Panel title="Venue against journal">
      {told.isPending && <Loading what="the comparison" />}
      {told.isError && <Failure error={told.error} again={told.refetch} />}
      {told.data && (
        <div className="space-y-3">
          {told.data.at === null ? (
            <Empty>Nothing was compared yet.</Empty>
          ) : (
            <Note tone={told.data.explained ? "good" : "bad"}>
              {told.data.explained
                ? `Everything is explained, ${time(told.data.at ?? "", zone)}.`
                : `Not everything is explained, ${time(told.data.at ?? "", zone)}. No entries until it is.`}
            </Note>
          )}
          <Table
            label="balances"
            rows={told.data.balances}
            id={(row) => row.asset}
            empty="No asset is held."
            columns={[
              { name: "asset", cell: (row) => row.asset },
              { name: "at the venue", number: true, cell: (row) => row.held },
              { name: "in the journal", number: true, cell: (row) => row.booked },
              {
                name: "unexplained",
                number: true,
                cell: (row) => (row.unexplained === "0" ? "0" : <Badge tone="bad">{row.unexplained}</Badge>),
              },
            ]}
          />
          {told.data.findings.length > 0 && (
            <Table
              label="findings that nobody has looked at"
              rows={told.data.findings}
              id={(row) => row.id}
              empty=""
              columns={[
                { name: "finding", cell: (row) => <Badge tone="bad">{row.what}</Badge> },
                { name: "instrument", cell: (row) => row.instrument },
                { name: "venue's id", cell: (row) => <span className="num">{row.reference}</span> },
                { name: "note", cell: (row) => row.note },
              ]}
            />
          )}
        </div>
      )}
    </Panel>
  );
}

function Alerts() {
  const alerts = useAlerts();
  const { zone } = useView();
  return (
    <Panel title="Alerts">
      {alerts.isPending && <Loading what="alerts" />}
      {alerts.isError && <Failure error={alerts.error} again={alerts.refetch} />}
      {alerts.data && (
        <Table
          label="alerts, newest first"
          rows={alerts.data}
          id={(row) => row.alert}
          empty="Nothing needs you."
          columns={[
            { name: "at", cell: (row) => <span className="num">{time(row.at, zone)}</span> },
            { name: "kind", cell: (row) => <Badge tone="warn">{row.kind}</Badge> },
            { name: "what", cell: (row) => row.message },
            { name: "sent by", cell: (row) => row.delivered.join(", ") || "not yet" },
          ]}
        />
      )}
    </Panel>
  );
}

function Proofs() {
  const proofs = useProofs();
  const { zone } = useView();
  const failed = proofs.data?.filter((proof) => !proof.held) ?? [];
  return (
    <Panel title="Proofs of the last hours">
      {proofs.isPending && <Loading what="proofs" />}
      {proofs.isError && <Failure error={proofs.error} again={proofs.refetch} />}
      {proofs.data && (
        <div className="space-y-3">
          <dl className="flex gap-8">
            <Stat label="held" value={proofs.data.length - failed.length} />
            <Stat label="failed" value={failed.length} />
          </dl>
          {failed.length > 0 && (
            <Table
              label="proofs that failed"
              rows={failed}
              id={(row) => row.asof}
              empty=""
              columns={[
                { name: "asof", cell: (row) => <span className="num">{time(row.asof, zone)}</span> },
                { name: "what it found", cell: (row) => row.note },
              ]}
            />
          )}
        </div>
      )}
    </Panel>
  );
}

/** No worker is an error, as nothing happens until one is back. */
function Engine() {
  const told = useEngine();
  const { zone } = useView();
  const idle = told.data?.queues.some((one) => one.workers === 0) ?? false;
  return (
    <Panel title="Engine and workers">
      {told.isPending && <Loading what="the engine" />}
      {told.isError && <Failure error={told.error} again={told.refetch} />}
      {told.data && (
        <div className="space-y-3">
          <Note tone={!told.data.answers || idle ? "bad" : "good"}>
            {!told.data.answers
              ? "The engine does not answer: no hour begins until it does. Stops rest at the venue."
              : idle
                ? "Nobody works on some of what there is to do."
                : "The engine answers, and every queue has its workers."}
          </Note>
          {told.data.answers && (
            <Table
              label="workers by task queue"
              rows={told.data.queues}
              id={(row) => row.queue}
              empty=""
              columns={[
                { name: "queue", cell: (row) => row.queue },
                {
                  name: "workers",
                  number: true,
                  cell: (row) => (row.workers === 0 ? <Badge tone="bad">none</Badge> : row.workers),
                },
                {
                  name: "last asked for work",
                  cell: (row) => (
                    <span className="num">{row.seen ? time(row.seen, zone, true) : "not lately"}</span>
                  ),
                },
              ]}
            />
          )}
        </div>
      )}
    </Panel>
  );
}
