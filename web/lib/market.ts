"use client";

import { useQuery } from "@tanstack/react-query";
import { api, told } from "./api";
import { useScope } from "./questions";

/** The hours of one instrument, with what was traded in it beside them. */
export function useCandles(instrument: string) {
  const { key, scope } = useScope();
  const query = { ...scope.query, instrument };
  return useQuery({
    queryKey: [...key, "candles", instrument],
    queryFn: () =>
      told(api.GET("/api/portfolios/{portfolio}/market/candles", { params: { ...scope, query } })),
    enabled: instrument !== "",
  });
}

export function useUniverse() {
  const { key, scope } = useScope();
  return useQuery({
    queryKey: [...key, "universe"],
    queryFn: () => told(api.GET("/api/portfolios/{portfolio}/market/universe", { params: scope })),
  });
}

export function useCorrelation() {
  const { key, scope } = useScope();
  return useQuery({
    queryKey: [...key, "correlation"],
    queryFn: () => told(api.GET("/api/portfolios/{portfolio}/market/correlation", { params: scope })),
  });
}

export function useBenchmarks() {
  const { key, scope } = useScope();
  return useQuery({
    queryKey: [...key, "benchmarks"],
    queryFn: () => told(api.GET("/api/portfolios/{portfolio}/performance/benchmarks", { params: scope })),
  });
}

export function useProofsTogether() {
  const { key, scope } = useScope();
  return useQuery({
    queryKey: [...key, "proofs together"],
    queryFn: () => told(api.GET("/api/portfolios/{portfolio}/proofs/summary", { params: scope })),
  });
}

export function useOutputs() {
  const { key, scope } = useScope();
  return useQuery({
    queryKey: [...key, "outputs"],
    queryFn: () => told(api.GET("/api/portfolios/{portfolio}/market/outputs", { params: scope })),
  });
}
