"use client";

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Problem } from "@/lib/api";
import { ViewProvider } from "@/lib/view";

export function Providers({ children }: { children: ReactNode }) {
  const [client] = useState(
    () =>
      new QueryClient({
        defaultOptions: {
          queries: {
            // The stream says when something is new; a refusal does not change by asking again.
            staleTime: 60_000,
            retry: (count, error) => !(error instanceof Problem && error.status >= 400) && count < 3,
          },
        },
      }),
  );
  return (
    <QueryClientProvider client={client}>
      <ViewProvider>{children}</ViewProvider>
    </QueryClientProvider>
  );
}
