"use client";

import { useState } from "react";
import { Badge, Button, Empty, Failure, Loading, Note, Panel, Stat } from "@/components/parts";
import { Table } from "@/components/table";
import { time } from "@/lib/format";
import { useVerification } from "@/lib/house";
import { useAlerts, useAudit, useProofs, useReconciliation } from "@/lib/questions";
import { useView } from "@/lib/view";

export default function Page() {
  return (
    <>
      <h1 className="text-lg font-semibold">Operations</h1>
      <div className="grid gap-4 xl:grid-cols-2">
        <Reconciliation />
        <Alerts />
      </div>
      <Proofs />
      <Audit />
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

/** How far the trail is proved, and against what. */
function Verification() {
  const told = useVerification();
  const { zone } = useView();
  if (!told.data) return null;
  const { entries, proved, fault, attested, attested_at, signed } = told.data;
  return (
    <div className="mb-4 space-y-3">
      <Note tone={fault || (attested > 0 && !signed) ? "bad" : proved === entries ? "good" : "accent"}>
        {fault
          ? `The trail is not as it was written: ${fault}. Trading on it must be looked at by a person.`
          : proved === entries
            ? "Every entry follows from the one before it, computed again from its bytes."
            : "The trail is being proved."}{" "}
        {attested > 0 && !signed && "The signature of the newest checkpoint is not good."}
      </Note>
      <dl className="grid grid-cols-2 gap-4 sm:grid-cols-4">
        <Stat label="entries" value={entries} />
        <Stat label="proved up to" value={proved} />
        <Stat
          label="signed up to"
          value={attested || "none yet"}
          note={attested_at && time(attested_at, zone)}
        />
        <Stat label="kept outside" value="by command" note="ballast audit verify" />
      </dl>
    </div>
  );
}

function Audit() {
  const [places, setPlaces] = useState<string[]>([]);
  const audit = useAudit(places.at(-1));
  return (
    <Panel title="Audit trail">
      <Verification />
      {audit.isPending && <Loading what="the audit trail" />}
      {audit.isError && <Failure error={audit.error} again={audit.refetch} />}
      {audit.data && (
        <>
          <Table
            label="entries, newest first"
            rows={audit.data.items}
            id={(row) => String(row.seq)}
            empty="Nothing was written down yet."
            columns={[
              { name: "entry", number: true, cell: (row) => row.seq },
              { name: "kind", cell: (row) => <Badge>{row.kind}</Badge> },
              {
                name: "body",
                cell: (row) => (
                  <span className="num block max-w-xl truncate" title={row.body}>
                    {row.body}
                  </span>
                ),
              },
              {
                name: "digest",
                cell: (row) => (
                  <span className="num" title={row.digest}>
                    {row.digest.slice(0, 12)}
                  </span>
                ),
              },
            ]}
          />
          <nav aria-label="parts of the trail" className="mt-4 flex gap-2">
            <Button disabled={places.length === 0} onClick={() => setPlaces(places.slice(0, -1))}>
              newer
            </Button>
            <Button
              disabled={!audit.data.next}
              onClick={() => audit.data.next && setPlaces([...places, audit.data.next])}
            >
              older
            </Button>
          </nav>
        </>
      )}
    </Panel>
  );
}
