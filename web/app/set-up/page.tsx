"use client";

import { useRouter } from "next/navigation";
import { type FormEvent, useEffect, useState } from "react";
import { Door } from "@/components/door";
import { Button, Failure, Field } from "@/components/parts";
import { api, Problem, rememberCsrf, told } from "@/lib/api";

export default function Page() {
  const router = useRouter();
  const [token, setToken] = useState("");
  const [error, setError] = useState<Error | null>(null);

  useEffect(() => {
    setToken(new URLSearchParams(window.location.search).get("token") ?? "");
    // The token does not stay in the address bar or the history.
    window.history.replaceState(null, "", "/set-up/");
  }, []);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [password, again] = [String(form.get("password")), String(form.get("again"))];
    if (password !== again) {
      setError(new Problem(0, "not the same", "The two passwords differ."));
      return;
    }
    try {
      const body = { name: String(form.get("name")), password, token };
      const me = await told(api.POST("/api/session/set-up", { body }));
      rememberCsrf(me.csrf ?? null);
      router.replace("/");
    } catch (refused) {
      setError(refused as Error);
    }
  }

  return (
    <Door title="Create the administrator">
      <form onSubmit={submit} className="space-y-4">
        <Field
          label="Set-up token"
          value={token}
          onChange={(event) => setToken(event.target.value)}
          required
          autoComplete="off"
          hint="Printed by `ballast up`; it works once."
        />
        <Field label="Name" name="name" autoComplete="username" required />
        <Field
          label="Password"
          name="password"
          type="password"
          autoComplete="new-password"
          required
          minLength={12}
          hint="At least 12 characters; a sentence is a good one."
        />
        <Field label="Password again" name="again" type="password" autoComplete="new-password" required />
        {error && <Failure error={error} />}
        <Button kind="primary" type="submit" className="w-full">
          Create
        </Button>
      </form>
    </Door>
  );
}
