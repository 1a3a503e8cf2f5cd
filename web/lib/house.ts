"use client";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, told } from "./api";
import { useScope } from "./questions";
import { useDesk } from "./session";

const ASKED_AGAIN_MS = 2_000;
const ENGINE_MS = 15_000;

/** How far the audit trail is proved; asked again until it is proved to its end. */
export function useVerification() {
  const { key, scope } = useScope();
  return useQuery({
    queryKey: [...key, "verification"],
    queryFn: () => told(api.GET("/api/portfolios/{portfolio}/audit/verification", { params: scope })),
    refetchInterval: ({ state }) =>
      state.data && state.data.proved < state.data.entries && state.data.fault === ""
        ? ASKED_AGAIN_MS
        : false,
  });
}

export function useDecisions() {
  const { key, scope } = useScope();
  return useQuery({
    queryKey: [...key, "governance"],
    queryFn: () => told(api.GET("/api/portfolios/{portfolio}/governance", { params: scope })),
  });
}

export function useChanges() {
  return useQuery({ queryKey: ["governance"], queryFn: () => told(api.GET("/api/governance")) });
}

/** What the monitors found when they last looked. */
export function useMonitors() {
  const { key, scope } = useScope();
  return useQuery({
    queryKey: [...key, "monitors"],
    queryFn: () => told(api.GET("/api/portfolios/{portfolio}/monitors", { params: scope })),
  });
}

/** A release from inside. */
export function useRelease(version: number | undefined) {
  return useQuery({
    queryKey: ["models", version],
    queryFn: () =>
      told(api.GET("/api/models/{version}", { params: { path: { version: version as number } } })),
    enabled: version !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Makes a release champion, or without a version gives the place back to the one before. */
export function useSuccession(version: number | null) {
  const { portfolio } = useDesk();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (reason: string) => {
      const body = { track: portfolio.track, reason };
      if (version === null) await told(api.POST("/api/models/rollback", { body }));
      else await told(api.POST("/api/models/promote", { body: { ...body, version } }));
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["models"] }),
  });
}

/** Not a part of the record, so no stream tells of it: asked now and then. */
export function useEngine() {
  return useQuery({
    queryKey: ["engine"],
    queryFn: () => told(api.GET("/api/engine")),
    refetchInterval: ENGINE_MS,
  });
}
