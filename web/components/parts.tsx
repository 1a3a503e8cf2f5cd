import { AlertTriangle, CheckCircle2, CircleSlash, Info, Loader2 } from "lucide-react";
import { type ReactNode, useId } from "react";
import { Problem } from "@/lib/api";

export type Tone = "plain" | "good" | "warn" | "bad" | "accent";

const TONES: Record<Tone, string> = {
  plain: "bg-raised text-ink",
  good: "bg-good-soft text-good",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
  accent: "bg-accent-soft text-accent",
};

export function Badge({ tone = "plain", children }: { tone?: Tone; children: ReactNode }) {
  return (
    <span
      className={`inline-flex items-center gap-1 rounded px-1.5 py-0.5 text-xs font-medium ${TONES[tone]}`}
    >
      {children}
    </span>
  );
}

export function Panel({
  title,
  aside,
  children,
  className = "",
}: {
  title: string;
  aside?: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  return (
    <section aria-label={title} className={`rounded-lg border border-line bg-panel ${className}`}>
      <header className="flex min-h-11 flex-wrap items-center justify-between gap-2 border-b border-line px-4 py-2">
        <h2 className="font-semibold">{title}</h2>
        {aside}
      </header>
      <div className="p-4">{children}</div>
    </section>
  );
}

export function Stat({ label, value, note }: { label: string; value: ReactNode; note?: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-muted">{label}</dt>
      <dd className="num truncate text-xl font-semibold">{value}</dd>
      {note && <dd className="text-xs text-muted">{note}</dd>}
    </div>
  );
}

/** Used against limit, with marks where something begins; the words say what the bar shows. */
export function Meter({
  label,
  used,
  limit,
  text,
  marks = [],
}: {
  label: string;
  used: number;
  limit: number;
  text: string;
  marks?: { at: number; label: string }[];
}) {
  const share = limit > 0 ? Math.min(1, Math.max(0, used / limit)) : 0;
  const tone = share >= 0.9 ? "bg-bad" : share >= 0.6 ? "bg-warn" : "bg-accent";
  return (
    <div>
      <div className="mb-1 flex justify-between gap-2 text-xs">
        <span className="text-muted">{label}</span>
        <span className="num font-medium">{text}</span>
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: the element cannot carry marks */}
      <div
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={limit}
        aria-valuenow={used}
        aria-valuetext={text}
        className="relative h-2.5 rounded bg-raised"
      >
        <div className={`h-full rounded ${tone}`} style={{ width: `${share * 100}%` }} />
        {marks.map((mark) => (
          <span
            key={mark.label}
            className="absolute -top-0.5 h-3.5 w-px bg-ink"
            style={{ left: `${Math.min(1, mark.at / limit) * 100}%` }}
          />
        ))}
      </div>
      {marks.length > 0 && (
        <p className="relative mt-1 h-4 text-[11px] text-muted">
          {marks.map((mark) => (
            <span
              key={mark.label}
              className="num absolute -translate-x-full whitespace-nowrap pr-0.5"
              style={{ left: `${Math.min(1, mark.at / limit) * 100}%` }}
            >
              {mark.label}
            </span>
          ))}
        </p>
      )}
    </div>
  );
}

/** What stands where there is nothing, not yet or not any more. */
export function Empty({ children }: { children: ReactNode }) {
  return (
    <p className="flex items-center gap-2 py-6 text-muted">
      <CircleSlash aria-hidden className="size-4 shrink-0" /> {children}
    </p>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <p role="status" className="flex items-center gap-2 py-6 text-muted">
      <Loader2 aria-hidden className="size-4 shrink-0 motion-safe:animate-spin" /> loading {what}
    </p>
  );
}

export function Failure({ error, again }: { error: Error; again?: () => void }) {
  const title = error instanceof Problem ? error.title : "error";
  return (
    <div role="alert" className="rounded border border-bad bg-bad-soft p-3 text-bad">
      <p className="flex items-center gap-2 font-semibold">
        <AlertTriangle aria-hidden className="size-4 shrink-0" /> {title}
      </p>
      <p className="mt-1">{error.message}</p>
      {again && (
        <button type="button" onClick={again} className="mt-2 underline underline-offset-2">
          ask again
        </button>
      )}
    </div>
  );
}

export function Note({ tone = "accent", children }: { tone?: Tone; children: ReactNode }) {
  const Icon = tone === "good" ? CheckCircle2 : tone === "accent" || tone === "plain" ? Info : AlertTriangle;
  return (
    <p className={`flex items-start gap-2 rounded p-3 ${TONES[tone]}`}>
      <Icon aria-hidden className="mt-0.5 size-4 shrink-0" />
      <span>{children}</span>
    </p>
  );
}

const BUTTONS = {
  plain: "border-line bg-raised text-ink hover:border-muted",
  primary: "border-accent bg-accent text-panel hover:opacity-90",
  danger: "border-bad bg-bad text-panel hover:opacity-90",
};

export function Button({
  kind = "plain",
  ...rest
}: { kind?: keyof typeof BUTTONS } & React.ButtonHTMLAttributes<HTMLButtonElement>) {
  return (
    <button
      type="button"
      {...rest}
      className={`inline-flex min-h-9 items-center justify-center gap-2 rounded border px-3 font-medium disabled:cursor-not-allowed disabled:opacity-50 ${BUTTONS[kind]} ${rest.className ?? ""}`}
    />
  );
}

export function Field({
  label,
  hint,
  ...rest
}: { label: string; hint?: string } & React.InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className="mb-1 block font-medium">
        {label}
      </label>
      <input
        {...rest}
        id={id}
        aria-describedby={hint ? `${id}-hint` : undefined}
        className="min-h-10 w-full rounded border border-line bg-panel px-3 text-ink placeholder:text-muted"
      />
      {hint && (
        <p id={`${id}-hint`} className="mt-1 text-xs text-muted">
          {hint}
        </p>
      )}
    </div>
  );
}
