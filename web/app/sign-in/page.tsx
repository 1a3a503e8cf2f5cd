"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { type FormEvent, useState } from "react";
import { Door } from "@/components/door";
import { Button, Failure, Field, Note } from "@/components/parts";
import { api, rememberCsrf, told } from "@/lib/api";

export default function Page() {
  const router = useRouter();
  const queries = useQueryClient();
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const state = useQuery({ queryKey: ["state"], queryFn: () => told(api.GET("/api/session/state")) });

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setError(null);
    try {
      const body = { name: String(form.get("name")), password: String(form.get("password")) };
      const me = await told(api.POST("/api/session", { body }));
      rememberCsrf(me.csrf ?? null);
      queries.clear();
      router.replace("/");
    } catch (refused) {
      setError(refused as Error);
      setBusy(false);
    }
  }

  return (
    <Door title="Sign in">
      {state.data && !state.data.set_up && (
        <Note tone="warn">
          There is no user yet. Open the set-up link that `ballast up` printed in its terminal.
        </Note>
      )}
      <form onSubmit={submit} className="space-y-4">
        <Field label="Name" name="name" autoComplete="username" required />
        <Field label="Password" name="password" type="password" autoComplete="current-password" required />
        {error && <Failure error={error} />}
        <Button kind="primary" type="submit" disabled={busy} className="w-full">
          {busy ? "signing in" : "Sign in"}
        </Button>
      </form>
      {state.data?.oidc && (
        <a className="block text-center underline" href="/api/oidc/begin">
          Sign in at your identity provider
        </a>
      )}
    </Door>
  );
}
