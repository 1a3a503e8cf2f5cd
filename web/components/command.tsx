"use client";

import { type FormEvent, useRef, useState } from "react";
import { type Command, useCommand } from "@/lib/questions";
import { useDesk } from "@/lib/session";
import { Button, Failure, Field, Note } from "./parts";

interface Words {
  button: string;
  title: string;
  what: string;
  kind: "plain" | "primary" | "danger";
  /** To be typed before it is sent; nothing for commands that only tighten by asking. */
  typed: string;
}

const WORDS: Record<Command, Words> = {
  halt: {
    button: "Halt",
    title: "Halt trading",
    what: "No entries until a resume is requested and approved by another person. Working entries are cancelled; exits and stops go on.",
    kind: "danger",
    typed: "halt",
  },
  "kill-switch": {
    button: "Trip the kill switch",
    title: "Trip the kill switch",
    what: "The same as a halt, recorded as a kill switch tripped by hand. It latches until a resume is approved.",
    kind: "danger",
    typed: "trip",
  },
  flatten: {
    button: "Halt and flatten",
    title: "Halt, and sell everything",
    what: "No entries, and the next hour's decision sells every holding whole, until a resume is approved. Stops rest until then.",
    kind: "danger",
    typed: "flatten",
  },
  "request-resume": {
    button: "Request a resume",
    title: "Request a resume",
    what: "Say that you looked into the cause and that trading may go on. Somebody else must approve it.",
    kind: "primary",
    typed: "",
  },
  "approve-resume": {
    button: "Approve the resume",
    title: "Approve the resume",
    what: "Entries are allowed again from the next hour on, once enough people have approved.",
    kind: "primary",
    typed: "resume",
  },
};

/** A button, and a dialogue that asks for the reason before anything is sent. */
export function CommandButton({
  command,
  halt = "",
  disabled = false,
}: {
  command: Command;
  halt?: string;
  disabled?: boolean;
}) {
  const words = WORDS[command];
  const dialog = useRef<HTMLDialogElement>(null);
  const { portfolio } = useDesk();
  const send = useCommand(command);
  const [id, setId] = useState("");
  const [typed, setTyped] = useState("");

  function open() {
    setId(crypto.randomUUID());
    setTyped("");
    send.reset();
    dialog.current?.showModal();
  }

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const said = {
      reason: String(form.get("reason")),
      signature: String(form.get("signature") ?? ""),
      id,
      halt,
    };
    send.mutate(said, { onSuccess: () => dialog.current?.close() });
  }

  return (
    <>
      <Button kind={words.kind} disabled={disabled} onClick={open}>
        {words.button}
      </Button>
      <dialog
        ref={dialog}
        aria-label={words.title}
        className="m-auto w-full max-w-md rounded-lg border border-line bg-panel p-0 text-ink backdrop:bg-black/60"
      >
        <form onSubmit={submit} className="space-y-4 p-5">
          <h2 className="text-base font-semibold">{words.title}</h2>
          <p className="text-muted">
            {portfolio.portfolio} on {portfolio.track}
            {halt && `, ${halt}`}
          </p>
          <Note tone={words.kind === "danger" ? "warn" : "accent"}>{words.what}</Note>
          <Field
            label="Reason"
            name="reason"
            required
            minLength={3}
            maxLength={500}
            hint="Kept for ever, with your name."
          />
          {portfolio.mode === "live" && halt && (
            <Field
              label="Signature"
              name="signature"
              required
              hint="What `ballast halt sign` printed for exactly this reason."
            />
          )}
          {words.typed && (
            <Field
              label={`Type “${words.typed}” to confirm`}
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
              autoComplete="off"
            />
          )}
          {send.isError && <Failure error={send.error} />}
          <div className="flex justify-end gap-2">
            <Button onClick={() => dialog.current?.close()}>Cancel</Button>
            <Button kind={words.kind} type="submit" disabled={send.isPending || typed !== words.typed}>
              {send.isPending ? "sending" : words.button}
            </Button>
          </div>
        </form>
      </dialog>
    </>
  );
}
