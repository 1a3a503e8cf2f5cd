import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./api-types";

export type Schemas = components["schemas"];
export type Overview = Schemas["Overview"];
export type OneHour = Schemas["OneHour"];
export type Me = Schemas["Me"];

/** A refusal of the API: its title, and a sentence that says what to do. */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;

  constructor(status: number, title: string, detail: string) {
    super(detail);
    this.status = status;
    this.title = title;
  }
}

let csrf = "";

/** The session's value that every change must repeat; it lives in memory only. */
export function rememberCsrf(value: string | null): void {
  csrf = value ?? "";
}

const changes: Middleware = {
  onRequest({ request }) {
    if (request.method !== "GET" && csrf) request.headers.set("X-CSRF-Token", csrf);
    return request;
  },
};

export const api = createClient<paths>({ baseUrl: "/" });
api.use(changes);

/** The data of an answer; anything else becomes a `Problem`. */
export async function told<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  let answer: { data?: T; error?: unknown; response: Response };
  try {
    answer = await asked;
  } catch {
    throw new Problem(0, "no connection", "Ballast does not answer. It is asked again by itself.");
  }
  if (answer.response.ok) return answer.data as T;
  const problem = (answer.error ?? {}) as { title?: string; detail?: string };
  throw new Problem(
    answer.response.status,
    problem.title ?? "error",
    problem.detail ?? "The answer makes no sense; see the log of the API.",
  );
}
