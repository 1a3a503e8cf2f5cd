"use client";

import { Problem } from "@/lib/api";
import { percent, signed } from "@/lib/format";
import { useOutputs } from "@/lib/market";
import { Empty, Failure, Loading, Panel, Stat } from "./parts";
import { Table } from "./table";

const META = "stack";
const REGIME = "regime";
const MARKET = "";

/** What each learner says of each instrument, the meta-learner's word beside it, and the regime. */
export function EveryModel() {
  const told = useOutputs();
  const none = told.error instanceof Problem && told.error.status === 404;
  const models = told.data?.models ?? [];
  const learners = models.filter((one) =>
    Object.values(one.said).some((outputs) => outputs.logit24 !== undefined),
  );
  const meta = models.find((one) => one.model === META);
  const regime = models.find((one) => one.model === REGIME)?.said[MARKET];
  return (
    <Panel title="What each model said">
      {told.isPending && <Loading what="the models" />}
      {told.isError && !none && <Failure error={told.error} again={told.refetch} />}
      {(none || (told.data && models.length === 0)) && (
        <Empty>
          No model was asked in the last hour: a policy decides here, or no release is champion yet.
        </Empty>
      )}
      {models.length > 0 && (
        <div className="space-y-4">
          {regime && (
            <dl className="grid grid-cols-2 gap-4 sm:grid-cols-4">
              {Object.entries(regime).map(([name, value]) => (
                <Stat
                  key={name}
                  label={`regime: ${name.replace(/^p_/, "").replaceAll("_", " ")}`}
                  value={value === null ? "–" : percent(value, 1)}
                />
              ))}
            </dl>
          )}
          <Table
            label="probability of a rise over 24 hours, by model"
            rows={Object.keys(meta?.said ?? learners[0]?.said ?? {})}
            id={(row) => row}
            empty="Nothing was predicted."
            columns={[
              { name: "instrument", cell: (row: string) => row },
              ...learners.map((one) => ({
                name: one.model,
                number: true,
                cell: (row: string) => chance(one.said[row]?.logit24),
              })),
              {
                name: "meta-learner, calibrated",
                number: true,
                cell: (row: string) => share(meta?.said[row]?.p24),
              },
              {
                name: "expects over 24 h",
                number: true,
                cell: (row: string) => {
                  const value = meta?.said[row]?.e24;
                  return value === null || value === undefined ? "–" : signed(value);
                },
              },
            ]}
          />
        </div>
      )}
    </Panel>
  );
}

/** A learner speaks in log odds. */
function chance(logit: number | null | undefined): string {
  return share(logit === null || logit === undefined ? logit : 1 / (1 + Math.exp(-logit)));
}

function share(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : percent(value, 1);
}
