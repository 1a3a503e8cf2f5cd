"use client";

import { type FormEvent, useRef } from "react";
import { useSuccession } from "@/lib/house";
import { useDesk } from "@/lib/session";
import { Button, Failure, Field, Note } from "./parts";

/** Makes a release champion, or without one gives the place back; asks why before anything is sent. */
export function SuccessionButton({ version }: { version: number | null }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const { portfolio } = useDesk();
  const send = useSuccession(version);
  const words =
    version === null
      ? { button: "Roll back", title: "Give the place back to the champion before" }
      : { button: "Promote", title: `Make release ${version} champion` };

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const reason = String(new FormData(event.currentTarget).get("reason"));
    send.mutate(reason, { onSuccess: () => dialog.current?.close() });
  }

  return (
    <>
      <Button
        onClick={() => {
          send.reset();
          dialog.current?.showModal();
        }}
      >
        {words.button}
      </Button>
      <dialog
        ref={dialog}
        aria-label={words.title}
        className="m-auto w-full max-w-md whitespace-normal rounded-lg border border-line bg-panel p-0 text-ink backdrop:bg-black/60"
      >
        <form onSubmit={submit} className="space-y-4 p-5">
          <h2 className="text-base font-semibold">{words.title}</h2>
          <p className="text-muted">
            For {portfolio.mode}, on the track {portfolio.track}
          </p>
          <Note tone="warn">
            It decides from the next hour on. Outside replay every rule that it breaks refuses it.
          </Note>
          <Field
            label="Reason"
            name="reason"
            required
            minLength={3}
            maxLength={500}
            hint="Kept for ever, with your name."
          />
          {send.isError && <Failure error={send.error} />}
          <div className="flex justify-end gap-2">
            <Button onClick={() => dialog.current?.close()}>Cancel</Button>
            <Button kind="primary" type="submit" disabled={send.isPending}>
              {send.isPending ? "sending" : words.button}
            </Button>
          </div>
        </form>
      </dialog>
    </>
  );
}
