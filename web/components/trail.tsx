"use client";

import { useState } from "react";
import { time } from "@/lib/format";
import { useVerification } from "@/lib/house";
import { useAudit } from "@/lib/questions";
import { useView } from "@/lib/view";
import { Badge, Button, Failure, Loading, Note, Panel, Stat } from "./parts";
import { Table } from "./table";

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

/** The audit trail, page by page. */
export function Trail() {
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
