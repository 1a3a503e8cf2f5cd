"use client";

import type { Schemas } from "@/lib/api";
import { useCorrelation } from "@/lib/market";
import { DecidedPanel } from "./decided";

export function Together() {
  return (
    <DecidedPanel title="Who moves with whom" what="correlations" told={useCorrelation()}>
      {(told) => <HeatMap told={told} />}
    </DecidedPanel>
  );
}

/** Correlations as a table whose colours follow the figures; clusters stand together, each capped as one. */
function HeatMap({ told }: { told: Schemas["Correlation"] }) {
  const order = told.instruments
    .map((_, place) => place)
    .sort((a, b) => (told.cluster[a] ?? 0) - (told.cluster[b] ?? 0) || a - b);
  const name = (place: number) => (told.instruments[place] ?? "").split("/")[0];
  return (
    <>
      <p className="mb-3 text-xs text-muted">
        Correlation over 30 days, shrunk. Instruments that move together by {told.cut.toFixed(1)} or more are
        one cluster, framed here and capped as one. Beta is to bitcoin.
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a frame that scrolls must be reachable by keyboard */}
      <section aria-label="correlations" tabIndex={0} className="overflow-x-auto">
        <table className="num border-separate border-spacing-0.5 text-center text-xs">
          <caption className="sr-only">correlation of each pair, and beta</caption>
          <thead>
            <tr className="text-muted">
              <th scope="col" className="pr-2 text-left font-medium">
                instrument
              </th>
              {order.map((place) => (
                <th key={place} scope="col" className="min-w-10 font-medium">
                  {name(place)}
                </th>
              ))}
              <th scope="col" className="pl-3 font-medium">
                beta
              </th>
            </tr>
          </thead>
          <tbody>
            {order.map((row) => (
              <tr key={row}>
                <th scope="row" className="pr-2 text-left font-medium">
                  {name(row)}
                </th>
                {order.map((column) => {
                  const value = told.correlation[row]?.[column] ?? null;
                  const same = row !== column && told.cluster[row] === told.cluster[column];
                  return (
                    <td
                      key={column}
                      className={`rounded px-1 py-1 ${same ? "outline outline-1 outline-ink" : ""}`}
                      style={value === null ? undefined : { background: tint(value) }}
                    >
                      {value === null ? "–" : value.toFixed(2)}
                    </td>
                  );
                })}
                <td className="pl-3 font-semibold">{told.beta[row]?.toFixed(2)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}

function tint(value: number): string {
  const strength = Math.round(Math.min(1, Math.abs(value)) * 35);
  return `color-mix(in srgb, var(--${value < 0 ? "bad" : "accent"}) ${strength}%, transparent)`;
}
