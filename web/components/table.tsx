import type { ReactNode } from "react";
import { Empty } from "./parts";

export interface Column<Row> {
  name: string;
  cell: (row: Row) => ReactNode;
  /** Numbers stand to the right, in figures of one width. */
  number?: boolean;
}

/** A table that scrolls inside its own frame, so that a phone never scrolls the page sideways. */
export function Table<Row>({
  label,
  columns,
  rows,
  id,
  empty,
}: {
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  id: (row: Row) => string;
  empty: string;
}) {
  if (rows.length === 0) return <Empty>{empty}</Empty>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a frame that scrolls must be reachable by keyboard
    <section aria-label={label} tabIndex={0} className="-mx-4 overflow-x-auto px-4">
      <table className="w-full border-collapse whitespace-nowrap text-left">
        <caption className="sr-only">{label}</caption>
        <thead>
          <tr className="border-b border-line text-xs text-muted">
            {columns.map((column) => (
              <th
                key={column.name}
                scope="col"
                className={`py-2 pr-4 font-medium ${column.number ? "text-right" : ""}`}
              >
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={id(row)} className="border-b border-line last:border-0 hover:bg-raised">
              {columns.map((column) => (
                <td key={column.name} className={`py-2 pr-4 ${column.number ? "num text-right" : ""}`}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
