"use client";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, told } from "./api";
import { useDesk } from "./session";

/** The path and query that every question about the chosen portfolio shares. */
export function useScope() {
  const { portfolio } = useDesk();
  const key = [portfolio.track, portfolio.portfolio] as const;
  const scope = { path: { portfolio: portfolio.portfolio }, query: { track: portfolio.track } };
  return { key, scope };
}

export function useOverview() {
  const { key, scope } = useScope();
  return useQuery({
    queryKey: [...key, "overview"],
    queryFn: () => told(api.GET("/api/portfolios/{portfolio}", { params: scope })),
  });
}

export function useEquity() {
  const { key, scope } = useScope();
  return useQuery({
    queryKey: [...key, "equity"],
    queryFn: () => told(api.GET("/api/portfolios/{portfolio}/equity", { params: scope })),
  });
}

export function useHours(outcome: string, before?: string) {
  const { key, scope } = useScope();
  const query = { ...scope.query, limit: 50, ...(outcome ? { outcome } : {}), ...(before ? { before } : {}) };
  return useQuery({
    queryKey: [...key, "hours", outcome, before],
    queryFn: () => told(api.GET("/api/portfolios/{portfolio}/hours", { params: { ...scope, query } })),
  });
}

export function useHour(asof: string) {
  const { key, scope } = useScope();
  const params = { ...scope, path: { ...scope.path, asof } };
  return useQuery({
    queryKey: [...key, "hour", asof],
    queryFn: () => told(api.GET("/api/portfolios/{portfolio}/hours/{asof}", { params })),
    enabled: asof !== "",
  });
}

export function useOrders(open?: boolean) {
  const { key, scope } = useScope();
  const query = { ...scope.query, limit: 50, ...(open === undefined ? {} : { open }) };
  return useQuery({
    queryKey: [...key, "orders", open],
    queryFn: () => told(api.GET("/api/portfolios/{portfolio}/orders", { params: { ...scope, query } })),
  });
}

export function useTrades(instrument: string, before?: string) {
  const { key, scope } = useScope();
  const query = {
    ...scope.query,
    limit: 50,
    ...(instrument ? { instrument } : {}),
    ...(before ? { before } : {}),
  };
  return useQuery({
    queryKey: [...key, "trades", instrument, before],
    queryFn: () => told(api.GET("/api/portfolios/{portfolio}/trades", { params: { ...scope, query } })),
  });
}

export function useVerdicts(verdict: string) {
  const { key, scope } = useScope();
  const query = { ...scope.query, limit: 50, ...(verdict ? { verdict } : {}) };
  return useQuery({
    queryKey: [...key, "verdicts", verdict],
    queryFn: () => told(api.GET("/api/portfolios/{portfolio}/verdicts", { params: { ...scope, query } })),
  });
}

export function useReconciliation() {
  const { key, scope } = useScope();
  return useQuery({
    queryKey: [...key, "reconciliation"],
    queryFn: () => told(api.GET("/api/portfolios/{portfolio}/reconciliation", { params: scope })),
  });
}

export function useAlerts() {
  const { key, scope } = useScope();
  return useQuery({
    queryKey: [...key, "alerts"],
    queryFn: () => told(api.GET("/api/portfolios/{portfolio}/alerts", { params: scope })),
  });
}

export function useAudit(before?: string) {
  const { key, scope } = useScope();
  const query = { ...scope.query, limit: 50, ...(before ? { before } : {}) };
  return useQuery({
    queryKey: [...key, "audit", before],
    queryFn: () => told(api.GET("/api/portfolios/{portfolio}/audit", { params: { ...scope, query } })),
  });
}

export function useProofs() {
  const { key, scope } = useScope();
  return useQuery({
    queryKey: [...key, "proofs"],
    queryFn: () => told(api.GET("/api/portfolios/{portfolio}/proofs", { params: scope })),
  });
}

export function usePositions() {
  const { key, scope } = useScope();
  return useQuery({
    queryKey: [...key, "positions"],
    queryFn: () => told(api.GET("/api/portfolios/{portfolio}/positions", { params: scope })),
  });
}

export function useTradingState() {
  const { key, scope } = useScope();
  return useQuery({
    queryKey: [...key, "halt"],
    queryFn: () => told(api.GET("/api/portfolios/{portfolio}/halt", { params: scope })),
  });
}

export type Command = "halt" | "kill-switch" | "flatten" | "request-resume" | "approve-resume";

/** Sends a command once: asked again after a lost answer, it carries the same id. */
export function useCommand(command: Command) {
  const { key, scope } = useScope();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (said: { reason: string; id: string; halt: string; signature: string }) => {
      const why = { reason: said.reason, id: said.id };
      const review = { ...why, halt_id: said.halt, signature: said.signature };
      if (command === "halt") {
        await told(api.POST("/api/portfolios/{portfolio}/halt", { params: scope, body: why }));
      } else if (command === "kill-switch") {
        await told(api.POST("/api/portfolios/{portfolio}/halt/kill-switch", { params: scope, body: why }));
      } else if (command === "flatten") {
        const body = { ...why, confirm: scope.path.portfolio };
        await told(api.POST("/api/portfolios/{portfolio}/halt/flatten", { params: scope, body }));
      } else if (command === "request-resume") {
        await told(
          api.POST("/api/portfolios/{portfolio}/halt/request-resume", { params: scope, body: review }),
        );
      } else {
        await told(
          api.POST("/api/portfolios/{portfolio}/halt/approve-resume", { params: scope, body: review }),
        );
      }
    },
    onSettled: () => queries.invalidateQueries({ queryKey: [...key] }),
  });
}

export function usePerformance() {
  const { key, scope } = useScope();
  return useQuery({
    queryKey: [...key, "performance"],
    queryFn: () => told(api.GET("/api/portfolios/{portfolio}/performance", { params: scope })),
  });
}

export function useMarket() {
  const { key, scope } = useScope();
  return useQuery({
    queryKey: [...key, "market"],
    queryFn: () => told(api.GET("/api/portfolios/{portfolio}/market", { params: scope })),
  });
}

export function useModels() {
  return useQuery({ queryKey: ["models"], queryFn: () => told(api.GET("/api/models")) });
}
