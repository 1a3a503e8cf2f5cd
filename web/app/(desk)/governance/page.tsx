"use client";

import { Badge, Empty, Failure, Loading, Panel, type Tone } from "@/components/parts";
import { Table } from "@/components/table";
import { useChanges, useDecisions } from "@/lib/house";

const KINDS: Record<string, Tone> = { incident: "bad", restore: "warn", key: "warn", promotion: "accent" };

export default function Page() {
  return (
    <>
      <h1 className="text-lg font-semibold">Governance</h1>
      <Decisions />
      <Changes />
    </>
  );
}

/** What the audit trail of this track says of the house: it cannot be changed afterwards. */
function Decisions() {
  const told = useDecisions();
  return (
    <Panel title="In the audit trail of this track">
      {told.isPending && <Loading what="the audit trail" />}
      {told.isError && <Failure error={told.error} again={told.refetch} />}
      {told.data && (
        <Table
          label="structure, configuration, releases and incidents, newest first"
          rows={told.data}
          id={(row) => String(row.seq)}
          empty="Nothing that concerns the house was written down on this track yet."
          columns={[
            { name: "entry", number: true, cell: (row) => row.seq },
            { name: "what", cell: (row) => <Badge tone={KINDS[row.kind] ?? "plain"}>{row.kind}</Badge> },
            {
              name: "facts",
              cell: (row) => (
                <dl className="grid grid-cols-[auto_1fr] gap-x-3 whitespace-normal">
                  {Object.entries(row.facts).map(([name, fact]) => (
                    <div key={name} className="contents">
                      <dt className="text-xs text-muted">{name}</dt>
                      <dd className="num break-all text-xs">{plain(fact)}</dd>
                    </div>
                  ))}
                </dl>
              ),
            },
          ]}
        />
      )}
    </Panel>
  );
}

function Changes() {
  const told = useChanges();
  return (
    <Panel title="Structural changes, and why">
      {told.isPending && <Loading what="the log" />}
      {told.isError && <Failure error={told.error} again={told.refetch} />}
      {told.data?.length === 0 && (
        <Empty>This installation came without its documents; the log lies in docs/governance.</Empty>
      )}
      {told.data && told.data.length > 0 && (
        <ol className="divide-y divide-line">
          {told.data.map((one) => (
            <li key={`${one.date} ${one.why}`} className="py-3 first:pt-0 last:pb-0">
              <p>
                <span className="num mr-3 text-xs text-muted">{one.date}</span>
                {one.why}
              </p>
              {one.changes.length > 0 && (
                <details className="mt-1 text-xs text-muted">
                  <summary className="cursor-pointer">what changed ({one.changes.length})</summary>
                  <ul className="mt-1 list-disc space-y-1 break-words pl-5">
                    {one.changes.map((change) => (
                      <li key={change}>{change}</li>
                    ))}
                  </ul>
                </details>
              )}
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}

function plain(fact: unknown): string {
  if (fact === null || typeof fact !== "object") return String(fact);
  return Object.entries(fact)
    .map(([name, value]) => `${name} ${typeof value === "string" ? value.slice(0, 16) : plain(value)}`)
    .join(" · ");
}
