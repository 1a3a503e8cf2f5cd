"use client";

import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Problem } from "@/lib/api";
import { time } from "@/lib/format";
import { useView } from "@/lib/view";
import { Empty, Failure, Loading, Panel } from "./parts";

/** A panel about what was decided of the market for a day; there is none before the first window. */
export function DecidedPanel<Told extends { decided: string }>({
  title,
  what,
  told,
  children,
}: {
  title: string;
  what: string;
  told: UseQueryResult<Told>;
  children: (data: Told) => ReactNode;
}) {
  const { zone } = useView();
  const none = told.error instanceof Problem && told.error.status === 404;
  return (
    <Panel
      title={title}
      aside={
        told.data && (
          <span className="num text-xs text-muted">decided {time(told.data.decided, zone)} for the day</span>
        )
      }
    >
      {told.isPending && <Loading what={what} />}
      {told.isError &&
        (none ? (
          <Empty>No window of the market is stored yet.</Empty>
        ) : (
          <Failure error={told.error} again={told.refetch} />
        ))}
      {told.data && children(told.data)}
    </Panel>
  );
}
