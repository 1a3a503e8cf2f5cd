"use client";

import { time } from "@/lib/format";
import { useBenchmarks, useProofsTogether } from "@/lib/market";
import { useView } from "@/lib/view";
import { TimeChart } from "./chart";
import { Empty, Failure, Loading, Note, Panel, Stat } from "./parts";
import { Table } from "./table";

/** The record and what holding bitcoin would have brought, both worth 1 at its beginning. */
export function Beside() {
  const told = useBenchmarks();
  return (
    <Panel title="Beside holding bitcoin">
      {told.isPending && <Loading what="benchmarks" />}
      {told.isError && <Failure error={told.error} again={told.refetch} />}
      {told.data && (
        <TimeChart
          label="worth of 1 at the first mark"
          asof={told.data.asof}
          height={280}
          lines={[
            {
              name: "portfolio",
              kind: "line",
              pane: 0,
              values: told.data.portfolio,
              color: "accent",
              format: worth,
            },
            {
              name: "bitcoin, held",
              kind: "line",
              pane: 0,
              values: told.data.bitcoin,
              color: "muted",
              format: worth,
            },
            {
              name: "cash",
              kind: "line",
              pane: 0,
              values: told.data.asof.map(() => 1),
              color: "line",
              format: worth,
            },
          ]}
        />
      )}
    </Panel>
  );
}

function worth(value: number): string {
  return value.toFixed(4);
}

/** Every live hour is computed again by the backtest, from raw bytes: equal to the byte, or said here. */
export function Again() {
  const told = useProofsTogether();
  const { zone } = useView();
  return (
    <Panel title="Live against backtest">
      {told.isPending && <Loading what="proofs" />}
      {told.isError && <Failure error={told.error} again={told.refetch} />}
      {told.data?.hours === 0 && (
        <Empty>
          No hour of this track was computed again yet. Each is, by the backtest, once it is over and its raw
          replies are stored.
        </Empty>
      )}
      {told.data && told.data.hours > 0 && (
        <div className="space-y-3">
          <Note tone={told.data.held === told.data.hours ? "good" : "bad"}>
            {told.data.held === told.data.hours
              ? "Every hour that was computed again came to the same decision and the same state, byte for byte."
              : "Some hours came to something else; entries stop until a person has looked."}
          </Note>
          <dl className="grid grid-cols-2 gap-4 sm:grid-cols-4">
            <Stat label="hours computed again" value={told.data.hours} />
            <Stat label="the same" value={told.data.held} />
            <Stat label="from" value={told.data.first ? time(told.data.first, zone) : "–"} />
            <Stat label="to" value={told.data.last ? time(told.data.last, zone) : "–"} />
          </dl>
          {told.data.broken.length > 0 && (
            <Table
              label="hours that came to something else, newest first"
              rows={told.data.broken}
              id={(row) => row.asof}
              empty=""
              columns={[
                { name: "asof", cell: (row) => <span className="num">{time(row.asof, zone)}</span> },
                { name: "what differs", cell: (row) => row.note },
              ]}
            />
          )}
        </div>
      )}
    </Panel>
  );
}
