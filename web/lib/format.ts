/** Numbers and times as people read them; what is exact stays exact. */

/** Digits of an exact decimal, grouped, cut to `places` without rounding up what is not there. */
export function amount(text: string, places = 2): string {
  const negative = text.startsWith("-");
  const [whole = "0", part = ""] = text.replace("-", "").split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  const shown = part.padEnd(places, "0").slice(0, places);
  return `${negative ? "−" : ""}${grouped}${places ? `.${shown}` : ""}`;
}

export function percent(fraction: number, places = 2): string {
  const text = (Math.abs(fraction) * 100).toFixed(places);
  return `${fraction < 0 && Number(text) !== 0 ? "−" : ""}${text} %`;
}

export function signed(fraction: number, places = 2): string {
  return fraction > 0 ? `+${percent(fraction, places)}` : percent(fraction, places);
}

export type Zone = "utc" | "local";

const OPTIONS: Intl.DateTimeFormatOptions = {
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  hour12: false,
};

/** 2026-01-01 12:00 UTC, or the same moment on the reader's clock. */
export function time(iso: string, zone: Zone, seconds = false): string {
  const options = { ...OPTIONS, ...(seconds ? { second: "2-digit" as const } : {}) };
  const format = new Intl.DateTimeFormat("sv-SE", zone === "utc" ? { ...options, timeZone: "UTC" } : options);
  return `${format.format(new Date(iso))}${zone === "utc" ? " UTC" : ""}`;
}

/** How long ago, in the largest unit that says enough. */
export function ago(iso: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(iso)) / 1000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

/** The hour in an address: 2026-01-01T12:00Z. */
export function hourKey(iso: string): string {
  return `${new Date(iso).toISOString().slice(0, 16)}Z`;
}
