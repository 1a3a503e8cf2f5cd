"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { api, type Me, Problem, rememberCsrf, type Schemas, told } from "./api";

type Listed = Schemas["Listed"];

interface Desk {
  me: Me;
  portfolios: Listed[];
  portfolio: Listed;
  choose: (portfolio: Listed) => void;
  signOut: () => Promise<void>;
}

const Context = createContext<Desk | null>(null);

/** Whoever is signed in, and the portfolio they look at; sends everybody else to the sign-in page. */
export function Session({
  children,
  waiting,
}: {
  children: ReactNode;
  waiting: (error: Error | null) => ReactNode;
}) {
  const router = useRouter();
  const queries = useQueryClient();
  const [chosen, choose] = useState<Listed | null>(null);
  const me = useQuery({
    queryKey: ["session"],
    queryFn: async () => {
      const who = await told(api.GET("/api/session"));
      rememberCsrf(who.csrf ?? null);
      return who;
    },
    retry: (count, error) => !(error instanceof Problem && error.status === 401) && count < 5,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const portfolios = useQuery({
    queryKey: ["portfolios"],
    queryFn: () => told(api.GET("/api/portfolios")),
  });
  const outside = me.error instanceof Problem && me.error.status === 401;
  useEffect(() => {
    if (outside) router.replace("/sign-in/");
  }, [outside, router]);

  const portfolio = chosen ?? portfolios.data?.[0];
  const desk = useMemo(() => {
    if (!me.data || !portfolios.data || !portfolio) return null;
    const signOut = async () => {
      await told(api.DELETE("/api/session"));
      queries.clear();
      router.replace("/sign-in/");
    };
    return { me: me.data, portfolios: portfolios.data, portfolio, choose, signOut };
  }, [me.data, portfolios.data, portfolio, queries, router]);

  if (!desk) {
    const none = portfolios.data?.length === 0;
    const error = none
      ? new Problem(404, "no portfolio", "You may see no portfolio yet. Ask an administrator for one.")
      : (portfolios.error ?? (outside ? null : me.error));
    return waiting(error);
  }
  return <Context value={desk}>{children}</Context>;
}

export function useDesk(): Desk {
  const desk = useContext(Context);
  if (!desk) throw new Error("useDesk needs a Session above it");
  return desk;
}
