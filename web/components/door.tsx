import { Activity } from "lucide-react";
import type { ReactNode } from "react";

/** A page for whoever is not inside yet. */
export function Door({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main className="grid min-h-dvh place-items-center p-4">
      <div className="w-full max-w-sm space-y-4 rounded-lg border border-line bg-panel p-6">
        <p className="flex items-center gap-2 text-base font-bold">
          <Activity aria-hidden className="size-5 text-accent" /> Ballast
        </p>
        <h1 className="text-xl font-semibold">{title}</h1>
        {children}
      </div>
    </main>
  );
}
