"use client";

import type { Schemas } from "@/lib/api";
import { time } from "@/lib/format";
import { useMonitors } from "@/lib/house";
import { useView } from "@/lib/view";
import { Badge, Empty, Failure, Loading, Note, Panel, type Tone } from "./parts";
import { Table } from "./table";

const LEVELS: Record<Schemas["Watched"]["level"], Tone> = {
  alert: "bad",
  watch: "warn",
  quiet: "good",
  unknown: "plain",
};

const FOLLOWS: Record<Schemas["Monitors"]["action"], string> = {
  nothing: "Nothing asks for anything.",
  log: "Something is to be watched; nothing follows from it yet.",
  halve: "One alert: entries are half as large until a person restores them.",
  halt: "No entries until a person reviewed; train anew.",
};

/** Whether what was promoted still does what it did: calibration, drift, costs, the gap to the backtest. */
export function Monitors() {
  const told = useMonitors();
  const { zone } = useView();
  const asof = told.data?.asof;
  return (
    <Panel
      title="Monitors"
      aside={asof && <span className="num text-xs text-muted">{time(asof, zone)}</span>}
    >
      {told.isPending && <Loading what="monitors" />}
      {told.isError && <Failure error={told.error} again={told.refetch} />}
      {told.data && !asof && (
        <Empty>Nobody has looked yet: every night does, and `ballast monitors act` does now.</Empty>
      )}
      {told.data && asof && <Found look={told.data} />}
    </Panel>
  );
}

function Found({ look }: { look: Schemas["Monitors"] }) {
  const said = [FOLLOWS[look.action], ...look.taken.map((what) => `Done: ${what}.`)];
  if (look.restored_by) said.push(`Full size was restored by ${look.restored_by}.`);
  return (
    <div className="space-y-4">
      <Note tone={look.action === "halt" || look.action === "halve" ? "bad" : "plain"}>{said.join(" ")}</Note>
      <Table
        label="each monitor with its bounds"
        rows={look.found}
        id={(row) => row.name}
        empty="Nothing is watched."
        columns={[
          { name: "monitor", cell: (row) => row.name },
          { name: "level", cell: (row) => <Badge tone={LEVELS[row.level]}>{row.level}</Badge> },
          {
            name: "value",
            number: true,
            cell: (row) => (row.value === null ? "–" : row.value.toPrecision(4)),
          },
          { name: "bounds, or what is missing", cell: (row) => row.note },
        ]}
      />
    </div>
  );
}
