import type { Tone } from "@/components/parts";

/** How an hour can end, and how loudly that is shown. */
export const OUTCOMES: Record<string, Tone> = {
  TRADED: "accent",
  NO_CHANGE: "plain",
  WARMUP: "plain",
  STALE: "warn",
  MISSED: "warn",
  HALTED: "bad",
  KILL_SWITCH: "bad",
  UNRECONCILED: "bad",
};

export const VERDICTS: Record<string, Tone> = {
  kept: "good",
  shrunk: "warn",
  denied: "bad",
  forced: "accent",
};
