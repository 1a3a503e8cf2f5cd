"use client";

import type { Schemas } from "@/lib/api";
import { percent, time } from "@/lib/format";
import { useRelease } from "@/lib/house";
import { useView } from "@/lib/view";
import { Badge, Failure, Loading } from "./parts";
import { Table } from "./table";

const CURVE = 96;

/** A release from inside: what may serve it, who is heard how much, how raw figures become probabilities. */
export function ReleaseInside({ version, role }: { version: Schemas["Version"]; role: string }) {
  const told = useRelease(version.version);
  const { zone } = useView();
  return (
    <section aria-label={`${role}, release ${version.version}`} className="min-w-0 space-y-4">
      <h3 className="flex items-center gap-2 font-semibold">
        <Badge tone={role === "champion" ? "good" : "accent"}>{role}</Badge> release {version.version}
      </h3>
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1">
        <dt className="text-muted">passed</dt>
        <dd>{version.passed.join(", ") || "no suite yet"}</dd>
        <dt className="text-muted">outside replay</dt>
        <dd className="break-words">{version.missing.join("; ") || "may be champion"}</dd>
      </dl>
      {told.isPending && <Loading what="the release" />}
      {told.isError && <Failure error={told.error} again={told.refetch} />}
      {told.data && (
        <>
          <Weights heads={told.data.heads} />
          <div className="grid gap-4 sm:grid-cols-3">
            {told.data.heads.map((head) => (
              <Calibration key={head.horizon_h} head={head} />
            ))}
          </div>
          <Table
            label="its models"
            rows={told.data.members}
            id={(row) => row.name}
            empty=""
            columns={[
              { name: "model", cell: (row) => row.name },
              {
                name: "knows outcomes up to",
                cell: (row) => <span className="num">{time(row.trained_through, zone)}</span>,
              },
              {
                name: "lets nobody in from",
                cell: (row) => <span className="num">{time(row.expires, zone)}</span>,
              },
            ]}
          />
        </>
      )}
    </section>
  );
}

function Weights({ heads }: { heads: Schemas["Head"][] }) {
  const learners = Object.keys(heads[0]?.weights ?? {});
  return (
    <Table
      label="weight of each learner in the meta-learner, by horizon"
      rows={learners}
      id={(row) => row}
      empty="No learner is heard."
      columns={[
        { name: "learner", cell: (row: string) => row },
        ...heads.map((head) => ({
          name: `${head.horizon_h} h`,
          number: true,
          cell: (row: string) => (head.weights[row] ?? 0).toFixed(3),
        })),
      ]}
    />
  );
}

/** Raw against calibrated, both from 0 to 1; the dashed line would be no change. */
function Calibration({ head }: { head: Schemas["Head"] }) {
  const points = head.raw.map((raw, n) => [raw, head.calibrated[n] ?? 0] as const);
  const path = points
    .map(([x, y], n) => `${n ? "L" : "M"}${(x * CURVE).toFixed(1)},${(CURVE - y * CURVE).toFixed(1)}`)
    .join("");
  return (
    <figure>
      <figcaption className="text-xs text-muted">calibration, {head.horizon_h} h</figcaption>
      <svg viewBox={`-2 -2 ${CURVE + 4} ${CURVE + 4}`} className="h-28 w-full" aria-hidden="true">
        <rect width={CURVE} height={CURVE} fill="none" stroke="var(--line)" />
        <path d={`M0,${CURVE}L${CURVE},0`} stroke="var(--muted)" strokeDasharray="3 3" fill="none" />
        <path d={path} stroke="var(--accent)" strokeWidth="2" fill="none" />
      </svg>
      <details className="text-xs text-muted">
        <summary className="cursor-pointer">as figures</summary>
        <ul className="num max-h-32 overflow-y-auto">
          {points.map(([raw, calibrated]) => (
            <li key={raw}>
              {percent(raw, 1)} becomes {percent(calibrated, 1)}
            </li>
          ))}
        </ul>
      </details>
    </figure>
  );
}
