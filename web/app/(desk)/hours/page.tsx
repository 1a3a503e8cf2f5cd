"use client";

import Link from "next/link";
import { useState } from "react";
import { Badge, Button, Failure, Loading, Panel } from "@/components/parts";
import { Table } from "@/components/table";
import { hourKey, time } from "@/lib/format";
import { OUTCOMES } from "@/lib/outcomes";
import { useHours } from "@/lib/questions";
import { useView } from "@/lib/view";

export default function Page() {
  const [outcome, setOutcome] = useState("");
  const [places, setPlaces] = useState<string[]>([]);
  const hours = useHours(outcome, places.at(-1));
  const { zone } = useView();
  return (
    <>
      <h1 className="text-lg font-semibold">Hours</h1>
      <Panel
        title="How each hour ended"
        aside={
          <label className="flex items-center gap-2 text-xs">
            outcome
            <select
              className="min-h-9 rounded border border-line bg-raised px-2"
              value={outcome}
              onChange={(event) => {
                setOutcome(event.target.value);
                setPlaces([]);
              }}
            >
              <option value="">all</option>
              {Object.keys(OUTCOMES).map((word) => (
                <option key={word}>{word}</option>
              ))}
            </select>
          </label>
        }
      >
        {hours.isPending && <Loading what="hours" />}
        {hours.isError && <Failure error={hours.error} again={hours.refetch} />}
        {hours.data && (
          <>
            <Table
              label="hours, newest first"
              rows={hours.data.items}
              id={(row) => row.asof}
              empty={outcome ? `No hour ended ${outcome}.` : "No hour has ended yet."}
              columns={[
                {
                  name: "asof",
                  cell: (row) => (
                    <Link
                      className="num underline decoration-dotted"
                      href={`/hour/?asof=${hourKey(row.asof)}`}
                    >
                      {time(row.asof, zone)}
                    </Link>
                  ),
                },
                {
                  name: "outcome",
                  cell: (row) => <Badge tone={OUTCOMES[row.outcome] ?? "plain"}>{row.outcome}</Badge>,
                },
                { name: "fills", number: true, cell: (row) => row.fills },
                { name: "settled", cell: (row) => (row.settled ? "yes" : "skipped") },
                { name: "reason", cell: (row) => row.reason },
                {
                  name: "over at",
                  cell: (row) => <span className="num">{time(row.ended, zone, true)}</span>,
                },
              ]}
            />
            <nav aria-label="parts of the list" className="mt-4 flex gap-2">
              <Button disabled={places.length === 0} onClick={() => setPlaces(places.slice(0, -1))}>
                newer
              </Button>
              <Button
                disabled={!hours.data.next}
                onClick={() => hours.data.next && setPlaces([...places, hours.data.next])}
              >
                older
              </Button>
            </nav>
          </>
        )}
      </Panel>
    </>
  );
}
