"use client";

import { Monitors } from "@/components/monitors";
import { EveryModel } from "@/components/outputs";
import { Badge, Empty, Failure, Loading, Note, Panel, Stat, type Tone } from "@/components/parts";
import { ReleaseInside } from "@/components/release";
import { SuccessionButton } from "@/components/succession";
import { Table } from "@/components/table";
import { Problem, type Schemas } from "@/lib/api";
import { amount, percent, signed, time } from "@/lib/format";
import { useMarket, useModels } from "@/lib/questions";
import { useDesk } from "@/lib/session";
import { useView } from "@/lib/view";

const ALIASES: Record<string, Tone> = { champion: "good", challenger: "accent" };

export default function Page() {
  return (
    <>
      <h1 className="text-lg font-semibold">Models</h1>
      <Outputs />
      <EveryModel />
      <Monitors />
      <Releases />
    </>
  );
}

function Outputs() {
  const market = useMarket();
  const { zone } = useView();
  if (market.isPending)
    return (
      <Panel title="What the last hour saw">
        <Loading what="the last hour" />
      </Panel>
    );
  if (market.isError) {
    const none = market.error instanceof Problem && market.error.status === 404;
    return (
      <Panel title="What the last hour saw">
        {none ? (
          <Empty>No hour has been predicted yet.</Empty>
        ) : (
          <Failure error={market.error} again={market.refetch} />
        )}
      </Panel>
    );
  }
  const seen = market.data;
  const predicted = seen.release !== "";
  return (
    <Panel
      title="What the last hour saw"
      aside={<span className="num text-xs text-muted">{time(seen.asof, zone)}</span>}
    >
      <div className="space-y-4">
        {!predicted && (
          <Note>
            A policy decides here ({seen.policies.join(", ") || "none"}); there are no model outputs to show.
          </Note>
        )}
        {seen.refused && <Note tone="bad">Too little of the market was usable: nothing was decided.</Note>}
        <dl className="grid grid-cols-2 gap-4 sm:grid-cols-4">
          <Stat label="may be entered" value={`${seen.breadth} of ${seen.instruments.length}`} />
          <Stat label="bitcoin, last hour" value={seen.btc_return === null ? "–" : signed(seen.btc_return)} />
          <Stat label="P(crash) in 24 h" value={predicted ? percent(seen.p_crash, 1) : "–"} />
          <Stat label="P(high volatility)" value={predicted ? percent(seen.p_high_volatility, 1) : "–"} />
          <Stat
            label="unlike what was learned"
            value={predicted ? `${seen.instruments.filter((one) => one.vetoed).length} vetoed` : "–"}
            note="a release's own guards, drift among them"
          />
        </dl>
        <Table
          label="each instrument as the decision saw it"
          rows={seen.instruments}
          id={(row) => row.instrument}
          empty="The universe is empty."
          columns={[
            { name: "instrument", cell: (row) => row.instrument },
            {
              name: "may be entered",
              cell: (row) =>
                row.vetoed ? (
                  <Badge tone="warn">vetoed</Badge>
                ) : row.eligible && row.usable ? (
                  <Badge tone="good">yes</Badge>
                ) : (
                  <Badge>{row.eligible ? "bars unusable" : "not eligible"}</Badge>
                ),
            },
            { name: "close", number: true, cell: (row) => row.close ?? "" },
            { name: "P(up) 4 h", number: true, cell: (row) => share(row.p4) },
            { name: "P(up) 24 h", number: true, cell: (row) => share(row.p24) },
            { name: "E 24 h", number: true, cell: (row) => (row.e24 === null ? "" : signed(row.e24)) },
            {
              name: "E hold",
              number: true,
              cell: (row) => (row.e_hold === null ? "" : signed(row.e_hold)),
            },
            { name: "daily volatility", number: true, cell: (row) => share(row.volatility) },
            { name: "beta", number: true, cell: (row) => row.beta.toFixed(2) },
            { name: "cluster", number: true, cell: (row) => row.cluster },
            { name: "spread", number: true, cell: (row) => share(row.spread) },
            { name: "volume 24 h", number: true, cell: (row) => amount(row.notional_24h, 0) },
          ]}
        />
      </div>
    </Panel>
  );
}

/** The release that decides beside the one that wants to. */
function Contest({ versions }: { versions: Schemas["Version"][] }) {
  const of = (role: string) => versions.find((one) => one.aliases.includes(role));
  const seats = ["champion", "challenger"].flatMap((role) => {
    const version = of(role);
    return version ? [{ role, version }] : [];
  });
  return (
    <Panel title="Champion against challenger">
      {seats.length === 0 ? (
        <Empty>Neither stands yet. A trained release is challenger; a person makes it champion.</Empty>
      ) : (
        <div className="grid gap-8 xl:grid-cols-2">
          {seats.map((seat) => (
            <ReleaseInside key={seat.role} {...seat} />
          ))}
        </div>
      )}
    </Panel>
  );
}

function Releases() {
  const models = useModels();
  const { zone } = useView();
  const { me } = useDesk();
  const crowned = models.data?.versions.some((one) => one.aliases.includes("champion"));
  return (
    <>
      <Panel
        title="Releases"
        aside={crowned && me.actions.includes("roll back") && <SuccessionButton version={null} />}
      >
        {models.isPending && <Loading what="releases" />}
        {models.isError && <Failure error={models.error} again={models.refetch} />}
        {models.data && (
          <Table
            label="releases, newest first"
            rows={models.data.versions}
            id={(row) => String(row.version)}
            empty="No release was trained yet: `ballast train` makes one."
            columns={[
              { name: "version", number: true, cell: (row) => row.version },
              {
                name: "stands as",
                cell: (row) => (
                  <span className="flex gap-1">
                    {row.aliases.map((alias) => (
                      <Badge key={alias} tone={ALIASES[alias] ?? "plain"}>
                        {alias}
                      </Badge>
                    ))}
                  </span>
                ),
              },
              ...(me.actions.includes("promote")
                ? [
                    {
                      name: "succession",
                      cell: (row: Schemas["Version"]) =>
                        row.aliases.includes("champion") ? "" : <SuccessionButton version={row.version} />,
                    },
                  ]
                : []),
              { name: "preset", cell: (row) => row.preset },
              {
                name: "bars",
                cell: (row) => (
                  <>
                    {row.venue} {row.proxy && <Badge tone="warn">proxy</Badge>}
                  </>
                ),
              },
              { name: "instruments", number: true, cell: (row) => row.instruments },
              { name: "fewest days", number: true, cell: (row) => row.days_min },
              {
                name: "out of sample from",
                cell: (row) => <span className="num">{time(row.first, zone)}</span>,
              },
              { name: "made", cell: (row) => <span className="num">{time(row.created, zone)}</span> },
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
        )}
      </Panel>
      <Contest versions={models.data?.versions ?? []} />
      <Panel title="Promotions">
        {models.data && (
          <Table
            label="promotions and rollbacks, newest first"
            rows={models.data.promotions.map((row, number) => ({ ...row, number }))}
            id={(row) => String(row.number)}
            empty="Nobody has promoted a release."
            columns={[
              { name: "at", cell: (row) => <span className="num">{time(row.at, zone)}</span> },
              { name: "what", cell: (row) => row.action },
              { name: "version", number: true, cell: (row) => row.version },
              { name: "for", cell: (row) => row.mode },
              { name: "by", cell: (row) => row.who },
              { name: "why", cell: (row) => row.why },
              {
                name: "waived in replay",
                cell: (row) => (
                  <span className="block min-w-80 whitespace-normal">{row.waived.join("; ")}</span>
                ),
              },
            ]}
          />
        )}
      </Panel>
    </>
  );
}

function share(value: number | null): string {
  return value === null ? "" : percent(value, 1);
}
